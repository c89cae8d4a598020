package resolve

import (
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
)

// Named looks up the ends that an @name means in an environment.
func Named(r *language.Repository, name, environment string, o Options) ([]plan.End, diag.List) {
	s := newResolver(newRepository(r, o.Namespace), environment, o.Targets)
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
