package meaning

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Labels is what a selector asks: the value of a label, and whether there is one.
type Labels interface {
	Label(key string) (value string, ok bool)
}

// LabelMap is a plain map as Labels.
type LabelMap map[string]string

// Label looks the key up.
func (m LabelMap) Label(key string) (string, bool) { v, ok := m[key]; return v, ok }

// Selector is a parsed selector in Calico's grammar
// (libcalico-go/lib/selector/parser). The zero Selector selects everything.
type Selector struct{ root node }

type operator int

const (
	opAll operator = iota
	opGlobal
	opHas
	opEqual
	opNotEqual
	opContains
	opStartsWith
	opEndsWith
	opIn
	opNotIn
	opNot
	opAnd
	opOr
)

// node is one operation: key and values for those on a label, kids for the others.
type node struct {
	op     operator
	key    string
	values []string // one for the comparisons; sorted and unique for sets
	kids   []node
}

// Matches evaluates the selector. A label that is absent makes has, ==, in and the
// string operators false, and !=, not in and every negation true.
func (s Selector) Matches(l Labels) bool { return s.root.matches(l) }

func (n *node) matches(l Labels) bool {
	switch n.op {
	case opAll, opGlobal: // global() has a meaning of its own only in a rule's namespaceSelector
		return true
	case opNot:
		return !n.kids[0].matches(l)
	case opAnd:
		return !slices.ContainsFunc(n.kids, func(k node) bool { return !k.matches(l) })
	case opOr:
		return slices.ContainsFunc(n.kids, func(k node) bool { return k.matches(l) })
	}
	value, ok := l.Label(n.key)
	switch n.op {
	case opEqual:
		return ok && value == n.values[0]
	case opNotEqual:
		return !ok || value != n.values[0]
	case opContains:
		return ok && strings.Contains(value, n.values[0])
	case opStartsWith:
		return ok && strings.HasPrefix(value, n.values[0])
	case opEndsWith:
		return ok && strings.HasSuffix(value, n.values[0])
	case opIn:
		return ok && slices.Contains(n.values, value)
	case opNotIn:
		return !ok || !slices.Contains(n.values, value)
	default: // opHas
		return ok
	}
}

// String is Calico's normal form: values in double quotes (single where the value
// holds a double one), conjunctions and disjunctions in parentheses, sets sorted.
// Parsing it gives the same selector.
func (s Selector) String() string {
	var b strings.Builder
	s.root.write(&b)
	return b.String()
}

var comparisons = map[operator]string{
	opEqual: " == ", opNotEqual: " != ", opContains: " contains ", opStartsWith: " starts with ", opEndsWith: " ends with ",
}

func (n *node) write(b *strings.Builder) {
	switch n.op {
	case opAll:
		b.WriteString("all()")
	case opGlobal:
		b.WriteString("global()")
	case opHas:
		b.WriteString("has(" + n.key + ")")
	case opNot:
		b.WriteByte('!')
		n.kids[0].write(b)
	case opAnd, opOr:
		sep := " && "
		if n.op == opOr {
			sep = " || "
		}
		b.WriteByte('(')
		for i := range n.kids {
			if i > 0 {
				b.WriteString(sep)
			}
			n.kids[i].write(b)
		}
		b.WriteByte(')')
	case opIn, opNotIn:
		word := " in {"
		if n.op == opNotIn {
			word = " not in {"
		}
		b.WriteString(n.key + word)
		for i, v := range n.values {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(quote(v))
		}
		b.WriteByte('}')
	default:
		b.WriteString(n.key + comparisons[n.op] + quote(n.values[0]))
	}
}

func quote(value string) string {
	if strings.Contains(value, `"`) {
		return "'" + value + "'"
	}
	return `"` + value + `"`
}

// Prefixed returns the selector with every label's name prefixed. Calico lets
// endpoints inherit their namespace's labels under "pcns." and their service
// account's under "pcsa.".
func (s Selector) Prefixed(prefix string) Selector {
	return s.rewrite(func(n node) node {
		if n.key != "" {
			n.key = prefix + n.key
		}
		return n
	})
}

// Requires is the one value that a label must have, if the selector's conjunction
// says so.
func (s Selector) Requires(key string) (value string, ok bool) {
	terms := []node{s.root}
	if s.root.op == opAnd {
		terms = s.root.kids
	}
	for i := range terms {
		n := &terms[i]
		if n.key == key && len(n.values) == 1 && (n.op == opEqual || n.op == opIn) {
			return n.values[0], true
		}
		if n.op == opAnd {
			if value, ok := (Selector{root: *n}).Requires(key); ok {
				return value, true
			}
		}
	}
	return "", false
}

// uses reports whether the operation occurs anywhere in the selector.
func (s Selector) uses(op operator) bool {
	var in func(n *node) bool
	in = func(n *node) bool {
		return n.op == op || slices.ContainsFunc(n.kids, func(k node) bool { return in(&k) })
	}
	return in(&s.root)
}

// rewrite applies f to every operation, from the leaves up.
func (s Selector) rewrite(f func(node) node) Selector {
	var all func(n node) node
	all = func(n node) node {
		kids := make([]node, len(n.kids))
		for i, k := range n.kids {
			kids[i] = all(k)
		}
		n.kids = kids
		return f(n)
	}
	return Selector{root: all(s.root)}
}

// replacing returns the selector with other in place of every occurrence of op.
func (s Selector) replacing(op operator, other Selector) Selector {
	return s.rewrite(func(n node) node {
		if n.op == op {
			return other.root
		}
		return n
	})
}

// allOf is the conjunction of selectors.
func allOf(selectors ...Selector) Selector {
	kids := make([]node, 0, len(selectors))
	for _, s := range selectors {
		if s.root.op != opAll {
			kids = append(kids, s.root)
		}
	}
	switch len(kids) {
	case 0:
		return Selector{}
	case 1:
		return Selector{root: kids[0]}
	}
	return Selector{root: node{op: opAnd, kids: kids}}
}

func has(key string) Selector { return Selector{root: node{op: opHas, key: key}} }

func not(s Selector) Selector { return Selector{root: node{op: opNot, kids: []node{s.root}}} }

func equals(key, value string) Selector {
	return Selector{root: node{op: opEqual, key: key, values: []string{value}}}
}

func in(key string, values []string) Selector {
	return Selector{root: node{op: opIn, key: key, values: set(values)}}
}

func notIn(key string, values []string) Selector {
	return Selector{root: node{op: opNotIn, key: key, values: set(values)}}
}

func set(values []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(values)))
}

// FromKubernetes turns a label selector into the same form. The empty selector
// selects everything. The error names the member that the API server would refuse.
func FromKubernetes(ls *metav1.LabelSelector) (Selector, error) {
	var terms []Selector
	for _, key := range sortedKeys(ls.MatchLabels) {
		terms = append(terms, equals(key, ls.MatchLabels[key]))
	}
	for i, r := range ls.MatchExpressions {
		term, err := requirement(r)
		if err != nil {
			return Selector{}, fmt.Errorf("matchExpressions[%d]: %w", i, err)
		}
		terms = append(terms, term)
	}
	return allOf(terms...), nil
}

func requirement(r metav1.LabelSelectorRequirement) (Selector, error) {
	sets := r.Operator == metav1.LabelSelectorOpIn || r.Operator == metav1.LabelSelectorOpNotIn
	switch {
	case r.Key == "":
		return Selector{}, fmt.Errorf("there is no key")
	case sets && len(r.Values) == 0:
		return Selector{}, fmt.Errorf("operator %s needs values", r.Operator)
	case !sets && len(r.Values) > 0:
		return Selector{}, fmt.Errorf("operator %s takes no values", r.Operator)
	}
	switch r.Operator {
	case metav1.LabelSelectorOpIn:
		return in(r.Key, r.Values), nil
	case metav1.LabelSelectorOpNotIn:
		return notIn(r.Key, r.Values), nil
	case metav1.LabelSelectorOpExists:
		return has(r.Key), nil
	case metav1.LabelSelectorOpDoesNotExist:
		return not(has(r.Key)), nil
	default:
		return Selector{}, fmt.Errorf("operator %q is not In, NotIn, Exists or DoesNotExist", r.Operator)
	}
}
