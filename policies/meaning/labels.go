package meaning

import (
	"strings"

	"portcullis.dev/policies/selector"
)

// LabelKind is whose a label is that selectors see on a pod.
type LabelKind int

// The kinds of labels.
const (
	PodLabel          LabelKind = iota
	OrchestratorLabel           // k8s, of every pod
	NamespaceName
	NamespaceLabel // of the Namespace object
	AccountName
	AccountLabel // of the ServiceAccount object
)

// LabelOf says whose label a key of Calico's selectors stands for, and what it is called
// there (libcalico-go/lib/backend/k8s/conversion).
func LabelOf(key string) (of LabelKind, name string) {
	switch key {
	case labelOrchestrator:
		return OrchestratorLabel, key
	case labelNamespace, namespacePrefix + labelName, namespacePrefix + NameLabel:
		return NamespaceName, key
	case labelServiceAccount, accountPrefix + labelName:
		return AccountName, key
	}
	if name, ok := strings.CutPrefix(key, namespacePrefix); ok {
		return NamespaceLabel, name
	}
	if name, ok := strings.CutPrefix(key, accountPrefix); ok {
		return AccountLabel, name
	}
	return PodLabel, key
}

// holds says whether the labels of a pod, host endpoint or network set satisfy a selector; maybe,
// where that hangs on a label that nobody wrote down.
func holds(s *selector.Selector, l selector.Labels) truth {
	if e, ok := l.(*Endpoint); ok && e.isPartlyUnwritten() {
		switch mayHold, mayFail := s.Possible(e, e.unknown); {
		case mayHold && mayFail:
			return maybe
		default:
			return known(mayHold)
		}
	}
	return known(s.Matches(l))
}

// MayHold reports whether labels satisfy a selector, as far as anybody knows.
func MayHold(s selector.Selector, l selector.Labels) bool { return holds(&s, l) > no }

// Uncertain reports whether nobody knows if labels satisfy a selector.
func Uncertain(s selector.Selector, l selector.Labels) bool { return holds(&s, l) == maybe }
