package proof

import (
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/relation"
)

// Near holds against a plan what was rendered near some of its namespaces, and asks of the halves of
// their pods, and of those of namespaces that nobody lists by name, what Prove asks. The DNS pods'
// namespace is among them, if it is listed. Nothing is known of the halves of other pods: where Prove
// asks for both of a packet, one is enough to be found, so that more may be found than Prove finds. It
// is asked of the changed namespaces alone: if nothing was found before they changed, whatever else is
// found now has one of their halves, and it is never less; but that a question about all takes too many
// steps is not found where its parts do not.
func Near(p *plan.Plan, r *relation.Relation, endpoints []*meaning.Endpoint, namespaces, changed map[string]bool) diag.List {
	prover := newProver(p, r, endpoints)
	prover.alone = true
	others := map[string]bool{}
	for _, n := range p.Namespaces {
		if n.Pattern {
			continue
		}
		if !namespaces[n.Name] {
			others[n.Name] = true
		}
		if class, listed := prover.u.Class(n.Name); listed && changed[n.Name] {
			prover.changed = append(prover.changed, class)
		}
	}
	prover.spare(others)
	return prover.prove()
}
