package relation

import (
	"slices"
	"strings"

	"portcullis.dev/policies/selector"
)

// place is what is known of the namespace of one end. It does not change.
//
// A class of namespaces is a listed one, those of a pattern, or all others. Of a place
// at least one class is left.
type place struct {
	listed subset // of Universe.listed
	// others are what is known of the name in each class that is not a single namespace:
	// the patterns in their order, then all other names; nil where none is left.
	others []*selector.Values
	// labels are what is known of labels that are free in some class, by variable. A nil
	// set leaves the classes that know the label.
	labels []labelValues

	next map[transition]*place // what is known after an answer, once that was asked
}

type labelValues struct {
	variable int32
	values   *selector.Values
}

type transition struct {
	literal int
	answer  bool
}

// anywhere is a place of which nothing is known.
func (u *Universe) anywhere() *place {
	names := make([]string, len(u.listed))
	for i, n := range u.listed {
		names[i] = n.Name
	}
	name := selector.AllValues(selector.NamespaceName, false)
	left := name // of names that are neither listed nor of a pattern before
	if len(names) > 0 {
		left = u.solver.Where(name, selector.Test{Op: selector.OpIn, Values: names}, false)
	}
	p := &place{listed: everyOne(len(u.listed))}
	for _, n := range u.patterns {
		tests := patternTests(ends(n.Name))
		of := left
		for _, t := range tests {
			if of != nil {
				of = u.solver.Where(of, t, true)
			}
		}
		p.others = append(p.others, of)
		// What a pattern of two ends leaves is no conjunction: its names then count as
		// anybody's as well.
		if len(tests) == 1 && left != nil {
			left = u.solver.Where(left, tests[0], false)
		}
	}
	p.others = append(p.others, left)
	return p
}

// in is the part of a place in one class: a listed one or, after those, one of others; nil
// where it is not left.
func (p *place) in(class, listed int) *place {
	n := &place{labels: p.labels, others: make([]*selector.Values, len(p.others))}
	if class < listed {
		if !p.listed.has(class) {
			return nil
		}
		n.listed = only(class)
		return n
	}
	n.others[class-listed] = p.others[class-listed]
	return n.orNil()
}

// orNil is the place, or nil where no class is left.
func (p *place) orNil() *place {
	if p.listed.isEmpty() && !slices.ContainsFunc(p.others, func(v *selector.Values) bool { return v != nil }) {
		return nil
	}
	return p
}

// single is the only namespace that is left, if it is a listed one.
func (p *place) single() (class int, ok bool) {
	if slices.ContainsFunc(p.others, func(v *selector.Values) bool { return v != nil }) {
		return 0, false
	}
	return p.listed.single()
}

// known is the answer to a question about a namespace that is listed, or free.
func (u *Universe) known(l *literal, n *Namespace) (answer, bool) {
	value, there, known := u.listedValue(l, n)
	if !known {
		return open, false
	}
	if there && l.test.Holds(value) {
		return yes, true
	}
	return no, true
}

// listedValue is what a listed namespace has for what a literal asks, if that is known.
func (u *Universe) listedValue(l *literal, n *Namespace) (value string, there, known bool) {
	if l.kind == ofNamespace {
		return n.Name, true, true
	}
	key := u.variables[l.variable].name
	value, there = n.Labels[key]
	return value, there, u.named[key]
}

// where is the part of a place in which a question about the namespace has an answer; nil
// where it nowhere has.
func (p *place) where(u *Universe, l *literal, holds bool) *place {
	t := transition{l.number, holds}
	if n, asked := p.next[t]; asked {
		return n
	}
	n := p.narrow(u, l, holds)
	if p.next == nil {
		p.next = map[transition]*place{}
	}
	p.next[t] = n
	return n
}

func (p *place) narrow(u *Universe, l *literal, holds bool) *place {
	n := &place{listed: p.listed.where(u, l, holds), others: p.others, labels: p.labels}
	if l.kind == ofNamespace {
		n.others = make([]*selector.Values, len(p.others))
		for i, name := range p.others {
			if name != nil {
				n.others[i] = u.solver.Where(name, l.test, holds)
			}
		}
		return n.orNil()
	}
	free := p.label(l.variable)
	if free != nil {
		free = u.solver.Where(free, l.test, holds)
	}
	n.labels = withLabel(p.labels, l.variable, free)
	key := u.variables[l.variable].name
	if free == nil && !u.named[key] {
		n.listed = subset{}
	}
	n.others = slices.Clone(p.others)
	for i := range n.others {
		value, known := u.patternLabel(i, l)
		if known && l.test.Holds(value) != holds || !known && free == nil {
			n.others[i] = nil
		}
	}
	return n.orNil()
}

// label is what is known of a free label; nil where no value is left.
func (p *place) label(variable int32) *selector.Values {
	at, found := slices.BinarySearchFunc(p.labels, variable, func(l labelValues, v int32) int { return int(l.variable - v) })
	if found {
		return p.labels[at].values
	}
	return anyLabel
}

var anyLabel = selector.AllValues(selector.LabelValue, true)

func withLabel(labels []labelValues, variable int32, values *selector.Values) []labelValues {
	at, found := slices.BinarySearchFunc(labels, variable, func(l labelValues, v int32) int { return int(l.variable - v) })
	changed := slices.Clone(labels)
	if found {
		changed[at].values = values
		return changed
	}
	return slices.Insert(changed, at, labelValues{variable, values})
}

// answer is what is known of a question about the namespace.
func (p *place) answer(u *Universe, l *literal) answer {
	mayHold, mayFail := p.listed.answers(u, l)
	free := p.label(l.variable)
	for i, name := range p.others {
		if name == nil || mayHold && mayFail {
			continue
		}
		values := free // not nil, for the class is left
		if l.kind == ofNamespace {
			values = name
		} else if value, known := u.patternLabel(i, l); known {
			values = selector.OneValue(selector.LabelValue, value)
		}
		holds, fails := u.solver.Answers(values, l.test)
		mayHold, mayFail = mayHold || holds, mayFail || fails
	}
	if l.kind == ofNamespaceLabel && !p.listed.isEmpty() && !u.named[u.variables[l.variable].name] && free != nil {
		holds, fails := u.solver.Answers(free, l.test)
		mayHold, mayFail = mayHold || holds, mayFail || fails
	}
	switch {
	case !mayHold:
		return no
	case !mayFail:
		return yes
	}
	return open
}

// patternLabel is the value that namespaces of a pattern have for what a literal asks, if
// that is known.
func (u *Universe) patternLabel(i int, l *literal) (value string, known bool) {
	if i >= len(u.patterns) {
		return "", false
	}
	value, known = u.patterns[i].Labels[u.variables[l.variable].name]
	return value, known
}

// ends are what a pattern has before and after its star.
func ends(pattern string) (before, after string) {
	before, after, _ = strings.Cut(pattern, "*")
	return before, after
}
