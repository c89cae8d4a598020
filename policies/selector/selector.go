// Package selector is the selectors of policies: Calico's grammar, which Kubernetes' label
// selectors become, as a tree and as text.
//
// Its invariant: a selector means what Calico makes of it, and its text, parsed again, is
// the same selector.
//
// It must not know whom selectors are asked about, nor where in a policy they stand.
package selector

import (
	"slices"
	"strings"
)

// Labels is what a selector asks: the value of a label, and whether there is one.
type Labels interface {
	Label(key string) (value string, ok bool)
}

// Map is a plain map as Labels.
type Map map[string]string

// Label looks the key up in the map, as a selector asks.
func (m Map) Label(key string) (string, bool) { v, ok := m[key]; return v, ok }

// Selector is a parsed selector in Calico's grammar
// (libcalico-go/lib/selector/parser). The zero Selector selects everything.
type Selector struct{ root Node }

// Operator is what a [Node] does.
type Operator int

// The operators. Those on a label come between OpHas and OpNotIn.
const (
	OpAll Operator = iota
	OpGlobal
	OpHas
	OpEqual
	OpNotEqual
	OpContains
	OpStartsWith
	OpEndsWith
	OpIn
	OpNotIn
	OpNot
	OpAnd
	OpOr
)

// Node is one operation: key and values for those on a label, kids for the others.
type Node struct {
	Op     Operator
	Key    string
	Values []string // one for the comparisons; sorted and unique for sets
	Kids   []Node
}

// Root gives the selector as a tree. The caller must not change it.
func (s Selector) Root() *Node { return &s.root }

// Matches evaluates the selector. A label that is absent makes has, ==, in and the
// string operators false, and !=, not in and every negation true.
func (s Selector) Matches(l Labels) bool { return s.root.matches(l) }

// matches evaluates one operation of the selector's tree, and those below it, over labels.
func (n *Node) matches(l Labels) bool {
	switch n.Op {
	case OpAll, OpGlobal: // global() has a meaning of its own only in a rule's namespaceSelector
		return true
	case OpNot:
		return !n.Kids[0].matches(l)
	case OpAnd:
		for i := range n.Kids {
			if !n.Kids[i].matches(l) {
				return false
			}
		}
		return true
	case OpOr:
		for i := range n.Kids {
			if n.Kids[i].matches(l) {
				return true
			}
		}
		return false
	}
	value, ok := l.Label(n.Key)
	switch n.Op {
	case OpEqual:
		return ok && value == n.Values[0]
	case OpNotEqual:
		return !ok || value != n.Values[0]
	case OpContains:
		return ok && strings.Contains(value, n.Values[0])
	case OpStartsWith:
		return ok && strings.HasPrefix(value, n.Values[0])
	case OpEndsWith:
		return ok && strings.HasSuffix(value, n.Values[0])
	case OpIn:
		return ok && slices.Contains(n.Values, value)
	case OpNotIn:
		return !ok || !slices.Contains(n.Values, value)
	default: // OpHas
		return ok
	}
}

// Possible says whether the selector may hold of labels, and whether it may fail, where
// nothing is known of those with some keys. Both are true where that is not certain.
func (s Selector) Possible(l Labels, unknown func(key string) bool) (mayHold, mayFail bool) {
	return s.root.possible(l, unknown)
}

// possible tells of one operation of the selector's tree whether it may hold, and whether it may
// fail.
func (n *Node) possible(l Labels, unknown func(key string) bool) (mayHold, mayFail bool) {
	switch n.Op {
	case OpNot:
		mayHold, mayFail = n.Kids[0].possible(l, unknown)
		return mayFail, mayHold
	case OpAnd, OpOr:
		mayHold, mayFail = n.Op == OpAnd, n.Op == OpOr
		for i := range n.Kids {
			hold, fail := n.Kids[i].possible(l, unknown)
			if n.Op == OpAnd {
				mayHold, mayFail = mayHold && hold, mayFail || fail
			} else {
				mayHold, mayFail = mayHold || hold, mayFail && fail
			}
		}
		return mayHold, mayFail
	}
	if n.Key != "" && unknown(n.Key) {
		switch {
		case n.Op == OpIn && len(n.Values) == 0:
			return false, true
		case n.Op == OpNotIn && len(n.Values) == 0:
			return true, false
		}
		return true, true
	}
	holds := n.matches(l)
	return holds, !holds
}

// Required lists labels without which the selector selects nothing: what it selects has, for each
// of them, one of the values. There may be more. The caller must not change it.
func (s Selector) Required() []Node {
	if s.root.Op != OpAnd {
		if s.root.isRequired() {
			return []Node{s.root}
		}
		return nil
	}
	first := slices.IndexFunc(s.root.Kids, func(n Node) bool { return !n.isRequired() })
	if first < 0 {
		return s.root.Kids
	}
	required := slices.Clone(s.root.Kids[:first])
	for _, n := range s.root.Kids[first:] {
		if n.isRequired() {
			required = append(required, n)
		}
	}
	return required
}

// isRequired reports whether an operation of a selector asks that its label has one of some values.
func (n *Node) isRequired() bool { return n.Op == OpEqual || n.Op == OpIn }

// String writes the selector in Calico's normal form: values in double quotes (single where the
// value holds a double one), conjunctions and disjunctions in parentheses, sets sorted. Parsing
// it gives the same selector.
func (s Selector) String() string { return string(s.Append(nil)) }

// Append appends the text of the selector, as String writes it, to bytes.
func (s Selector) Append(to []byte) []byte { return s.root.append(to) }

var comparisons = map[Operator]string{
	OpEqual: " == ", OpNotEqual: " != ", OpContains: " contains ", OpStartsWith: " starts with ", OpEndsWith: " ends with ",
}

// append appends one operation of the selector's tree in Calico's normal form.
func (n *Node) append(to []byte) []byte {
	switch n.Op {
	case OpAll:
		return append(to, "all()"...)
	case OpGlobal:
		return append(to, "global()"...)
	case OpHas:
		return append(append(append(to, "has("...), n.Key...), ')')
	case OpNot:
		return n.Kids[0].append(append(to, '!'))
	case OpAnd, OpOr:
		sep := " && "
		if n.Op == OpOr {
			sep = " || "
		}
		to = append(to, '(')
		for i := range n.Kids {
			if i > 0 {
				to = append(to, sep...)
			}
			to = n.Kids[i].append(to)
		}
		return append(to, ')')
	case OpIn, OpNotIn:
		word := " in {"
		if n.Op == OpNotIn {
			word = " not in {"
		}
		to = append(append(to, n.Key...), word...)
		for i, v := range n.Values {
			if i > 0 {
				to = append(to, ", "...)
			}
			to = appendQuoted(to, v)
		}
		return append(to, '}')
	default:
		return appendQuoted(append(append(to, n.Key...), comparisons[n.Op]...), n.Values[0])
	}
}

// appendQuoted appends a value to a selector's text, in whichever quotes it does not hold.
func appendQuoted(to []byte, value string) []byte {
	quote := byte('"')
	if strings.Contains(value, `"`) {
		quote = '\''
	}
	return append(append(append(to, quote), value...), quote)
}

// Prefixed returns the selector with every label's name prefixed. Calico lets
// endpoints inherit their namespace's labels under "pcns." and their service
// account's under "pcsa.".
func (s Selector) Prefixed(prefix string) Selector {
	return s.rewrite(func(n Node) Node {
		if n.Key != "" {
			n.Key = prefix + n.Key
		}
		return n
	})
}

// Requires tells the one value that a label must have, if the selector's conjunction says so.
func (s Selector) Requires(key string) (value string, ok bool) {
	terms := []Node{s.root}
	if s.root.Op == OpAnd {
		terms = s.root.Kids
	}
	for i := range terms {
		n := &terms[i]
		if n.Key == key && len(n.Values) == 1 && (n.Op == OpEqual || n.Op == OpIn) {
			return n.Values[0], true
		}
		if n.Op == OpAnd {
			if value, ok := (Selector{root: *n}).Requires(key); ok {
				return value, true
			}
		}
	}
	return "", false
}

// Uses reports whether the operation occurs anywhere in the selector.
func (s Selector) Uses(op Operator) bool {
	var in func(n *Node) bool
	in = func(n *Node) bool {
		return n.Op == op || slices.ContainsFunc(n.Kids, func(k Node) bool { return in(&k) })
	}
	return in(&s.root)
}

// rewrite applies f to every operation of the selector's tree, from the leaves up.
func (s Selector) rewrite(f func(Node) Node) Selector {
	var all func(n Node) Node
	all = func(n Node) Node {
		kids := make([]Node, len(n.Kids))
		for i, k := range n.Kids {
			kids[i] = all(k)
		}
		n.Kids = kids
		return f(n)
	}
	return Selector{root: all(s.root)}
}

// Replacing returns the selector with other in place of every occurrence of op.
func (s Selector) Replacing(op Operator, other Selector) Selector {
	return s.rewrite(func(n Node) Node {
		if n.Op == op {
			return other.root
		}
		return n
	})
}

// And makes the conjunction of selectors.
func And(selectors ...Selector) Selector {
	asks := func(s Selector) bool { return s.root.Op != OpAll }
	count := 0
	for _, s := range selectors {
		if asks(s) {
			count++
		}
	}
	switch count {
	case 0:
		return Selector{}
	case 1:
		return selectors[slices.IndexFunc(selectors, asks)]
	}
	kids := make([]Node, 0, count)
	for _, s := range selectors {
		if asks(s) {
			kids = append(kids, s.root)
		}
	}
	return Selector{root: Node{Op: OpAnd, Kids: kids}}
}

// Has makes the selector that asks whether a label is there.
func Has(key string) Selector { return Selector{root: Node{Op: OpHas, Key: key}} }

// Not makes the selector that holds where another does not.
func Not(s Selector) Selector { return Selector{root: Node{Op: OpNot, Kids: []Node{s.root}}} }

// Equals makes the selector that asks for one value of a label.
func Equals(key, value string) Selector {
	return Selector{root: Node{Op: OpEqual, Key: key, Values: []string{value}}}
}

// In makes the selector that asks for one of several values of a label.
func In(key string, values []string) Selector {
	return Selector{root: Node{Op: OpIn, Key: key, Values: set(values)}}
}

// NotIn makes the selector that asks for a label that has none of several values, or is not
// there.
func NotIn(key string, values []string) Selector {
	return Selector{root: Node{Op: OpNotIn, Key: key, Values: set(values)}}
}

// set sorts the values of a selector's set, each once.
func set(values []string) []string {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}
