package compiler

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/reach"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/relation"
	"portcullis.dev/testdata/fleet"
)

// TestNothingDiffersThatAComparisonPassesOver draws pairs of manifests with the same pods, of which
// some policies differ. The relations of a comparison, which pass over pairs of ends that are alike
// on both sides, say of each pair what those say that pass over none, and have every pair of which
// the two sides say otherwise.
func TestNothingDiffersThatAComparisonPassesOver(t *testing.T) {
	t.Parallel()
	passed, differing, held := 0, 0, 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 11))
		a, b := randomManifests(r), randomManifests(r)
		sides := [2]*Explained{Options{}.ExplainManifests(a, nil), Options{}.ExplainManifests(withPoliciesOf(r, a, b), nil)}
		if sides[0].Worlds == nil || sides[1].Worlds == nil {
			continue
		}
		was, is := sides[0].reachWorlds()[0], sides[1].reachWorlds()[0]
		held += touched(t, was, is)
		members := reach.MembersOf(was, is)
		whole := [2]*reach.Relation{reach.Of(was, members, is), reach.Of(is, members, was)}
		var part [2]*reach.Relation
		part[0], part[1] = reach.Compared(was, is, members)
		for i := range members {
			for j := range members {
				p := reach.Pair{From: i, To: j}
				old, changed := whole[0].At(p), whole[1].At(p)
				same := old.Allowed.Equal(changed.Allowed) && old.Unknown.Equal(changed.Unknown)
				if !same {
					differing++
				}
				if part[0].Passes(p) {
					passed++
				}
				if !same && part[0].Passes(p) {
					t.Errorf("seed %d: what becomes of %s -> %s differs, and is passed over", seed, members[i].Key, members[j].Key)
				}
				for side := range part {
					x, y := whole[side].At(p), part[side].At(p)
					if !x.Allowed.Equal(y.Allowed) || !x.Unknown.Equal(y.Unknown) {
						t.Errorf("seed %d, side %d: %s -> %s: %v, and %v without what is alike", seed, side, members[i].Key, members[j].Key, x, y)
					}
				}
			}
		}
	}
	if passed < 100 || differing < 100 || held < 100 {
		t.Errorf("%d pairs were passed over, %d differ, and %d rules do something else for pods that may come", passed, differing, held)
	}
}

// touched counts the rules and namespaces for which two worlds treat pods that may come otherwise.
// Where no policy of the whole cluster is edited, those are namespaces of edited policies.
func touched(t *testing.T, was, is *reach.World) int {
	edited, comparable := reach.Edited(was, is)
	if !comparable {
		return 0
	}
	namespaces := map[string]bool{}
	for id := range edited {
		namespaces[id.Namespace] = true
	}
	n := 0
	u := is.Universe()
	search := relation.Search{Universe: u}
	old, changed := u.RelationOf(was.Meaning), u.RelationOf(is.Meaning)
	for d := range 2 {
		for _, two := range [][2]*relation.Program{{old.Programs[d], changed.Programs[d]}, {changed.Programs[d], old.Programs[d]}} {
			search.Compare(relation.Comparison{Direction: meaning.Direction(d), Allowing: two[0], Denying: two[1], Patterns: relation.Allows}, nil,
				func(x relation.Difference, err error) bool {
					if err != nil {
						t.Fatal(err)
					}
					n++
					if in := x.Witness.Own().Endpoint.Namespace; !namespaces[""] && !namespaces[in] {
						t.Errorf("a pod of %s is treated otherwise, and no policy of it is edited: %v", in, edited)
					}
					return false
				})
		}
	}
	return n
}

// withPoliciesOf takes manifests with about one policy in two of others in the place of the own of
// that name, or beside all of the own.
func withPoliciesOf(r *rand.Rand, of, others []language.File) []language.File {
	beside := r.IntN(2) == 0
	named := func(text string) string {
		_, rest, _ := strings.Cut(text, "kind: NetworkPolicy\nmetadata: {name: ")
		name, _, _ := strings.Cut(rest, ",")
		return name
	}
	taken := map[string]bool{}
	var all []string
	for text := range strings.SplitSeq(string(others[0].Data), "---\n") {
		name := named(text)
		switch {
		case name == "" || r.IntN(2) == 0:
		case beside:
			all = append(all, strings.Replace(text, "name: ", "name: other-", 1))
		default:
			taken[name] = true
			all = append(all, text)
		}
	}
	for text := range strings.SplitSeq(string(of[0].Data), "---\n") {
		if !taken[named(text)] {
			all = append(all, text)
		}
	}
	return []language.File{{Path: of[0].Path, Data: []byte(strings.Join(all, "---\n"))}}
}

// TestComparisonGrowsWithTheFleet edits one line of a fleet. Five times the namespaces are at most
// six times the pairs that a comparison holds, and those are fewer than the pods.
func TestComparisonGrowsWithTheFleet(t *testing.T) {
	t.Parallel()
	count := func(namespaces int) int {
		old := newStages(fleet.Size{Namespaces: namespaces, Environments: 1}).files
		changed := slices.Clone(old)
		for i, f := range changed {
			if f.Path == "intents/ns-00008/w4.yaml" {
				changed[i].Data = []byte(strings.Replace(string(f.Data), "{from: w3, ports: [http]}", "{from: w3, ports: [http, metrics]}", 1))
			}
		}
		var worlds [2]*reach.World
		for side, files := range [][]language.File{old, changed} {
			e, err := ExplainRepository(files, nil, nil)
			if err != nil || len(e.Worlds) != 1 {
				t.Fatal(err, e.Report.Findings)
			}
			worlds[side] = e.reachWorlds()[0]
		}
		was, is := reach.Compared(worlds[0], worlds[1], reach.MembersOf(worlds[0], worlds[1]))
		return len(was.Pairs()) + len(is.Pairs())
	}
	small, large := count(20), count(100)
	if small == 0 || large > 6*small || large > 100*10 {
		t.Errorf("%d pairs are compared of 20 namespaces, and %d of 100", small, large)
	}
}
