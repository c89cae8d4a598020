package scaffold

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/policies/yamltext"
)

// defaultNameLabel is the language's own; the others are what many use instead.
const defaultNameLabel = "app.kubernetes.io/name"

var nameLabels = []string{defaultNameLabel, "app", "k8s-app", "name"}

// nameLabelOf finds the label that holds the names of most workloads of a namespace, so that their
// selectors can be left out.
func nameLabelOf(all []*workload) string {
	best, most := defaultNameLabel, 0
	for _, key := range nameLabels {
		n := 0
		for _, w := range all {
			if namedBy(w, key, all) {
				n++
			}
		}
		if n > most {
			best, most = key, n
		}
	}
	return best
}

// namedBy reports whether a selector of one label chooses the workload by its name, and no other
// workload of the namespace.
func namedBy(w *workload, key string, all []*workload) bool {
	if w.labels[key] != w.name {
		return false
	}
	return !slices.ContainsFunc(all, func(other *workload) bool { return other != w && other.labels[key] == w.name })
}

// selectorOf writes the selector of the workload's pods in the language, or nothing where the
// namespace's label chooses them by name. It is not ok where the pods carry nothing to choose them
// by.
func selectorOf(w *workload, nameLabel string, all []*workload) (selector yamltext.Map, ok bool) {
	switch {
	case namedBy(w, nameLabel, all):
		return nil, true
	case w.selector != nil && len(w.selector.MatchExpressions) > 0:
		return expressions(w.selector), true
	case w.selector != nil && len(w.selector.MatchLabels) > 0:
		return yamltext.StringMap(w.selector.MatchLabels), true
	case len(w.labels) > 0:
		return yamltext.StringMap(w.labels), true
	}
	return nil, false
}

// expressions writes a selector in Kubernetes' own notation, which the language reads.
func expressions(s *metav1.LabelSelector) yamltext.Map {
	terms := make(yamltext.List, len(s.MatchExpressions))
	for i, e := range s.MatchExpressions {
		term := yamltext.Map{{Key: "key", Value: e.Key}, {Key: "operator", Value: string(e.Operator)}}
		if len(e.Values) > 0 {
			term = append(term, yamltext.Field{Key: "values", Value: yamltext.Strings(e.Values)})
		}
		terms[i] = term
	}
	var selector yamltext.Map
	if len(s.MatchLabels) > 0 {
		selector = append(selector, yamltext.Field{Key: "matchLabels", Value: yamltext.StringMap(s.MatchLabels)})
	}
	return append(selector, yamltext.Field{Key: "matchExpressions", Value: terms})
}
