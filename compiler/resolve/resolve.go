// Package resolve gives documents their meaning: every name is looked up, every agreement
// asked for, and of a repository and its Platform comes one plan for each environment.
//
// Its invariant: every mistake of a repository is reported in one run, each at the word
// that is wrong; and the plans are whole only if there was none. Nothing that was written
// is changed.
//
// It must not know how a document is spelt or decoded, how a policy is written, nor in
// which order Calico evaluates it.
package resolve

import (
	"slices"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
)

// Options say what to resolve for.
type Options struct {
	// Targets are the kinds of policy that a Platform may ask for.
	Targets []string
	// Namespace, if not empty, has been made after a pattern of the Platform, such as
	// pr-1234 after pr-*: it becomes known like any other, with the pattern's intents.
	Namespace string
	// AllowEmpty: a repository without intents is meant.
	AllowEmpty bool
	// Only are the environments that are asked about; empty: all.
	Only []string
}

// Plans gives what is written its meaning in every environment that is asked about: one plan
// for each, in the order of Environments. A finding that holds in some of several
// environments names them. The plans are whole only if nothing failed.
func Plans(r *language.Repository, o Options) ([]*plan.Plan, diag.List) {
	if r.Platform == nil {
		return nil, nil
	}
	all := newRepository(r, o.Namespace)
	if over := all.capped(); over != nil {
		return nil, slices.Concat(all.found, over)
	}
	w := written{lines: all.lines(), tests: all.tests()}
	found := slices.Concat(all.found, all.checkReferences(w, o.Targets), all.checkPlaces(), all.checkWaivers())
	w.linesExist, w.testsExist = make([]bool, len(w.lines)), make([]bool, len(w.tests))
	environments := r.Environments()
	if len(environments) > 1 && len(o.Only) != 1 {
		all.common = newCommon(len(all.instances))
	}
	var plans []*plan.Plan
	var perEnvironment diag.List
	for _, name := range environments {
		if len(o.Only) > 0 && !slices.Contains(o.Only, name) {
			continue
		}
		s := newResolver(all, name, o.Targets)
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
	whole := len(plans) == len(environments) // else another environment may have what none of these has
	if whole && o.Namespace != "" && !slices.ContainsFunc(plans, func(p *plan.Plan) bool { _, here := p.Namespace(o.Namespace); return here }) {
		found = append(found, unknownNamespace.At(r.Platform.Metadata.Name.Span, "there is no namespace called %.80s, and no pattern covers it", o.Namespace).
			Suggest("choose one of the Platform's namespaces, or one that a pattern such as pr-* covers"))
	}
	if whole && !found.Failed() && !r.Partial {
		found = append(found, w.nowhere()...)
	}
	if len(r.Intents) == 0 && !o.AllowEmpty && !found.Failed() && !r.Lost {
		found = append(found, nothing.At(r.Platform.Metadata.Name.Span, "the repository has no NetworkIntent").
			Because("an empty result would remove every policy from a cluster that prunes").
			Suggest("write one NetworkIntent for each workload"))
	}
	return plans, found
}

// resolve makes the plan of one environment, stage after stage: cluster and namespaces, workloads,
// peers, flows, guardrails, quarantine, tests, components.
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
