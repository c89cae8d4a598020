package relation_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/oracle"
	"portcullis.dev/policies/relation"
	"portcullis.dev/policies/selector"
)

// reserve is how many times more a budget holds than anything that is honest has needed.
const reserve = 20

// effortOf is the most that questions took of each budget.
type effortOf struct{ steps, states int }

func (e *effortOf) add(s *relation.Search) {
	e.steps, e.states = max(e.steps, s.Hardest), max(e.states, s.Universe.Hardest())
}

// near fails where a budget is too near.
func (e *effortOf) near(t *testing.T) {
	t.Helper()
	t.Logf("the hardest question took %d of %d steps, and %d of %d states", e.steps, relation.MostSteps, e.states, selector.MostStates)
	if e.steps*reserve > relation.MostSteps || e.states*reserve > selector.MostStates {
		t.Errorf("the budgets are not %d times that", reserve)
	}
}

// Policies that people write are far from the budgets: those of which Calico's verdicts are
// recorded, and those of a tutorial. Each of them is dropped, and the difference is sought.
func TestBudgetsAreFar(t *testing.T) {
	t.Parallel()
	scenarios, err := oracle.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../examples/tutorial-as-written/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("there is no tutorial: %v", err)
	}
	var text strings.Builder
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString("---\n" + string(data) + "\n")
	}
	objects, found := object.Decode("tutorial.yaml", []byte(text.String()))
	if found.Failed() {
		t.Fatal(found.Err())
	}
	set, _ := object.NewSet(objects)
	scenarios = append(scenarios, oracle.Scenario{ID: "tutorial", Set: set, Cluster: object.DefaultCluster()})

	var effort effortOf
	dropped, differing := 0, 0
	for _, s := range scenarios {
		all, _ := meaning.Of(s.Set, s.Cluster)
		var known []relation.Namespace
		for name, labels := range meaning.Namespaces(s.Set) {
			known = append(known, relation.Namespace{Name: name, Labels: labels})
		}
		for _, o := range s.Set.All() {
			if !strings.HasSuffix(o.ID.Kind, "Policy") {
				continue
			}
			set, _ := object.NewSet(slices.DeleteFunc(slices.Clone(s.Set.All()), func(other object.Object) bool { return other.ID == o.ID }))
			fewer, _ := meaning.Of(set, s.Cluster)
			search := &relation.Search{Universe: universeOf(known, s.Cluster.PodCIDRs)}
			for _, d := range []meaning.Direction{meaning.Ingress, meaning.Egress} {
				a, b := search.Universe.Of(all, d), search.Universe.Of(fewer, d)
				for _, c := range []relation.Comparison{{Allowing: a, Denying: b}, {Allowing: b, Denying: a}} {
					c.Direction, c.Patterns = d, relation.Allows
					search.Compare(c, nil, func(_ relation.Difference, err error) bool {
						if err != nil {
							t.Errorf("%s without %s: %v", s.ID, o.ID, err)
						}
						differing++
						return err != nil
					})
				}
			}
			dropped++
			effort.add(search)
		}
	}
	t.Logf("%d policies dropped, %d differences", dropped, differing)
	if effort.near(t); differing < dropped {
		t.Errorf("%d differences are too few to prove anything", differing)
	}
}

// scrambled are tests that a label contains random words, each of which other words begin.
func scrambled(r *rand.Rand, key string, words int) string {
	terms := []string{"all()"}
	for range words {
		var text [6]byte
		for i := range text {
			text[i] = "abc"[r.IntN(3)]
		}
		terms = append(terms, fmt.Sprintf("%s contains '%s'", key, text[:]))
	}
	return strings.Join(terms, " && ")
}

// What is not decided about a label is not decided about a question: neither where it is
// asked of one end, nor where two ends have to agree on it. Where they need not, they have an
// answer.
func TestUndecidedLabels(t *testing.T) {
	t.Parallel()
	const shop, account = "projectcalico.org/namespace == 'shop'", "projectcalico.org/serviceaccount == 'default'"
	for _, c := range []struct {
		key       string
		own, peer int    // how many words each end's value contains
		both      string // what else is asked of both ends
		answered  bool
	}{
		{"x", 13, 0, "all()", false}, {"x", 6, 7, "all()", true},
		{"pcns.x", 6, 7, shop, false}, {"pcns.x", 6, 7, "all()", true},
		{"pcsa.x", 6, 7, shop + " && " + account, false}, {"pcsa.x", 6, 7, shop, true}, {"pcsa.x", 6, 7, account, true},
	} {
		r := rand.New(rand.NewPCG(4, 4))
		u := universeOf([]relation.Namespace{{Name: "shop"}}, nil)
		search := &relation.Search{Universe: u}
		own, peer := selected(t, u, scrambled(r, c.key, c.own)), selected(t, u, scrambled(r, c.key, c.peer)).Mirror()
		both := selected(t, u, c.both)
		w, err := search.Witness(relation.Question{Of: u.Pairs(), Where: relation.And(own, peer, both, both.Mirror())})
		switch {
		case c.answered && (w == nil || err != nil), !c.answered && (w != nil || !errors.Is(err, relation.ErrUndecided)):
			t.Errorf("%+v: %v, %v", c, w, err)
		case w != nil:
			if reason := (cluster{namespaces: []relation.Namespace{{Name: "shop"}}}).impossible(w); reason != "" {
				t.Errorf("%+v: %s", c, reason)
			}
		}
		if c.own != 6 {
			continue
		}
		for _, of := range []*relation.Formula{own, peer} {
			if w, err := search.Witness(relation.Question{Of: u.Pairs(), Where: relation.And(of, both, both.Mirror())}); w == nil || err != nil {
				t.Errorf("%+v: one end alone is not decided: %v", c, err)
			}
		}
	}
}
