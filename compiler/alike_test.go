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
		both := [2][]language.File{a, withPoliciesOf(r, a, b)}
		for side := range both {
			if seed%3 == 0 {
				both[side] = append(slices.Clone(both[side]), ofTheCluster(r))
			}
		}
		sides := [2]*Explained{Options{}.ExplainManifests(both[0], nil), Options{}.ExplainManifests(both[1], nil)}
		if sides[0].Worlds == nil || sides[1].Worlds == nil {
			continue
		}
		was, is := sides[0].reachWorlds()[0], sides[1].reachWorlds()[0]
		held += touched(t, was, is)
		p, d := passedOver(t, seed, was, is)
		passed, differing = passed+p, differing+d
	}
	if passed < 100 || differing < 100 || held < 100 {
		t.Errorf("%d pairs were passed over, %d differ, and %d rules do something else for pods that may come", passed, differing, held)
	}
}

// passedOver holds two relations that pass over what is alike on both sides against two that pass over
// nothing, and counts the pairs that are passed over and those that differ.
func passedOver(t *testing.T, seed uint64, was, is *reach.World) (passed, differing int) {
	t.Helper()
	members := reach.MembersOf(was, is)
	whole := [2]*reach.Relation{reach.Of(was, members, is), reach.Of(is, members, was)}
	var part [2]*reach.Relation
	part[0], part[1] = reach.Compared(was, is, members)
	for i := range members {
		for _, d := range []meaning.Direction{meaning.Ingress, meaning.Egress} {
			for side := range part {
				if part[side].Governed(i, d) != whole[side].Governed(i, d) || part[side].Isolated(i, d) != whole[side].Isolated(i, d) {
					t.Errorf("seed %d, side %d: the %s of %s is governed otherwise without what is alike", seed, side, d, members[i].Key)
				}
			}
			if part[0].Alike(i) && (whole[0].Governed(i, d) != whole[1].Governed(i, d) || whole[0].Isolated(i, d) != whole[1].Isolated(i, d)) {
				t.Errorf("seed %d: %s is alike on both sides, and its %s is governed otherwise", seed, members[i].Key, d)
			}
		}
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
	return passed, differing
}

// TestNothingDiffersOfRepositoriesThatAComparisonPassesOver edits a small repository: what its namespaces
// wear, its ports, and its lines. Where a namespace wears something else no policy need differ.
func TestNothingDiffersOfRepositoriesThatAComparisonPassesOver(t *testing.T) {
	t.Parallel()
	const platform = `apiVersion: portcullis.dev/v1alpha1
kind: Platform
metadata: {name: p}
spec:
  cluster: {podCIDRs: [10.244.0.0/16]}
  namespaces: {shop: {}, data: {labels: {stores: figures}}, other: {}, more: {labels: {stores: figures}}, last: {enforce: false}}
  guardrails: [{name: figures, deny: {from: other/*, to: {namespaceSelector: {stores: figures}}}}]
  flows: [{from: {namespaceSelector: {stores: figures}}, to: shop/*, ports: [9090], why: w}]
`
	const intents = `apiVersion: portcullis.dev/v1alpha1
kind: NetworkIntent
metadata: {name: web, namespace: shop}
spec: {ports: {http: 8080}, outbound: [{to: data/pg, ports: [pg]}]}
---
apiVersion: portcullis.dev/v1alpha1
kind: NetworkIntent
metadata: {name: pg, namespace: data}
spec: {ports: {pg: 5432}, inbound: [{from: shop/web, ports: [pg]}]}
`
	passed, differing := 0, 0
	for seed, edit := range [][2]string{
		{"data: {labels: {stores: figures}}", "data: {}"}, {"shop: {}", "shop: {labels: {stores: figures}}"}, {"{stores: figures}}, other", "{stores: figures, tier: back}}, other"},
		{"http: 8080", "http: 8081"}, {"spec: {ports: {http", "spec: {inbound: [{from: more/*, ports: [http]}], ports: {http"}, {"last: {enforce: false}", "last: {}"},
		{"last: {enforce: false}", "last: {enforce: false, labels: {stores: figures}}"},
		{"  flows:", "  quarantine: [{peer: shop/web, ticket: A-1, until: 2099-03-31}]\n  flows:"},
	} {
		var worlds [2]*reach.World
		for side, text := range []string{platform + "---\n" + intents, strings.Replace(platform+"---\n"+intents, edit[0], edit[1], 1)} {
			first, rest, _ := strings.Cut(text, "---\n")
			e, err := ExplainRepository([]language.File{{Path: "i.yaml", Data: []byte(rest)}, {Path: language.PlatformFile, Data: []byte(first)}}, nil, nil)
			if err != nil || len(e.Worlds) != 1 {
				t.Fatal(edit, err, e.Report.Findings)
			}
			worlds[side] = &reach.World{World: e.Worlds[0]} // without names for addresses, which tell a hundred ranges apart
		}
		p, d := passedOver(t, uint64(seed), worlds[0], worlds[1])
		passed, differing = passed+p, differing+d
	}
	if passed < 500 || differing < 20 {
		t.Errorf("%d pairs were passed over, and %d differ", passed, differing)
	}
}

// ofTheCluster makes a policy of the whole cluster, which asks for a label of namespaces in one case of
// two, and pods in a namespace of which nobody says what it wears.
func ofTheCluster(r *rand.Rand) language.File {
	selects := []string{"all()", "app == 'a0'", "role == 'admin'"}[r.IntN(3)]
	if r.IntN(2) == 0 {
		selects = "pcns.team == 'two'"
	}
	action := []string{"Allow", "Deny", "Pass"}[r.IntN(3)]
	text := "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: g}\nspec: {order: " + []string{"1", "2000"}[r.IntN(2)] +
		", selector: \"" + selects + "\", types: [Ingress], ingress: [{action: " + action + "}]}\n"
	for _, name := range []string{"p", "q", "r", "s", "t"} {
		text += "---\napiVersion: v1\nkind: Pod\nmetadata: {name: " + name + ", namespace: three, labels: {app: " + name + "}}\nspec: {containers: [{name: c, image: x}]}\n"
	}
	return language.File{Path: "n.yaml", Data: []byte(text)}
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
