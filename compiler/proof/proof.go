// Package proof holds what rendered policies mean against what was meant: that they
// let through what the plan says, on both halves, and nothing else.
//
// Its invariant: an answer is exact for every pod, service account and namespace that may
// exist, and every packet; nobody is sampled. What cannot be decided is a finding, and does
// not count as held. A finding shows one packet and what decides it.
//
// It must not know how policies are spelt, nor how they came about.
package proof

import (
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/relation"
)

// Rules are the findings of this package.
var Rules = []*diag.Rule{broken, idle, missing, excess, breached, cutOff, closed, undecided}

var undecided = &diag.Rule{Code: "PC308", Severity: diag.Error,
	Title: "A question that is too large to decide",
	Why:   "The proof decides for every pod that may exist whether policies open or close more than was meant. What a selector can ask has no bound, and neither has the work of answering: this question took more steps than any honest repository needs by far. Nothing is known of it, so it counts as not held.",
	Mend:  "Write the selector that the message names with fewer conditions on one label, or as several policies. This is the proof itself and cannot be waived."}

// Prove holds the relation of what was rendered for a plan against the plan and its
// tests. The endpoints are those that manifests describe and those that the plan knows: they
// are rather shown than others.
func Prove(p *plan.Plan, r *relation.Relation, endpoints []*meaning.Endpoint) diag.List {
	return newProver(p, r, endpoints).prove()
}

// prove runs all stages of a proof: tests, what is missing, excess, guardrails, DNS upstream, and
// what is closed.
func (p *prover) prove() diag.List {
	found := p.tests()
	for _, stage := range []func() diag.List{p.missing, p.excess, p.breached, p.upstream} {
		found = append(found, stage()...)
	}
	return append(found, p.closing(found)...)
}

// show keeps the witness of a proof's finding, to show that it is what the finding says.
func (p *prover) show(r *diag.Rule, w *relation.Witness) { p.shown = append(p.shown, shown{r, w}) }

// mostFindings is how many findings of one kind are told: one cause may open everything.
const mostFindings = 100

// prover asks one universe about one plan.
type prover struct {
	plan     *plan.Plan
	m        *meaning.Meaning
	u        *relation.Universe
	search   *relation.Search
	rendered [2]*relation.Program // by direction
	promises [2]*relation.Program // by direction, once asked for
	known    known
	closings []failure          // that missing came across
	closedBy map[object.ID]bool // the policies of those
	lines    []line
	denials  []denial
	shown    []shown // in the order of the findings

	classes []int           // of namespaces whose pods' halves are asked about; nil for all
	spared  map[string]bool // the namespaces of the others: see Again
	alone   bool            // of a peer's half nothing is known: see Near
	changed []int           // then, the classes of namespaces whose pods' halves may be others than before
}

// shown is a witness that a finding tells of.
type shown struct {
	rule    *diag.Rule
	witness *relation.Witness
}

// newProver prepares a proof: the searches of rendered policies, with known endpoints as witnesses
// first, and the plan's lines.
func newProver(p *plan.Plan, r *relation.Relation, endpoints []*meaning.Endpoint) *prover {
	described := map[string][]*meaning.Endpoint{}
	for _, e := range endpoints {
		described[e.Namespace] = append(described[e.Namespace], e)
	}
	prover := &prover{
		plan: p, m: r.Meaning, u: r.Universe, rendered: r.Programs,
		search: &relation.Search{Universe: r.Universe, Described: described}, denials: denialsOf(p), closedBy: map[object.ID]bool{}, known: newKnown(),
	}
	prover.lines = prover.intended(meaning.Egress, may).lines()
	return prover
}

var directions = []meaning.Direction{meaning.Egress, meaning.Ingress}

// intended returns the translator of the proven plan for one direction, in one reading.
func (p *prover) intended(d meaning.Direction, r reading) *intended {
	return &intended{u: p.u, p: p.plan, d: d, reading: r, known: p.known, spared: p.spared}
}

// whole asks of both halves that the rendered policies let a packet pass, as the half of one
// direction sees them.
func (p *prover) whole(d meaning.Direction) []relation.Wanted {
	return []relation.Wanted{p.allowed(d, false), p.allowed(1-d, true)}
}

// between asks that packets between pods pass: on both halves, where both are known.
func (p *prover) between(d meaning.Direction) []relation.Wanted {
	if p.alone {
		return []relation.Wanted{p.allowed(d, false)}
	}
	return p.whole(d)
}

// near parts a cube, if not all halves are known, into those whose own end's may have changed.
func (p *prover) near(all *relation.Cube) []*relation.Cube {
	if !p.alone {
		return []*relation.Cube{all}
	}
	var parts []*relation.Cube
	for _, class := range p.changed {
		if of := all.In(class); of != nil {
			parts = append(parts, of)
		}
	}
	return parts
}

// allowed asks for packets that the rendered policies allow on a half, or on its opposite.
func (p *prover) allowed(d meaning.Direction, opposite bool) relation.Wanted {
	return relation.Wanted{Program: p.rendered[d], Verdict: relation.Allows, Opposite: opposite, Ungoverned: relation.Allows}
}
