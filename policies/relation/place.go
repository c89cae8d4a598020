package relation

import (
	"slices"
	"strings"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/selector"
)

// place is what is known of the namespace of one end. It does not change.
//
// A class of namespaces is a listed one, or a region of the other names. Of a place at least
// one class is left.
type place struct {
	listed subset // of Universe.listed
	// others are what is known of the name in each region; nil where none is left.
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

// region is a part of the names that are not listed: those of a pattern, or those of none.
// It is a conjunction, of which both may take several.
type region struct {
	names   *selector.Values
	pattern *Namespace // or nil
}

// partNames parts the names of namespaces that are not listed: the patterns' in their order, of a
// name that fits several the first, then all others.
func (u *Universe) partNames() []region {
	listed := make([]string, len(u.listed))
	for i, n := range u.listed {
		listed[i] = n.Name
	}
	left := []*selector.Values{selector.AllValues(selector.NamespaceName, false)}
	if len(listed) > 0 {
		left[0] = u.solver.Where(left[0], selector.Test{Op: selector.OpIn, Values: listed}, false)
	}
	var all []region
	for i := range u.patterns {
		var rest []*selector.Values
		for _, names := range left {
			for _, t := range patternTests(u.patterns[i].Name) {
				if names == nil {
					break
				}
				if not := u.solver.Where(names, t.Test, !t.holds); not != nil {
					rest = append(rest, not)
				}
				names = u.solver.Where(names, t.Test, t.holds)
			}
			if names != nil {
				all = append(all, region{names, &u.patterns[i]})
			}
		}
		left = rest
	}
	for _, names := range left {
		all = append(all, region{names: names})
	}
	return all
}

// anywhere makes a place of which nothing is known: any namespace.
func (u *Universe) anywhere() *place {
	p := &place{listed: everyOne(len(u.listed))}
	for _, r := range u.regions {
		p.others = append(p.others, r.names)
	}
	return p
}

// in cuts out of a place the part in one class: a listed one or, after those, one of others; nil
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

// orNil gives the place, or nil where no class of namespaces is left.
func (p *place) orNil() *place {
	if p.listed.isEmpty() && !slices.ContainsFunc(p.others, func(v *selector.Values) bool { return v != nil }) {
		return nil
	}
	return p
}

// single tells the only namespace that is left of a place, if it is a listed one.
func (p *place) single() (class int, ok bool) {
	if slices.ContainsFunc(p.others, func(v *selector.Values) bool { return v != nil }) {
		return 0, false
	}
	return p.listed.single()
}

// known answers a literal about a namespace that is listed, or free: of a label that is free
// nothing is known.
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

// listedValue looks up what a listed namespace has for what a literal asks, if that is known.
func (u *Universe) listedValue(l *literal, n *Namespace) (value string, there, known bool) {
	if l.kind == ofNamespace {
		return n.Name, true, true
	}
	key := u.variables[l.variable].name
	value, there = n.Labels[key]
	return value, there, u.named[key] && !n.Free
}

// Excludes reports whether no pod of a namespace is what a selector asks for, since what is known of
// the namespace forbids it. Where nothing is known, no pod is excluded.
func (u *Universe) Excludes(namespace string, s selector.Selector) bool {
	class, listed := u.index[namespace]
	if !listed {
		return false
	}
	n := &u.listed[class]
	may, _ := s.Possible(namespaceOfPod{n}, func(key string) bool {
		switch of, name := meaning.LabelOf(key); of {
		case meaning.OrchestratorLabel, meaning.NamespaceName:
			return false
		case meaning.NamespaceLabel:
			return !u.named[name] || n.Free
		default:
			return true
		}
	})
	return !may
}

// namespaceOfPod are the labels of which the namespace of a pod decides, whoever the pod is.
type namespaceOfPod struct{ *Namespace }

// Label looks up a label that every pod of the namespace has, as selectors see it.
func (n namespaceOfPod) Label(key string) (value string, there bool) {
	switch of, name := meaning.LabelOf(key); of {
	case meaning.OrchestratorLabel:
		return "k8s", true
	case meaning.NamespaceName:
		return n.Name, true
	case meaning.NamespaceLabel:
		value, there = n.Labels[name]
	}
	return value, there
}

// where cuts out of a place the part in which a question about the namespace has an answer, and
// remembers it; nil where it nowhere has.
func (p *place) where(u *Universe, l *literal, holds bool) *place {
	if class, one := p.single(); one && l.kind == ofNamespace {
		if l.test.Holds(u.listed[class].Name) == holds {
			return p
		}
		return nil
	}
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

// narrow works out the part of a place in which a question about the namespace has an answer,
// among listed ones and others.
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
	if free == nil {
		n.listed = n.listed.knowing(u, key)
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

// label tells what a place knows of a free label of namespaces; nil where no value is left.
func (p *place) label(variable int32) *selector.Values {
	at, found := slices.BinarySearchFunc(p.labels, variable, func(l labelValues, v int32) int { return int(l.variable - v) })
	if found {
		return p.labels[at].values
	}
	return anyLabel
}

var anyLabel = selector.AllValues(selector.LabelValue, true)

// withLabel puts what a place knows of a free label among the others, in order.
func withLabel(labels []labelValues, variable int32, values *selector.Values) []labelValues {
	at, found := slices.BinarySearchFunc(labels, variable, func(l labelValues, v int32) int { return int(l.variable - v) })
	changed := slices.Clone(labels)
	if found {
		changed[at].values = values
		return changed
	}
	return slices.Insert(changed, at, labelValues{variable, values})
}

// answer tells whether a question about the namespace holds in all of a place, in none, or in a
// part.
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
	if l.kind == ofNamespaceLabel && p.listed.hasFree(u, u.variables[l.variable].name) && free != nil {
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

// patternLabel looks up the value that namespaces of a region have for what a literal asks, if
// that is known.
func (u *Universe) patternLabel(i int, l *literal) (value string, known bool) {
	if n := u.regions[i].pattern; n != nil {
		value, known = n.Labels[u.variables[l.variable].name]
	}
	return value, known
}

// nameTest is a question about a name, and the answer for which the name fits.
type nameTest struct {
	selector.Test
	holds bool
}

// patternTests makes the tests that a namespace's name must pass to fit a pattern with one star.
// What stands before the star and what stands after it may not overlap.
func patternTests(pattern string) []nameTest {
	before, after, _ := strings.Cut(pattern, "*")
	var tests []nameTest
	if before != "" {
		tests = append(tests, nameTest{selector.Test{Op: selector.OpStartsWith, Values: []string{before}}, true})
	}
	if after != "" {
		tests = append(tests, nameTest{selector.Test{Op: selector.OpEndsWith, Values: []string{after}}, true})
	}
	var overlapping []string
	for i := 1; i <= min(len(before), len(after)); i++ {
		if strings.HasSuffix(before, after[:i]) {
			overlapping = append(overlapping, before+after[i:])
		}
	}
	if len(overlapping) > 0 {
		slices.Sort(overlapping)
		tests = append(tests, nameTest{selector.Test{Op: selector.OpIn, Values: overlapping}, false})
	}
	return tests
}
