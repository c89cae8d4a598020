package resolve

import (
	"slices"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// resolver holds what is known of one environment while it is resolved.
type resolver struct {
	*repository
	scope
	agreements map[string]agreement       // by namespace
	workloads  map[string]int             // ns/name → index into plan.Workloads
	elsewhere  map[string]bool            // ns/name of intents that this environment lacks
	misread    map[string]bool            // ns/name of intents with a mistake of spelling
	selectors  map[string]object.Selector // by namespace, of its labels
	ends       map[string]plan.End        // ns/name → what all lines that name the workload share
	plan       *plan.Plan
	found      diag.List
}

// agreement is what flows with other namespaces depend on.
type agreement struct {
	handshake language.Handshake
	held      bool // its pods are held to flows, here or by a build of their own
}

// newResolver begins to resolve a repository for one environment, with an empty plan.
func newResolver(r *repository, environment string, targets []string) *resolver {
	return &resolver{repository: r, scope: scopeOf(environment, r.Platform.Spec), agreements: map[string]agreement{},
		workloads: map[string]int{}, elsewhere: map[string]bool{}, misread: map[string]bool{}, selectors: map[string]object.Selector{}, ends: map[string]plan.End{},
		plan: &plan.Plan{Environment: environment, Targets: targets, Cluster: object.DefaultCluster(), Stages: plan.DefaultStages(),
			Platform: r.Platform.Metadata.Name.Span, PlatformName: string(r.Platform.Metadata.Name.Value)},
	}
}

// add keeps a finding about the environment that is being resolved.
func (s *resolver) add(f diag.Diagnostic) { s.found = append(s.found, f) }

// scope decides what of the documents exists in an environment.
type scope struct {
	environment, group string
	settings           language.Environment // the environment's own
}

// scopeOf finds an environment's group and settings in the Platform, by which it is decided what
// exists there.
func scopeOf(environment string, spec language.PlatformSpec) scope {
	s := scope{environment: environment}
	for _, e := range spec.Environments {
		if string(e.Key.Value) == environment {
			s.group, s.settings = string(e.Value.Group.Value), e.Value
		}
	}
	return s
}

// in reports whether something that is written for a list of environments and groups exists in
// this environment.
func (s *scope) in(names []language.At[language.Name]) bool {
	return len(names) == 0 || slices.ContainsFunc(names, func(n language.At[language.Name]) bool { return s.is(n.Value) })
}

// is reports whether the name is this environment's, or its group's.
func (s *scope) is(name language.Name) bool {
	return string(name) == s.environment || s.group != "" && string(name) == s.group
}

// pick returns the value of this environment: its own name beats its group. Where the
// mapping leaves the environment out, the result is nil.
func pick[T any](s *scope, p language.PerEnvironment[T]) *T {
	if p.All != nil {
		return p.All
	}
	var value *T
	for i, e := range p.By {
		switch {
		case string(e.Key.Value) == s.environment:
			return &p.By[i].Value
		case s.is(e.Key.Value):
			value = &p.By[i].Value
		}
	}
	return value
}

// requireCalico complains of what only Calico's policies can do where the environment's targets
// lack Calico.
func (s *resolver) requireCalico(span diag.Span, what string) {
	if !s.plan.HasTarget("calico") {
		s.add(needsCalico.At(span, "%s needs Calico, which is not among the targets", what).
			Suggest("add calico to the environment's targets, or do without it there"))
	}
}
