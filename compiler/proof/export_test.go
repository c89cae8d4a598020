package proof

import (
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/relation"
)

// Shown is a witness and the code of the finding that tells of it.
type Shown struct {
	Code string
	*relation.Witness
}

// Witnesses are those of the findings of Prove, in their order.
func Witnesses(p *plan.Plan, m *meaning.Meaning, endpoints []*meaning.Endpoint) []Shown {
	prover := newProver(p, population.RelationOf(p, m), endpoints)
	prover.prove()
	var all []Shown
	for _, s := range prover.shown {
		all = append(all, Shown{s.rule.Code, s.witness})
	}
	return all
}
