package resolve

import (
	"slices"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
)

// Names are the @names of a Platform, as far as they mean something in one environment.
type Names struct {
	in        *resolver
	described bool // the workloads are
}

// NamesIn prepares to look up several @names in an environment. Its workloads are resolved where
// one of them is meant.
func NamesIn(r *language.Repository, environment string, o Options) *Names {
	s := newResolver(newRepository(r, o.Namespace), environment, o.Targets)
	s.cluster()
	s.namespaces()
	return &Names{in: s}
}

// Ends looks up the ends that an @name means.
func (n *Names) Ends(name string) ([]plan.End, diag.List) {
	s := n.in
	if !n.described && slices.ContainsFunc(s.Platform.Spec.Peers, func(e language.Entry[language.Name, language.PeerSpec]) bool {
		return string(e.Key.Value) == name && s.hasWorkload(&e.Value)
	}) {
		n.described = true
		s.describeWorkloads()
	}
	s.found = nil // what is wrong there is no answer to this
	var ends []plan.End
	for _, p := range s.named(name, s.Platform.Metadata.Name.Span) {
		ends = append(ends, p.end)
	}
	return ends, s.found
}

// hasWorkload reports whether an @name has a workload among its members here.
func (s *resolver) hasWorkload(spec *language.PeerSpec) bool {
	members := pick(&s.scope, spec.Is)
	return members != nil && slices.ContainsFunc(*members, func(m language.At[language.Member]) bool { return m.Value.Peer.Kind == language.WorkloadPeer })
}
