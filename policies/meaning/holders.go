package meaning

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"portcullis.dev/policies/packet"
)

// holders finds things by their labels: classes of pods, or network sets and host
// endpoints.
type holders struct {
	count uint32
	keys  map[string]*keyIndex
}

type keyIndex struct {
	all     []packet.Range
	byValue map[string][]packet.Range
}

// add makes a thing findable, by those of its labels that somebody asks for. Numbers
// come in order.
func (h *holders) add(v *vocabulary, n uint32, l Labels, each func(func(key string))) {
	h.count = n + 1
	each(func(key string) {
		m := v.keys[key]
		value, ok := l.Label(key)
		if m == nil || !ok {
			return
		}
		k := h.keys[key]
		if k == nil {
			k = &keyIndex{byValue: map[string][]packet.Range{}}
			h.keys[key] = k
		}
		k.all = push(k.all, n)
		if _, wanted := m.values[value]; wanted || m.exact {
			k.byValue[value] = push(k.byValue[value], n)
		}
	})
}

// push adds a number that is no smaller than those before it.
func push(ranges []packet.Range, n uint32) []packet.Range {
	if last := len(ranges) - 1; last >= 0 && ranges[last].Last+1 >= n {
		ranges[last].Last = n
		return ranges
	}
	return append(ranges, packet.Range{First: n, Last: n})
}

func (h *holders) everything() packet.Numbers {
	if h.count == 0 {
		return packet.Numbers{}
	}
	return packet.Between(0, h.count-1)
}

// among are those of some things that a selector selects. What is asked about shrinks
// on the way down, so that the cost is that of the fewest, and not of all that a label
// has.
func (h *holders) among(some packet.Numbers, n *node) packet.Numbers {
	if some.IsEmpty() {
		return some
	}
	switch n.op {
	case opAll, opGlobal:
		return some
	case opAnd:
		kids := make([]*node, len(n.kids))
		for i := range n.kids {
			kids[i] = &n.kids[i]
		}
		slices.SortStableFunc(kids, func(a, b *node) int { return cmp.Compare(h.weight(a), h.weight(b)) })
		for _, kid := range kids {
			some = h.among(some, kid)
		}
		return some
	case opOr:
		var found packet.Numbers
		for i := range n.kids {
			found = found.Union(h.among(some, &n.kids[i]))
		}
		return found
	}
	if kid, negative := n.negated(); negative {
		return some.Subtract(h.among(some, &kid))
	}
	k := h.keys[n.key]
	if k == nil {
		return packet.Numbers{}
	}
	switch n.op {
	case opHas:
		return some.Intersect(packet.Sorted(k.all))
	case opEqual, opIn:
		var found packet.Numbers
		for _, value := range n.values {
			found = found.Union(some.Intersect(packet.Sorted(k.byValue[value])))
		}
		return found
	default:
		matches := map[operator]func(string, string) bool{
			opContains: strings.Contains, opStartsWith: strings.HasPrefix, opEndsWith: strings.HasSuffix,
		}[n.op]
		var found []packet.Range
		for value, ranges := range k.byValue {
			if matches(value, n.values[0]) {
				found = append(found, ranges...)
			}
		}
		return some.Intersect(packet.Join(found...))
	}
}

// weight is how much there is to read to answer an operand of a conjunction. Those
// with little to read come first, and the others have less to look for.
func (h *holders) weight(n *node) int {
	k := h.keys[n.key]
	switch {
	case n.op == opHas && k != nil:
		return len(k.all)
	case (n.op == opEqual || n.op == opIn) && k != nil:
		weight := 0
		for _, value := range n.values {
			weight += len(k.byValue[value])
		}
		return weight
	case n.op == opHas, n.op == opEqual, n.op == opIn:
		return 0
	default:
		return math.MaxInt
	}
}

// negated is what the operation is the opposite of, if it is one that only says no.
func (n *node) negated() (node, bool) {
	switch n.op {
	case opNot:
		return n.kids[0], true
	case opNotEqual:
		return node{op: opEqual, key: n.key, values: n.values}, true
	case opNotIn:
		return node{op: opIn, key: n.key, values: n.values}, true
	}
	return node{}, false
}

// The two kinds of things with labels.
const (
	holdsPods = iota // classes of pods, by their numbers
	holdsNets        // network sets, and after them host endpoints
)

// found are what a selector finds among both.
type found [2]packet.Numbers

func (f found) less(o found) found {
	return found{f[holdsPods].Subtract(o[holdsPods]), f[holdsNets].Subtract(o[holdsNets])}
}

// find evaluates a selector, once.
func (r *Relation) find(a *asked) found {
	if !a.done {
		a.done = true
		for i := range a.found {
			a.found[i] = r.holders[i].among(r.holders[i].everything(), &a.selector.root)
		}
	}
	return a.found
}

// eachLabel names every label that the endpoint may have.
func (e *Endpoint) eachLabel(do func(key string)) {
	do(labelNamespace)
	do(namespacePrefix + labelName)
	do(labelOrchestrator)
	do(labelServiceAccount)
	do(accountPrefix + labelName)
	for prefix, labels := range map[string]map[string]string{namespacePrefix: e.NamespaceLabels, accountPrefix: e.ServiceAccountLabels} {
		for k := range labels {
			if key := prefix + k; key != namespacePrefix+labelName && key != accountPrefix+labelName {
				do(key)
			}
		}
	}
	for key := range e.Labels {
		if !inherited(key) {
			do(key)
		}
	}
}

// eachLabel names every label that the set may have.
func (s *networkSet) eachLabel(do func(key string)) {
	names := map[string]bool{}
	if s.namespace != "" {
		names[labelNamespace], names[namespacePrefix+labelName] = true, true
		for k := range s.namespaceLabels {
			names[namespacePrefix+k] = true
		}
	}
	for k := range s.labels {
		names[k] = true
	}
	for k := range names {
		do(k)
	}
}

// eachLabel names every label that the host endpoint may have.
func (h *Host) eachLabel(do func(key string)) {
	names := map[string]bool{}
	for k := range h.Labels {
		names[k] = true
	}
	for _, p := range h.profiles {
		for k := range p.labels {
			names[k] = true
		}
	}
	for k := range names {
		do(k)
	}
}
