package intent

import (
	"slices"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// DefaultEnvironment is the only one of a Platform that names none.
const DefaultEnvironment = "default"

// Options say what to resolve for.
type Options struct {
	// Targets are the kinds of policy that a Platform may ask for.
	Targets []string
	// Namespace, if not empty, has been made after a pattern of the Platform, such as
	// pr-1234 after pr-*: it becomes known like any other, with the pattern's intents.
	Namespace string
	// AllowEmpty: a repository without intents is meant.
	AllowEmpty bool
}

// Environments are the names of the repository's environments, in order.
func (r *Repository) Environments() []string {
	if r.Platform == nil || len(r.Platform.Spec.Environments) == 0 {
		return []string{DefaultEnvironment}
	}
	var all []string
	for _, e := range r.Platform.Spec.Environments {
		all = append(all, string(e.Key.Value))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Resolve gives what is written its meaning in every environment: one plan for
// each, in the order of Environments. A finding that holds in some of several
// environments names them. The plans are whole only if nothing failed.
func (r *Repository) Resolve(o Options) ([]*plan.Plan, diag.List) {
	if r.Platform == nil {
		return nil, nil
	}
	known := r.know(o)
	if over := known.capped(); over != nil {
		return nil, slices.Concat(known.found, over)
	}
	found := slices.Concat(known.found, r.checkReferences(known, o.Targets), known.checkPlaces(), r.checkWaivers())
	w := written{lines: known.lines(), tests: known.tests()}
	w.linesExist, w.testsExist = make([]bool, len(w.lines)), make([]bool, len(w.tests))
	environments := r.Environments()
	var plans []*plan.Plan
	var perEnvironment diag.List
	for _, name := range environments {
		s := newResolver(known, name, o.Targets)
		s.resolve(w)
		plans = append(plans, s.plan)
		perEnvironment = append(perEnvironment, s.found.In(name)...)
	}
	for _, f := range perEnvironment.Sorted() {
		if len(f.Environments) == len(environments) {
			f.Environments = nil
		}
		found = append(found, f)
	}
	if o.Namespace != "" && !slices.ContainsFunc(plans, func(p *plan.Plan) bool { _, here := p.Namespace(o.Namespace); return here }) {
		found = append(found, unknownNamespace.At(r.Platform.Metadata.Name.Span, "there is no namespace called %.80s, and no pattern covers it", o.Namespace).
			Suggest("choose one of the Platform's namespaces, or one that a pattern such as pr-* covers"))
	}
	if !found.Failed() && !r.partial {
		found = append(found, w.nowhere()...)
	}
	if len(r.Intents) == 0 && !o.AllowEmpty && !found.Failed() && !r.lost {
		found = append(found, nothing.At(r.Platform.Metadata.Name.Span, "the repository has no NetworkIntent").
			Because("an empty result would remove every policy from a cluster that prunes").
			Suggest("write one NetworkIntent for each workload"))
	}
	return plans, found
}

// written are the lines and tests of a repository, and whether any environment has
// them.
type written struct {
	lines                  []line
	tests                  []test
	linesExist, testsExist []bool
}

// nowhere complains of what no environment has. A line of an intent that stands in
// several namespaces need exist in one of them.
func (w written) nowhere() diag.List {
	var found diag.List
	somewhere := map[diag.Span]bool{}
	for i, l := range w.lines {
		somewhere[l.span] = somewhere[l.span] || w.linesExist[i]
	}
	for i, t := range w.tests {
		somewhere[t.span] = somewhere[t.span] || w.testsExist[i]
	}
	complain := func(span diag.Span, what, why, hint string) {
		if !somewhere[span] {
			somewhere[span] = true
			found = append(found, neverExists.At(span, "%s", what).Because("%s", why).Suggest("%s", hint))
		}
	}
	for _, l := range w.lines {
		complain(l.span, "this line exists in no environment", "a flow exists where its line, both workloads and both namespaces do",
			"compare the line's in with those of the workloads and namespaces that it names")
	}
	for _, t := range w.tests {
		complain(t.span, "this test runs in no environment", "a test runs where both its ends exist, and one that never runs proves nothing",
			"compare the test's in with those of the workloads and namespaces that it names")
	}
	return found
}

// resolver holds what is known of one environment while it is resolved.
type resolver struct {
	*known
	spec        PlatformSpec
	environment string
	group       string
	settings    Environment          // this environment's own
	handshakes  map[string]Handshake // by namespace
	held        map[string]bool      // namespaces whose pods are held to flows, here or by a build of their own
	workloads   map[string]int       // ns/name → index into plan.Workloads
	elsewhere   map[string]bool      // ns/name of intents that this environment lacks
	misread     map[string]bool      // ns/name of intents with a mistake of spelling
	plan        *plan.Plan
	found       diag.List
}

func newResolver(k *known, environment string, targets []string) *resolver {
	s := &resolver{known: k, spec: k.Platform.Spec, environment: environment,
		handshakes: map[string]Handshake{}, held: map[string]bool{}, workloads: map[string]int{}, elsewhere: map[string]bool{}, misread: map[string]bool{},
		plan: &plan.Plan{Environment: environment, Targets: targets, Cluster: object.DefaultCluster(), Stages: plan.DefaultStages(), Platform: k.Platform.Metadata.Name.Span},
	}
	for _, e := range s.spec.Environments {
		if string(e.Key.Value) == environment {
			s.group, s.settings = string(e.Value.Group.Value), e.Value
		}
	}
	return s
}

func (s *resolver) add(f diag.Diagnostic) { s.found = append(s.found, f) }

func (s *resolver) resolve(w written) {
	s.cluster()
	s.namespaces()
	s.describeWorkloads()
	s.checkPeers()
	s.flows(w.lines, w.linesExist)
	s.guardrails()
	s.quarantine()
	s.expectations(w.tests, w.testsExist)
	s.components()
}

// in reports whether something with that list exists in this environment.
func (s *resolver) in(names []At[Name]) bool {
	return len(names) == 0 || slices.ContainsFunc(names, func(n At[Name]) bool { return s.is(n.Value) })
}

// is reports whether the name is this environment's, or its group's.
func (s *resolver) is(name Name) bool {
	return string(name) == s.environment || s.group != "" && string(name) == s.group
}

// pick is the value of this environment: its own name beats its group. Where the
// mapping leaves the environment out, the result is nil.
func pick[T any](s *resolver, p PerEnvironment[T]) *T {
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
