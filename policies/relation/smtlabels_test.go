package relation_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/relation"
	"portcullis.dev/policies/selector"
)

var formulas = flag.Int("formulas", 1000, "how many selectors z3 is asked about")

// labelFormula draws a selector over one to three labels, with constants that meet.
func labelFormula(r *rand.Rand) string {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	keys := []string{"x", "y", "projectcalico.org/namespace", "projectcalico.org/serviceaccount", "pcns.team", "pcsa.role"}
	r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	keys = keys[:1+r.IntN(3)]
	value := func() string {
		if r.IntN(25) == 0 {
			return pick(strings.Repeat("a", 40), strings.Repeat("b", 24), strings.Repeat("a", 63), strings.Repeat("a", 64), "a b", "-")
		}
		return pick("", "a", "b", "ab", "ba", "aa", "aba", "a-", "-b", "a.b", "A", "bb")
	}
	var draw func(depth int) string
	draw = func(depth int) string {
		if depth > 0 && r.IntN(4) > 0 {
			var parts []string
			for range 2 + r.IntN(2) {
				parts = append(parts, draw(depth-1))
			}
			return pick("", "", "", "!") + "(" + strings.Join(parts, pick(" && ", " && ", " || ")) + ")"
		}
		k := pick(keys...)
		switch r.IntN(8) {
		case 0:
			return fmt.Sprintf("%s == '%s'", k, value())
		case 1:
			return fmt.Sprintf("%s != '%s'", k, value())
		case 2:
			return fmt.Sprintf("%s %s {'%s', '%s'}", k, pick("in", "not in"), value(), value())
		case 3:
			return fmt.Sprintf("%shas(%s)", pick("", "!"), k)
		}
		return fmt.Sprintf("%s(%s %s '%s')", pick("", "!"), k, pick("starts with", "ends with", "contains"), value())
	}
	return draw(2) + " && " + draw(2) + " && " + draw(1)
}

// A selector selects a pod that may exist if and only if z3 says so.
func TestSelectorsAreThoseOfZ3(t *testing.T) {
	t.Parallel()
	z := startZ3(t)
	answers := map[string]int{}
	c := cluster{pods: []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")}}
	var effort effortOf
	for i := range *formulas {
		r := rand.New(rand.NewPCG(*first+uint64(i), 21))
		text := labelFormula(r)
		s, err := selector.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		u := c.universe()
		search := &relation.Search{Universe: u}
		w, err := search.Witness(relation.Question{Of: u.Outside(), Where: u.Selected(relation.Own, s), Direction: meaning.Ingress})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if w != nil {
			if reason := c.impossible(w); reason != "" || !s.Matches(w.Own().Endpoint) {
				t.Errorf("%s: the witness %+v does not match; %s", text, *w.Own().Endpoint, reason)
			}
		}
		m := newTheory(false)
		m.say("(assert %s)", m.of(relation.Own, s.Root()))
		if w != nil {
			m.is(relation.Own, w.Own().Endpoint, w.Own().Addr)
		}
		answer := z.check(t, m.text.String())
		if answers[answer]++; answer == "sat" && w == nil || answer == "unsat" && w != nil {
			t.Errorf("seed %d: z3 says %s of %s, and the search found %v\n%s", *first+uint64(i), answer, text, w != nil, m.text.String())
		}
		effort.add(search)
	}
	t.Logf("%d selectors: z3 says %v", *formulas, answers)
	effort.near(t)
	z3Said(t, answers, *formulas)
}

// z3Said fails where z3 gave up too often, or where one answer hardly ever came.
func z3Said(t *testing.T, answers map[string]int, of int) {
	t.Helper()
	if answers["unknown"]*100 > of {
		t.Errorf("z3 gave up on %d of %d questions", answers["unknown"], of)
	}
	if min(answers["sat"], answers["unsat"])*10 < of {
		t.Errorf("%v is too one-sided to prove anything", answers)
	}
}
