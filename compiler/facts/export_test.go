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

// ConflictsQuietly are the conflicts that are found, those that are where all classes of namespaces are
// looked at, and how many classes are quiet and how many are not, in both directions together.
func ConflictsQuietly(p *plan.Plan, m *meaning.Meaning, set object.Set, everybody population.Population) (some, all []Conflict, quiet, loud int) {
	all = newAsker(p, population.RelationOf(p, m), set, everybody).conflictsBut(func(*judge, meaning.Direction) map[int]bool { return nil })
	a := newAsker(p, population.RelationOf(p, m), set, everybody)
	some = a.conflictsBut(func(j *judge, d meaning.Direction) map[int]bool {
		of := j.quiet(d)
		quiet, loud = quiet+len(of), loud+len(p.Namespaces)-len(of)
		return of
	})
	return some, all, quiet, loud
}

// AlikeAndApart are the probes of each endpoint, by namespace and then of the DNS pods, and the
// same where every pod is asked about for itself.
func AlikeAndApart(p *plan.Plan, m *meaning.Meaning, set object.Set, everybody population.Population) (alike, apart [][][]*Probe) {
	for _, off := range []bool{false, true} {
		a := newAsker(p, population.RelationOf(p, m), set, everybody)
		a.likeness.off = off
		alike, apart = apart, nil
		for _, n := range p.Namespaces {
			var all [][]*Probe
			classes := map[string][]*Probe{}
			for _, e := range everybody.ByNamespace[n.Name] {
				all = append(all, a.probesAlike(classes, e, a.walks.Governing(e.Endpoint, meaning.Egress)))
			}
			apart = append(apart, all)
		}
		for _, e := range everybody.DNS {
			apart = append(apart, [][]*Probe{a.serverProbes(e, a.walks.Governing(e.Endpoint, meaning.Egress))})
		}
	}
	return alike, apart
}
