package selector

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// FromKubernetes turns a label selector of Kubernetes into a Selector. The empty one selects
// everything. The error names the member that the API server would refuse.
func FromKubernetes(ls *metav1.LabelSelector) (Selector, error) {
	if len(ls.MatchLabels) == 1 && len(ls.MatchExpressions) == 0 { // as most have
		for key, value := range ls.MatchLabels {
			return Equals(key, value), nil
		}
	}
	var terms []Selector
	for _, key := range diag.SortedKeys(ls.MatchLabels) {
		terms = append(terms, Equals(key, ls.MatchLabels[key]))
	}
	for i, r := range ls.MatchExpressions {
		term, err := requirement(r)
		if err != nil {
			return Selector{}, fmt.Errorf("matchExpressions[%d]: %w", i, err)
		}
		terms = append(terms, term)
	}
	return And(terms...), nil
}

// requirement turns one of a label selector's matchExpressions into a Selector, or says why the
// API server would refuse it.
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
		return In(r.Key, r.Values), nil
	case metav1.LabelSelectorOpNotIn:
		return NotIn(r.Key, r.Values), nil
	case metav1.LabelSelectorOpExists:
		return Has(r.Key), nil
	case metav1.LabelSelectorOpDoesNotExist:
		return Not(Has(r.Key)), nil
	default:
		return Selector{}, fmt.Errorf("operator %q is not In, NotIn, Exists or DoesNotExist", r.Operator)
	}
}

// OfRequirements turns a label selector in canonical form into a Selector.
func OfRequirements(s object.Selector) Selector {
	if len(s) == 1 && s[0].Op == object.In { // as most have
		return Selector{root: Node{Op: OpIn, Key: s[0].Key, Values: s[0].Values}}
	}
	terms := make([]Selector, len(s))
	for i, r := range s {
		switch r.Op {
		case object.In:
			terms[i] = Selector{root: Node{Op: OpIn, Key: r.Key, Values: r.Values}}
		case object.NotIn:
			terms[i] = Selector{root: Node{Op: OpNotIn, Key: r.Key, Values: r.Values}}
		case object.Exists:
			terms[i] = Has(r.Key)
		default:
			terms[i] = Not(Has(r.Key))
		}
	}
	return And(terms...)
}
