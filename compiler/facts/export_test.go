package facts

import (
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

// ConflictsWithin are the conflicts that are found if a question may take that many steps.
func ConflictsWithin(steps int, p *plan.Plan, m *meaning.Meaning, set object.Set, everybody population.Population) []Conflict {
	a := newAsker(p, population.RelationOf(p, m), set, everybody)
	a.search.Budget = steps
	return a.conflicts()
}
