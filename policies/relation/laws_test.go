package relation_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/relation"
	"portcullis.dev/policies/selector"
)

var lawful = flag.Int("laws", 150, "on how many pairs of programs each law is tried")

// differences are the sources of one program's rules that allow what another denies; -1 is
// no rule.
func differences(t *testing.T, c cluster, a, b sketch) []int {
	t.Helper()
	u := c.universe()
	found := map[int]bool{}
	search := &relation.Search{Universe: u}
	search.Compare(relation.Comparison{Allowing: a.program(u), Denying: b.program(u), Patterns: relation.Allows}, nil, func(x relation.Difference, err error) bool {
		if err != nil {
			t.Fatal(err)
		}
		if x.Rule == nil {
			found[-1] = true
		} else {
			found[x.Rule.Source] = true
		}
		return false
	})
	return slices.Sorted(maps.Keys(found))
}

// everyPair calls f with random pairs of programs, and with what differs between them.
func everyPair(t *testing.T, f func(g sketcher, c cluster, a, b sketch, found []int)) {
	t.Helper()
	differing := 0
	for i := range *lawful {
		seed := *first + uint64(i)
		g := sketcher{rand.New(rand.NewPCG(seed, 41))}
		c, a := g.known(), g.sketch(t)
		b := g.changed(t, a)
		found := differences(t, c, a, b)
		if len(found) > 0 {
			differing++
		}
		if f(g, c, a, b, found); t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if differing*5 < *lawful {
		t.Errorf("%d of %d pairs differ: too few to prove anything", differing, *lawful)
	}
}

// disguised is a selector that means the same and shares no test with it.
func disguised(n *selector.Node) string {
	oneOf := func(values []string) string {
		terms := make([]string, 0, len(values))
		for _, value := range slices.Backward(values) {
			terms = append(terms, fmt.Sprintf("!(%s != %q)", n.Key, value))
		}
		return "(" + strings.Join(terms, " || ") + ")"
	}
	kids := make([]string, 0, len(n.Kids))
	for i := range slices.Backward(n.Kids) {
		kids = append(kids, "!("+disguised(&n.Kids[i])+")")
	}
	switch n.Op {
	case selector.OpNot:
		return kids[0]
	case selector.OpAnd:
		return "!(" + strings.Join(kids, " || ") + ")"
	case selector.OpOr:
		return "!(" + strings.Join(kids, " && ") + ")"
	case selector.OpEqual, selector.OpIn:
		return oneOf(n.Values)
	case selector.OpNotEqual, selector.OpNotIn:
		return "!" + oneOf(n.Values)
	case selector.OpHas:
		return fmt.Sprintf("!(!(%s contains ''))", n.Key)
	case selector.OpStartsWith:
		return fmt.Sprintf("(%[1]s starts with %[2]q && (%[1]s contains %[2]q || %[1]s == 'else'))", n.Key, n.Values[0])
	case selector.OpEndsWith:
		return fmt.Sprintf("!!(%[1]s ends with %[2]q && has(%[1]s))", n.Key, n.Values[0])
	}
	s := selector.Not(selector.Not(must(selector.Parse("has(" + n.Key + ")"))))
	return fmt.Sprintf("(%s && %s contains %q)", s, n.Key, n.Values[0])
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// disguise is the program in other words: selectors rewritten, what is asked in another
// order, rules in two, and policies that select nobody.
func (s sketch) disguise() sketch {
	nobody := sketchPolicy{
		selects: []criterion{{selects: must(selector.Parse("app == 'a' && app == 'b'"))}},
		rules:   []sketchRule{{action: meaning.Deny}, {action: meaning.Allow}},
	}
	rewrite := func(all []criterion) []criterion {
		var other []criterion
		for _, c := range slices.Backward(all) {
			if c.protocol == 0 && !c.block.IsValid() {
				c.selects = must(selector.Parse(disguised(c.selects.Root())))
			}
			other = append(other, c)
		}
		return other
	}
	of := sketch{{policies: []sketchPolicy{nobody}}}
	for _, t := range s.clone() {
		for i := range t.policies {
			p := &t.policies[i]
			p.selects = rewrite(p.selects)
			var rules []sketchRule
			for _, r := range p.rules {
				r.when = rewrite(r.when)
				for _, not := range []bool{false, true} {
					half := criterion{end: relation.Peer, selects: selector.Has("app"), not: not}
					rules = append(rules, sketchRule{r.action, append(slices.Clip(r.when), half)})
				}
			}
			p.rules = rules
		}
		t.policies = append([]sketchPolicy{nobody}, t.policies...)
		of = append(of, t)
	}
	return of
}

// A program does what its disguises do, and itself.
func TestLawOfDisguises(t *testing.T) {
	t.Parallel()
	everyPair(t, func(_ sketcher, c cluster, a, b sketch, found []int) {
		for what, other := range map[string]sketch{"itself": a.clone(), "a disguise": a.disguise()} {
			if x, y := differences(t, c, a, other), differences(t, c, other, a); len(x)+len(y) > 0 {
				t.Errorf("a program differs from %s by the rules %v, and %v", what, x, y)
			}
		}
		if x := differences(t, c, a, b.disguise()); !slices.Equal(x, found) {
			t.Errorf("a program differs from another by the rules %v, and from its disguise by %v", found, x)
		}
		if x := differences(t, c, a.disguise(), b); (len(x) > 0) != (len(found) > 0) {
			t.Errorf("a program differs from another by the rules %v, and its disguise by %v", found, x)
		}
	})
}

// What a rule allows and another program denies, it allows as well when it asks less.
func TestLawOfWiderRules(t *testing.T) {
	t.Parallel()
	tried := 0
	everyPair(t, func(_ sketcher, c cluster, a, b sketch, found []int) {
		source := 0
		for i, tier := range a {
			for j, p := range tier.policies {
				for k, r := range p.rules {
					for x := range r.when {
						if !slices.Contains(found, source) {
							continue
						}
						tried++
						wider := a.clone()
						wider[i].policies[j].rules[k].when = slices.Delete(wider[i].policies[j].rules[k].when, x, x+1)
						if got := differences(t, c, wider, b); !slices.Contains(got, source) {
							t.Errorf("rule %d allows what another program denies, and not without what it asks at %d: %v", source, x, got)
						}
					}
					source++
				}
			}
		}
	})
	if tried < *lawful/4 {
		t.Errorf("%d rules are too few to prove anything", tried)
	}
}

// renamed is everything with other letters in the values of labels and in names, and at
// other addresses.
func renamed(c cluster, s sketch, letters *strings.Replacer, at func(netip.Prefix) netip.Prefix) (cluster, sketch) {
	var of cluster
	for _, n := range c.namespaces {
		labels := map[string]string{}
		for key, value := range n.Labels {
			labels[key] = letters.Replace(value)
		}
		of.namespaces = append(of.namespaces, relation.Namespace{Name: letters.Replace(n.Name), Labels: labels})
	}
	for _, block := range c.pods {
		of.pods = append(of.pods, at(block))
	}
	s = s.clone()
	change := func(all []criterion) []criterion {
		all = slices.Clone(all)
		for i := range all {
			if x := &all[i]; x.block.IsValid() {
				x.block = at(x.block)
			} else if x.protocol == 0 {
				parts := strings.Split(x.selects.String(), `"`)
				for j := 1; j < len(parts); j += 2 {
					parts[j] = letters.Replace(parts[j])
				}
				x.selects = must(selector.Parse(strings.Join(parts, `"`)))
			}
		}
		return all
	}
	for i := range s {
		for j := range s[i].policies {
			p := &s[i].policies[j]
			p.selects = change(p.selects)
			for k := range p.rules {
				p.rules[k].when = change(p.rules[k].when)
			}
		}
	}
	return of, s
}

// Which letters values have, and of which family addresses are, changes nothing.
func TestLawOfNames(t *testing.T) {
	t.Parallel()
	same := func(p netip.Prefix) netip.Prefix { return p }
	ipv6 := func(p netip.Prefix) netip.Prefix {
		a := p.Addr().As4()
		return netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0xfd, 12: a[0], 13: a[1], 14: a[2], 15: a[3]}), 96+p.Bits())
	}
	everyPair(t, func(_ sketcher, c cluster, a, b sketch, found []int) {
		for what, change := range map[string]struct {
			letters *strings.Replacer
			at      func(netip.Prefix) netip.Prefix
		}{
			"other letters": {strings.NewReplacer("a", "b", "b", "a", "o", "z"), same}, "longer letters": {strings.NewReplacer("a", "q1", "b", "w2"), same},
			"IPv6": {strings.NewReplacer(), ipv6},
		} {
			d, x := renamed(c, a, change.letters, change.at)
			_, y := renamed(c, b, change.letters, change.at)
			if got := differences(t, d, x, y); !slices.Equal(got, found) {
				t.Errorf("with %s, the rules %v differ, and without %v", what, got, found)
			}
		}
	})
}

// Who knows more of the cluster finds no more.
func TestLawOfKnowledge(t *testing.T) {
	t.Parallel()
	everyPair(t, func(g sketcher, c cluster, a, b sketch, found []int) {
		more := cluster{pods: c.pods, namespaces: slices.Clone(c.namespaces)}
		more.namespaces = append(more.namespaces, relation.Namespace{Name: g.pick("ba", "b"), Labels: map[string]string{g.pick("team", "env"): g.pick("a", "b")}})
		for _, source := range differences(t, more, a, b) {
			if !slices.Contains(found, source) {
				t.Errorf("rule %d differs only where more is known: %+v", source, more)
			}
		}
	})
}

// A question has an answer in whatever order verdicts are wanted, and from whichever end it
// is asked.
func TestLawOfEnds(t *testing.T) {
	t.Parallel()
	everyPair(t, func(g sketcher, c cluster, a, b sketch, _ []int) {
		u := c.universe()
		where := relation.True
		for _, x := range g.criteria(t, 3, relation.Own, relation.Peer) {
			where = relation.And(where, x.formula(u))
		}
		wanted := []relation.Wanted{
			{Program: a.program(u), Verdict: relation.Allows, Ungoverned: relation.Allows},
			{Program: b.program(u), Verdict: relation.Denies, Ungoverned: relation.Allows, Opposite: g.IntN(2) == 0},
			{Program: b.program(u), Verdict: relation.Allows, Ungoverned: relation.Denies, Opposite: true},
		}[:2+g.IntN(2)]
		mirrored := slices.Clone(wanted)
		for i := range mirrored {
			mirrored[i].Opposite = !mirrored[i].Opposite
		}
		slices.Reverse(mirrored)
		search := &relation.Search{Universe: u}
		x, err := search.Witness(relation.Question{Of: u.Pairs(), Where: where, Wanted: wanted})
		y, other := search.Witness(relation.Question{Of: u.Pairs(), Where: where.Mirror(), Wanted: mirrored})
		if err != nil || other != nil || (x != nil) != (y != nil) {
			t.Errorf("from one end there is a flow: %v (%v), from the other: %v (%v)", x != nil, err, y != nil, other)
		}
	})
}

// Where a budget ends the answer is that nothing was decided, and never that there is
// nothing.
func TestLawOfBudgets(t *testing.T) {
	t.Parallel()
	undecided, answered := 0, 0
	everyPair(t, func(_ sketcher, c cluster, a, b sketch, found []int) {
		for _, budget := range []int{1, 2, 5} {
			u := c.universe()
			left := slices.Clone(found)
			search := &relation.Search{Universe: u, Budget: budget}
			search.Compare(relation.Comparison{Allowing: a.program(u), Denying: b.program(u), Patterns: relation.Allows}, nil, func(x relation.Difference, err error) bool {
				source := -1
				if x.Rule != nil {
					source = x.Rule.Source
				}
				switch {
				case err == nil && slices.Contains(found, source):
					answered++
				case errors.Is(err, relation.ErrUndecided) && x.Witness == nil:
					undecided++
				default:
					t.Errorf("with %d steps, rule %d differs (%v): %v", budget, source, found, err)
				}
				left = slices.DeleteFunc(left, func(of int) bool { return of == source })
				return false
			})
			if len(left) > 0 {
				t.Errorf("with %d steps, nothing is said of the rules %v", budget, left)
			}
		}
	})
	if undecided < *lawful || answered == 0 {
		t.Errorf("%d undecided and %d answered are too few to prove anything", undecided, answered)
	}
}
