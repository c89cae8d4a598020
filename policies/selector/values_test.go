package selector

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var conjunctions = flag.Int("conjunctions", 2000, "how many random sets of values are held against brute force")

// asked is a test and the answer that is wanted.
type asked struct {
	Test
	answer bool
}

// draw is a random set of values: of a domain, those for which tests have answers.
type draw struct {
	domain Domain
	absent bool
	tests  []asked
}

// constants are texts that meet: prefixes, suffixes and insides of one another, what is no
// value of some domain, and texts about as long as values may be.
var constants = []string{
	"", "a", "b", "ab", "ba", "aa", "aba", "bb", "abab", "-", "a-", "-b", "a-b", "a.b", ".", "_", "A", "aB", "a b", "é", "other", "other1", "oth", "x",
	strings.Repeat("a", 40), strings.Repeat("b", 40), strings.Repeat("a", 62), strings.Repeat("a", 63), strings.Repeat("a", 64), strings.Repeat("ab", 31),
	strings.Repeat("a", 200) + "b", strings.Repeat("b", 252), strings.Repeat("b", 253), strings.Repeat("b", 254), "b" + strings.Repeat("-", 61), strings.Repeat("-", 62) + "b",
}

// theShort is how many of the constants are short.
const theShort = 24

func constant(r *rand.Rand) string {
	if r.IntN(8) > 0 {
		return constants[r.IntN(theShort)]
	}
	return constants[r.IntN(len(constants))]
}

func drawTest(r *rand.Rand) Test {
	switch r.IntN(8) {
	case 0:
		return Test{Op: OpHas}
	case 1, 2:
		values := make([]string, r.IntN(4))
		for i := range values {
			values[i] = constant(r)
		}
		return Test{OpIn, set(values)}
	}
	return Test{[]Operator{OpStartsWith, OpEndsWith, OpContains}[r.IntN(3)], []string{constant(r)}}
}

func drawValues(r *rand.Rand) draw {
	d := draw{domain: domains[r.IntN(len(domains))], absent: r.IntN(2) == 0}
	for range r.IntN(6) {
		d.tests = append(d.tests, asked{drawTest(r), r.IntN(3) > 0})
	}
	return d
}

// isLong says whether a test speaks of a text that is about as long as values may be.
func (d draw) isLong() bool {
	return slices.ContainsFunc(d.tests, func(t asked) bool {
		return slices.ContainsFunc(t.Values, func(value string) bool { return len(value) >= 40 })
	})
}

func (d draw) solve(s *Solver) *Values {
	v := AllValues(d.domain, d.absent)
	for _, t := range d.tests {
		if v = s.Where(v, t.Test, t.answer); v == nil {
			return nil
		}
	}
	return v
}

// holds says whether something that may be is in the set, by the selector that the tests
// make.
func (d draw) holds(value string, there bool) bool {
	if !there && !d.absent {
		return false
	}
	labels := Map{}
	if there {
		labels["k"] = value
	}
	for _, t := range d.tests {
		n := Node{Op: t.Op, Key: "k", Values: t.Values}
		if n.matches(labels) != t.answer {
			return false
		}
	}
	return true
}

// shortWords are, of each domain, all short words and the constants.
var shortWords = func() map[Domain][]string {
	of := map[Domain][]string{}
	for _, value := range set(slices.Concat(words("abx-", 4), constants)) {
		for _, d := range domains {
			if valid(d, value) {
				of[d] = append(of[d], value)
			}
		}
	}
	return of
}()

// candidates are values of the domain without a look at how the solver works: short words,
// and what the tests speak of: two and two texts side by side, one over the other as far as
// they go, with something between them and around them, and as long as they may be.
func (d draw) candidates() []string {
	var parts, joined []string
	for _, t := range d.tests {
		parts = append(parts, t.Values...)
	}
	for _, a := range set(parts) {
		for _, b := range set(parts) {
			overlap := min(len(a), len(b))
			for !strings.HasSuffix(a, b[:overlap]) {
				overlap--
			}
			joined = append(joined, a+b, a+b[overlap:], a+"x"+b, a+"-"+b, "x"+a+b, a+b+"x", "x"+a+"-"+b+"x")
			if rest := d.domain.longest() - len(a) - len(b); rest > 0 {
				joined = append(joined, a+strings.Repeat("x", rest)+b, a+b[overlap:]+strings.Repeat("x", rest))
			}
		}
	}
	joined = slices.DeleteFunc(set(joined), func(value string) bool { return !valid(d.domain, value) })
	return append(joined, shortWords[d.domain]...)
}

func (d draw) String() string {
	return fmt.Sprintf("domain %d, absent %v, %v", d.domain, d.absent, d.tests)
}

// fault says in what a set that the solver made is not the one that was drawn; empty if it
// is. None of the sets needs much.
func (d draw) fault(v *Values) string {
	only, one := "", false
	if v != nil {
		if v.Undecided() {
			return "it is undecided"
		}
		if value, there := v.Example(); there && !valid(d.domain, value) || !d.holds(value, there) || !v.Contains(value, there) {
			return fmt.Sprintf("the example %q (%v) is not in it", value, there)
		}
		only, one = v.Only()
	}
	judge := func(value string, there bool) string {
		switch holds := d.holds(value, there); {
		case holds != (v != nil && v.Contains(value, there)):
			return fmt.Sprintf("%q (%v) is in it: %v", value, there, !holds)
		case holds && one && (value != only || !there):
			return fmt.Sprintf("only %q is in it, and so is %q (%v)", only, value, there)
		}
		return ""
	}
	if reason := judge("", false); reason != "" {
		return reason
	}
	for _, value := range d.candidates() {
		if reason := judge(value, true); reason != "" {
			return reason
		}
	}
	return ""
}

// A set is empty if and only if nothing is in it that the API server takes; and its example
// is in it. Brute force finds nothing in an empty one, and exactly what a set says that it
// holds in all others. So it is with the part for which a further test has an answer, with
// what two sets have in common, and in whatever order tests come.
func TestValuesByBruteForce(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 5))
	var short, long Solver
	empty, shared := 0, 0
	for range *conjunctions {
		d, e := drawValues(r), drawValues(r)
		e.domain = d.domain
		s := &short
		if d.isLong() || e.isLong() {
			s = &long
		}
		v := d.solve(s)
		if reason := d.fault(v); reason != "" {
			t.Fatalf("%s: %s", d, reason)
		}
		reordered := draw{d.domain, d.absent, slices.Clone(d.tests)}
		r.Shuffle(len(d.tests), func(i, j int) { reordered.tests[i], reordered.tests[j] = reordered.tests[j], reordered.tests[i] })
		if other := reordered.solve(s); (other == nil) != (v == nil) {
			t.Fatalf("%s is empty: %v, and in another order %v", d, v == nil, other == nil)
		}
		if v == nil {
			empty++
			continue
		}
		further := drawTest(r)
		mayHold, mayFail := s.Answers(v, further)
		for i, may := range []bool{mayFail, mayHold} {
			answer := i == 1
			part := draw{d.domain, d.absent, append(slices.Clip(d.tests), asked{further, answer})}
			narrowed := s.Where(v, further, answer)
			if reason := part.fault(narrowed); reason != "" {
				t.Fatalf("%s: %s", part, reason)
			}
			if (narrowed != nil) != may {
				t.Fatalf("%s: may %v be %v: %v, and that part is empty: %v", d, further, answer, may, narrowed == nil)
			}
		}
		if w := e.solve(s); w != nil {
			both := draw{d.domain, d.absent && e.absent, slices.Concat(d.tests, e.tests)}
			common := s.Intersect(v, w)
			if reason := both.fault(common); reason != "" {
				t.Fatalf("what %s and %s have in common: %s", d, e, reason)
			}
			if common != nil {
				shared++
			}
		}
	}
	t.Logf("%d sets, %d empty; %d meet another; the hardest took %d states, with texts about as long as values may be %d", *conjunctions, empty, shared, short.Deepest, long.Deepest)
	if empty < *conjunctions/10 || empty > *conjunctions*9/10 || shared < *conjunctions/20 {
		t.Error("too few or too many are empty to prove anything")
	}
	if short.Deepest*20 > MostStates || long.Deepest*5 > MostStates {
		t.Errorf("%d and %d states of %d are too near the budget", short.Deepest, long.Deepest, MostStates)
	}
}

// How long a value may be decides as well.
func TestValuesHaveALongest(t *testing.T) {
	t.Parallel()
	a, b := strings.Repeat("a", 40), strings.Repeat("b", 40)
	contains := func(texts ...string) []asked {
		var all []asked
		for _, text := range texts {
			all = append(all, asked{Test{OpContains, []string{text}}, true})
		}
		return all
	}
	for _, c := range []struct {
		domain Domain
		tests  []asked
		empty  bool
	}{
		{LabelValue, contains(a, b), true}, {NamespaceName, contains(a, b), true}, {AccountName, contains(a, b), false},
		{LabelValue, contains(a, b[:23]), false}, {LabelValue, contains(a, b[:24]), true}, {LabelValue, contains(a, a[:39]+"b"), false},
		{LabelValue, contains(strings.Repeat("a", 64)), true}, {AccountName, contains(strings.Repeat("a", 253)), false}, {AccountName, contains(strings.Repeat("a", 254)), true},
		{LabelValue, contains(strings.Repeat("-", 61)), false}, {LabelValue, contains(strings.Repeat("-", 62)), true},
		{AccountName, contains(a, b, strings.Repeat("c", 100), strings.Repeat("d", 73)), false},
		{AccountName, contains(a, b, strings.Repeat("c", 100), strings.Repeat("d", 74)), true},
		{NamespaceName, contains("A"), true}, {NamespaceName, contains("a.b"), true}, {AccountName, contains("a.b"), false}, {AccountName, contains("a.-b"), true}, {LabelValue, contains("a.-b"), false},
	} {
		var s Solver
		d := draw{domain: c.domain, tests: c.tests}
		if v := d.solve(&s); (v == nil) != c.empty {
			t.Errorf("%.90s is empty: %v", d, v == nil)
		} else if value, there := "", false; v != nil {
			if value, there = v.Example(); !d.holds(value, there) || !valid(d.domain, value) {
				t.Errorf("%.90s: the example %q is not in it", d, value)
			}
		}
	}
}

// What takes too many states is said to be undecided, and neither empty nor anything else;
// what is decided without them is decided.
func TestValuesBeyondTheBudget(t *testing.T) {
	t.Parallel()
	var s Solver
	r := rand.New(rand.NewPCG(8, 8))
	d := draw{domain: AccountName, absent: true}
	var joined strings.Builder
	v := d.solve(&s)
	for v != nil && !v.Undecided() && len(d.tests) < 40 {
		var text [6]byte
		for i := range text {
			text[i] = "abc"[r.IntN(3)]
		}
		joined.Write(text[:])
		d.tests = append(d.tests, asked{Test{OpContains, []string{string(text[:])}}, true})
		v = s.Where(v, d.tests[len(d.tests)-1].Test, true)
	}
	if v == nil || !v.Undecided() || s.Deepest != MostStates {
		t.Fatalf("%d states did not do: %+v", s.Deepest, v)
	}
	if mayHold, mayFail := s.Answers(v, Test{OpContains, []string{"x"}}); !mayHold || !mayFail {
		t.Errorf("of an undecided set it is said that a test may hold: %v, may fail: %v", mayHold, mayFail)
	}
	if w := s.Intersect(v, AllValues(AccountName, true)); w == nil || !w.Undecided() {
		t.Errorf("an undecided set and another have in common: %+v", w)
	}
	if w := s.Where(v, Test{OpIn, []string{"a", joined.String()}}, true); w == nil || w.Undecided() {
		t.Errorf("one of two values is in an undecided set: %+v", w)
	} else if value, one := w.Only(); !one || value != joined.String() {
		t.Errorf("one of two values is in an undecided set, and it is %q", value)
	}
	if w := s.Where(v, Test{OpIn, []string{"a", "b"}}, true); w != nil {
		t.Errorf("none of two values is in an undecided set, and there is %+v", w)
	}
}
