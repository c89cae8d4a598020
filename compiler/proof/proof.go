// Package proof holds what rendered policies mean against what was meant: that they
// let through what the plan says, on both halves, and nothing else.
//
// Its invariant: an answer is exact over everything that the policies can tell apart,
// never over samples, for the pods that are planned or described and for those that may
// come with what two selectors ask for; what is not known does not count as held. A
// finding shows one packet and what decides it.
//
// It must not know how policies are spelt, nor how they came about.
package proof

import (
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
)

// Rules are the findings of this package.
var Rules = []*diag.Rule{broken, idle, missing, Excess, breached, cutOff, closed, halfOpen}

// Prove holds the meaning of what was rendered for a plan against the plan and its
// tests. The endpoints are those that manifests describe and those that the plan knows.
func Prove(p *plan.Plan, m *meaning.Meaning, endpoints []*meaning.Endpoint) diag.List {
	prover := newProver(p, m, endpoints)
	return append(prover.tests(), prover.flows()...)
}

// Tests holds the plan's tests alone against the meaning of what was rendered.
func Tests(p *plan.Plan, m *meaning.Meaning, endpoints []*meaning.Endpoint) diag.List {
	if len(p.Tests) == 0 {
		return nil
	}
	return newProver(p, m, endpoints).tests()
}

// prover asks one relation about one plan.
type prover struct {
	plan *plan.Plan
	m    *meaning.Meaning
	r    *meaning.Relation
	ends ends
}

func newProver(p *plan.Plan, m *meaning.Meaning, endpoints []*meaning.Endpoint) *prover {
	var a meaning.Atoms
	a.Add(endpoints...)
	a.AddLookAlikes(exempt(p)...)
	ends := endsOf(p, &a)
	return &prover{plan: p, m: m, r: meaning.Evaluate(m, &a), ends: ends}
}
