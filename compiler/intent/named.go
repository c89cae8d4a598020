package intent

import (
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
)

// Named are the ends that an @name means in an environment.
func (r *Repository) Named(name, environment string, o Options) ([]plan.End, diag.List) {
	s := newResolver(r.know(o), environment, o.Targets)
	s.cluster()
	s.namespaces()
	s.describeWorkloads()
	s.found = nil // what is wrong there is no answer to this
	var ends []plan.End
	for _, p := range s.named(name, r.Platform.Metadata.Name.Span) {
		ends = append(ends, p.end)
	}
	return ends, s.found
}
