package selector

import (
	"slices"
	"strconv"
	"strings"
)

// Test is an elementary question about one label. Negations are answers to it.
type Test struct {
	Op     Operator // OpHas, OpIn, OpStartsWith, OpEndsWith or OpContains
	Values []string // for OpIn sorted and unique; one text for the last three
}

// Test tells what a node asks of its label's value, and the answer for which the node holds. It
// is for nodes that ask a label.
func (n *Node) Test() (t Test, holds bool) {
	switch n.Op {
	case OpEqual:
		return Test{OpIn, n.Values}, true
	case OpNotEqual, OpNotIn:
		return Test{OpIn, n.Values}, false
	default:
		return Test{n.Op, n.Values}, true
	}
}

// Holds answers the question about a value that is there.
func (t Test) Holds(value string) bool {
	switch t.Op {
	case OpIn:
		_, found := slices.BinarySearch(t.Values, value)
		return found
	case OpStartsWith:
		return strings.HasPrefix(value, t.Values[0])
	case OpEndsWith:
		return strings.HasSuffix(value, t.Values[0])
	case OpContains:
		return strings.Contains(value, t.Values[0])
	default: // OpHas
		return true
	}
}

// Values is a set of what one label may be: absent, or a string of a domain. It is never
// empty (a nil *Values is) and does not change.
type Values struct {
	domain          Domain
	absent, present bool
	finite          bool
	// listed are, sorted, the present values of a finite set; of any other, values that
	// it leaves out. Those are besides matched by all tests of with, and none of without.
	listed        []string
	with, without []pattern
	example       string // of a set with patterns
	undecided     bool
}

// pattern is a test of a value's text.
type pattern struct {
	op   Operator
	text string
}

// matches reports whether a value's text matches the pattern.
func (p pattern) matches(value string) bool {
	return Test{p.op, []string{p.text}}.Holds(value)
}

// AllValues makes the set of all values that a label of the domain may have.
func AllValues(d Domain, mayBeAbsent bool) *Values {
	return &Values{domain: d, present: true, absent: mayBeAbsent}
}

// OneValue makes the set of one present value.
func OneValue(d Domain, value string) *Values {
	return &Values{domain: d, present: true, finite: true, listed: []string{value}}
}

// Contains reports whether the set has absence, or the value.
func (v *Values) Contains(value string, there bool) bool {
	if !there {
		return v.absent
	}
	_, listed := slices.BinarySearch(v.listed, value)
	if !v.present || listed != v.finite || !v.domain.Holds(value) {
		return false
	}
	return !slices.ContainsFunc(v.with, func(p pattern) bool { return !p.matches(value) }) &&
		!slices.ContainsFunc(v.without, func(p pattern) bool { return p.matches(value) })
}

// Undecided reports whether the solver gave up before it knew whether a value is there:
// the set may be empty.
func (v *Values) Undecided() bool { return v.undecided }

// Example gives a member of the set of values, if it is not undecided: absence where it may be
// absent.
func (v *Values) Example() (value string, there bool) {
	switch {
	case v.absent:
		return "", false
	case v.finite:
		return v.listed[0], true
	case len(v.with)+len(v.without) > 0:
		return v.example, true
	}
	return fresh(v.listed), true
}

// Only gives the one value of the set, if there is no other, absence included.
func (v *Values) Only() (value string, one bool) {
	if v.absent || !v.finite || len(v.listed) != 1 {
		return "", false
	}
	return v.listed[0], true
}

// fresh makes a value of every domain that is none of those, sorted.
func fresh(taken []string) string {
	for value, n := "other", 1; ; value, n = "other"+strconv.Itoa(n), n+1 {
		if _, found := slices.BinarySearch(taken, value); !found {
			return value
		}
	}
}

// Solver decides which sets of values are empty. It remembers what it decided, and is not
// for several goroutines at once. The zero Solver is ready to use.
type Solver struct {
	// Deepest is the largest number of states that a decision took: see [MostStates].
	Deepest int

	words    map[string]word
	answered map[question][2]bool // see Answers
}

// question is one about the text of a set's values.
type question struct {
	of *Values
	pattern
}

// MostStates is how many states a decision about one label may take: it is undecided then.
const MostStates = 20_000

// Where narrows a set to the values for which the test has that answer. Of an absent label
// the answer is always no. The result is nil if there is none.
func (s *Solver) Where(v *Values, t Test, answer bool) *Values {
	if ofText := t.Op != OpHas && t.Op != OpIn; ofText && len(t.Values[0]) > v.domain.longest() {
		t = Test{Op: OpIn} // no value is as long
	}
	n := *v
	if answer {
		n.absent = false
	} else if t.Op == OpHas {
		n.present = false
	}
	switch {
	case t.Op == OpHas || !n.present:
	case n.finite:
		n.listed = slices.DeleteFunc(slices.Clone(n.listed), func(value string) bool { return t.Holds(value) != answer })
	case t.Op == OpIn && answer:
		n.finite = true
		n.listed = slices.DeleteFunc(slices.Clone(t.Values), func(value string) bool { return !v.Contains(value, true) })
		n.with, n.without = nil, nil
	case t.Op == OpIn:
		n.listed = union(n.listed, t.Values)
	case answer:
		n.with = addPattern(n.with, pattern{t.Op, t.Values[0]})
	default:
		n.without = addPattern(n.without, pattern{t.Op, t.Values[0]})
	}
	return s.settle(&n)
}

// Answers says whether a test may have the answer yes about a member of the set, and no.
func (s *Solver) Answers(v *Values, t Test) (mayHold, mayFail bool) {
	switch {
	case !v.present:
		return false, true
	case t.Op == OpHas:
		return true, v.absent
	case v.finite:
		mayFail = v.absent
		for _, value := range v.listed {
			if t.Holds(value) {
				mayHold = true
			} else {
				mayFail = true
			}
		}
		return mayHold, mayFail
	case t.Op == OpIn:
		mayHold = slices.ContainsFunc(t.Values, func(value string) bool { return v.Contains(value, true) })
		// Without a pattern some other value is always left.
		return mayHold, v.absent || len(v.with)+len(v.without) == 0 || s.Where(v, t, false) != nil
	}
	p := pattern{t.Op, t.Values[0]}
	switch { // what was answered once stays so, even where the rest is undecided
	case slices.Contains(v.with, p):
		return true, v.absent
	case slices.Contains(v.without, p):
		return false, true
	}
	q := question{v, p}
	answers, known := s.answered[q]
	if !known {
		answers = [2]bool{s.Where(v, t, true) != nil, v.absent || s.Where(v, t, false) != nil}
		if s.answered == nil {
			s.answered = map[question][2]bool{}
		}
		s.answered[q] = answers
	}
	return answers[0], answers[1]
}

// Intersect makes the set of the values that are in two sets, of one domain; nil if nothing is.
func (s *Solver) Intersect(a, b *Values) *Values {
	if a == b {
		return a
	}
	n := Values{domain: a.domain, absent: a.absent && b.absent, present: a.present && b.present}
	if b.finite {
		a, b = b, a
	}
	if a.finite {
		n.finite = true
		n.listed = slices.DeleteFunc(slices.Clone(a.listed), func(value string) bool { return !b.Contains(value, true) })
		return s.settle(&n)
	}
	n.listed, n.with, n.without = union(a.listed, b.listed), a.with, a.without
	for _, p := range b.with {
		n.with = addPattern(n.with, p)
	}
	for _, p := range b.without {
		n.without = addPattern(n.without, p)
	}
	return s.settle(&n)
}

// settle finds out whether a value is left in a set that was narrowed; nil if none is.
func (s *Solver) settle(v *Values) *Values {
	if !v.present {
		v.finite, v.listed, v.with, v.without, v.undecided = true, nil, nil, nil, false
	} else if v.finite {
		v.present, v.undecided = len(v.listed) > 0, false
	} else if len(v.with)+len(v.without) > 0 && !v.undecided { // what was too much before is not less now
		w := s.find(v)
		v.example, v.present, v.undecided = w.text, w.found || w.undecided, w.undecided
	}
	if !v.absent && !v.present {
		return nil
	}
	return v
}

// addPattern adds a pattern to those of a set of values, in order, which makes equal sets look
// alike.
func addPattern(all []pattern, p pattern) []pattern {
	at, found := slices.BinarySearchFunc(all, p, func(a, b pattern) int {
		if a.op != b.op {
			return int(a.op) - int(b.op)
		}
		return strings.Compare(a.text, b.text)
	})
	if found {
		return all
	}
	return slices.Insert(slices.Clone(all), at, p)
}

// union joins two sorted lists of values.
func union(a, b []string) []string {
	if len(a) == 0 {
		return b
	}
	if !slices.ContainsFunc(b, func(value string) bool { _, found := slices.BinarySearch(a, value); return !found }) {
		return a
	}
	return set(slices.Concat(a, b))
}
