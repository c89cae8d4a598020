package object

import (
	"cmp"
	"slices"
	"strings"

	"portcullis.dev/policies/yamltext"
)

// Operator is how a Requirement compares, spelt as in Kubernetes' matchExpressions.
type Operator string

// The operators of metav1.LabelSelectorRequirement.
const (
	In           Operator = "In"
	NotIn        Operator = "NotIn"
	Exists       Operator = "Exists"
	DoesNotExist Operator = "DoesNotExist"
)

// Requirement is one condition on a label. NotIn holds where the label is absent,
// as in Kubernetes.
type Requirement struct {
	Key    string
	Op     Operator
	Values []string // sorted, unique; for In and NotIn
}

// Selector is a Kubernetes label selector in canonical form: all its requirements
// hold, and they are sorted and free of repetition. The zero Selector selects
// everything.
type Selector []Requirement

// NewSelector brings requirements into canonical form, which a manifest can always
// hold: Exists and DoesNotExist have no values and In and NotIn have some. In with
// none, which nothing satisfies, becomes Exists and DoesNotExist of the same key;
// NotIn with none, which everything satisfies, is left out.
func NewSelector(requirements ...Requirement) Selector {
	s := make(Selector, 0, len(requirements))
	for _, r := range requirements {
		r.Values = slices.Clone(r.Values)
		slices.Sort(r.Values)
		r.Values = slices.Compact(r.Values)
		switch {
		case r.Op == Exists || r.Op == DoesNotExist:
			s = append(s, Requirement{Key: r.Key, Op: r.Op})
		case len(r.Values) > 0:
			s = append(s, r)
		case r.Op == In:
			s = append(s, Requirement{Key: r.Key, Op: Exists}, Requirement{Key: r.Key, Op: DoesNotExist})
		}
	}
	slices.SortFunc(s, compareRequirements)
	return slices.CompactFunc(s, func(a, b Requirement) bool { return compareRequirements(a, b) == 0 })
}

// compareRequirements orders the requirements of a Kubernetes label selector by key, operator and
// values.
func compareRequirements(a, b Requirement) int {
	return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Op, b.Op), slices.Compare(a.Values, b.Values))
}

// Equals makes the requirement of a Kubernetes label selector that a label has that value.
func Equals(key, value string) Requirement {
	return Requirement{Key: key, Op: In, Values: []string{value}}
}

// Matches reports whether labels satisfy every requirement of the Kubernetes label selector.
func (s Selector) Matches(labels map[string]string) bool {
	for _, r := range s {
		if value, has := labels[r.Key]; !r.holds(value, has) {
			return false
		}
	}
	return true
}

// holds reports whether a requirement of a label selector lets a label have that value, or be
// absent.
func (r Requirement) holds(value string, has bool) bool {
	switch r.Op {
	case In:
		return has && slices.Contains(r.Values, value)
	case NotIn:
		return !has || !slices.Contains(r.Values, value)
	case Exists:
		return has
	}
	return !has
}

// Satisfiable reports whether some labels satisfy the Kubernetes label selector. Requirements on
// different keys do not touch each other, so each key is decided by itself: by the values that
// one of them lists, or else by a value that none names.
func (s Selector) Satisfiable() bool {
	return !slices.ContainsFunc(s, func(r Requirement) bool {
		switch r.Op {
		case In:
			return !slices.ContainsFunc(r.Values, func(value string) bool { return s.allows(r.Key, value) })
		case Exists:
			return slices.ContainsFunc(s, func(other Requirement) bool { return other.Key == r.Key && other.Op == DoesNotExist })
		}
		return false
	})
}

// allows reports whether the requirements of the label selector let a label have a value.
func (s Selector) allows(key, value string) bool {
	return !slices.ContainsFunc(s, func(r Requirement) bool { return r.Key == key && !r.holds(value, true) })
}

// anyValue stands for the value of a label that has to be there, whatever it is.
const anyValue = "any"

// Example makes the least set of labels that a Kubernetes label selector selects. One that
// nothing satisfies gives labels that satisfy most of it.
func (s Selector) Example() map[string]string {
	out := map[string]string{}
	for _, r := range s {
		if _, done := out[r.Key]; done || r.Op == NotIn || r.Op == DoesNotExist {
			continue
		}
		var same Selector
		candidates := []string{anyValue, anyValue + "-other"}
		for _, other := range s {
			if other.Key == r.Key {
				same = append(same, other)
				if other.Op == In {
					candidates = append(slices.Clone(other.Values), candidates...)
				}
			}
		}
		out[r.Key] = candidates[0]
		for _, v := range candidates {
			if same.Matches(map[string]string{r.Key: v}) {
				out[r.Key] = v
				break
			}
		}
	}
	return out
}

// Manifest writes the selector as a metav1.LabelSelector: labels that must have one value under
// matchLabels, the rest under matchExpressions.
func (s Selector) Manifest() Map {
	var labels Map // in order, as the requirements are
	var expressions List
	for _, r := range s {
		if r.Op == In && len(r.Values) == 1 && labels.Get(r.Key) == nil {
			labels = append(labels, Field{Key: r.Key, Value: r.Values[0]})
			continue
		}
		e := Map{{Key: "key", Value: r.Key}, {Key: "operator", Value: string(r.Op)}}
		if len(r.Values) > 0 {
			e = append(e, Field{Key: "values", Value: yamltext.Strings(r.Values)})
		}
		expressions = append(expressions, e)
	}
	m := Map{}
	if len(labels) > 0 {
		m = append(m, Field{Key: "matchLabels", Value: labels})
	}
	if len(expressions) > 0 {
		m = append(m, Field{Key: "matchExpressions", Value: expressions})
	}
	return m
}

// Calico writes the Kubernetes label selector in Calico's grammar (libcalico-go/lib/selector).
// Label values hold no quotes, so none needs escaping.
func (s Selector) Calico() string {
	if len(s) == 0 {
		return "all()"
	}
	terms := make([]string, len(s))
	for i, r := range s {
		switch {
		case r.Op == In && len(r.Values) == 1:
			terms[i] = r.Key + " == '" + r.Values[0] + "'"
		case r.Op == In:
			terms[i] = r.Key + " in {'" + strings.Join(r.Values, "', '") + "'}"
		case r.Op == NotIn:
			terms[i] = r.Key + " not in {'" + strings.Join(r.Values, "', '") + "'}"
		case r.Op == Exists:
			terms[i] = "has(" + r.Key + ")"
		default:
			terms[i] = "!has(" + r.Key + ")"
		}
	}
	return strings.Join(terms, " && ")
}

// String writes the Kubernetes label selector for people and for stable names: requirements
// joined by commas, in the notation of kubectl's --selector.
func (s Selector) String() string {
	var few [4]string // as most have
	terms := few[:0]
	for _, r := range s {
		switch {
		case r.Op == In && len(r.Values) == 1:
			terms = append(terms, r.Key+"="+r.Values[0])
		case r.Op == In:
			terms = append(terms, r.Key+" in ("+strings.Join(r.Values, ",")+")")
		case r.Op == NotIn:
			terms = append(terms, r.Key+" notin ("+strings.Join(r.Values, ",")+")")
		case r.Op == Exists:
			terms = append(terms, r.Key)
		default:
			terms = append(terms, "!"+r.Key)
		}
	}
	return strings.Join(terms, ",")
}

// Equal reports whether two label selectors in canonical form are the same.
func (s Selector) Equal(o Selector) bool {
	if len(s) != len(o) {
		return false
	}
	for i := range s {
		if a, b := &s[i], &o[i]; a.Key != b.Key || a.Op != b.Op || !slices.Equal(a.Values, b.Values) {
			return false
		}
	}
	return true
}
