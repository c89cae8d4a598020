package meaning

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/selector"
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
func (h *holders) add(v *vocabulary, n uint32, l selector.Labels, each func(func(key string))) {
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
func (h *holders) among(some packet.Numbers, n *selector.Node) packet.Numbers {
	if some.IsEmpty() {
		return some
	}
	switch n.Op {
	case selector.OpAll, selector.OpGlobal:
		return some
	case selector.OpAnd:
		kids := make([]*selector.Node, len(n.Kids))
		for i := range n.Kids {
			kids[i] = &n.Kids[i]
		}
		slices.SortStableFunc(kids, func(a, b *selector.Node) int { return cmp.Compare(h.weight(a), h.weight(b)) })
		for _, kid := range kids {
			some = h.among(some, kid)
		}
		return some
	case selector.OpOr:
		var found packet.Numbers
		for i := range n.Kids {
			found = found.Union(h.among(some, &n.Kids[i]))
		}
		return found
	}
	if kid, negative := negated(n); negative {
		return some.Subtract(h.among(some, &kid))
	}
	k := h.keys[n.Key]
	if k == nil {
		return packet.Numbers{}
	}
	switch n.Op {
	case selector.OpHas:
		return some.Intersect(packet.Sorted(k.all))
	case selector.OpEqual, selector.OpIn:
		var found packet.Numbers
		for _, value := range n.Values {
			found = found.Union(some.Intersect(packet.Sorted(k.byValue[value])))
		}
		return found
	default:
		matches := map[selector.Operator]func(string, string) bool{
			selector.OpContains: strings.Contains, selector.OpStartsWith: strings.HasPrefix, selector.OpEndsWith: strings.HasSuffix,
		}[n.Op]
		var found []packet.Range
		for value, ranges := range k.byValue {
			if matches(value, n.Values[0]) {
				found = append(found, ranges...)
			}
		}
		return some.Intersect(packet.Join(found...))
	}
}

// weight is how much there is to read to answer an operand of a conjunction. Those
// with little to read come first, and the others have less to look for.
func (h *holders) weight(n *selector.Node) int {
	k := h.keys[n.Key]
	switch {
	case n.Op == selector.OpHas && k != nil:
		return len(k.all)
	case (n.Op == selector.OpEqual || n.Op == selector.OpIn) && k != nil:
		weight := 0
		for _, value := range n.Values {
			weight += len(k.byValue[value])
		}
		return weight
	case n.Op == selector.OpHas, n.Op == selector.OpEqual, n.Op == selector.OpIn:
		return 0
	default:
		return math.MaxInt
	}
}

// negated is what the operation is the opposite of, if it is one that only says no.
func negated(n *selector.Node) (selector.Node, bool) {
	switch n.Op {
	case selector.OpNot:
		return n.Kids[0], true
	case selector.OpNotEqual:
		return selector.Node{Op: selector.OpEqual, Key: n.Key, Values: n.Values}, true
	case selector.OpNotIn:
		return selector.Node{Op: selector.OpIn, Key: n.Key, Values: n.Values}, true
	}
	return selector.Node{}, false
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
			a.found[i] = r.holders[i].among(r.holders[i].everything(), a.selector.Root())
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
