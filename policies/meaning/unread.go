package meaning

import (
	"encoding/json"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/policies/object"
	"portcullis.dev/policies/selector"
)

// Unread is a policy whose rules nobody evaluates: Walk leaves it out, and Follow calls unknown
// what it may turn.
type Unread struct {
	object.Unread
	ID     object.ID // zero for a text of which nobody knows what it holds
	Reason string    // one clause: which it is, where it is written, and why it is not evaluated

	namespace string             // of the pods that it is about; empty for any
	pods      *selector.Selector // nil for all
	hosts     bool               // it may be about nodes as well
}

// UnreadAt stands for whatever an unread text may hold that stands at a place, in a namespace, or
// in any.
func UnreadAt(place, namespace string) *Unread {
	return &Unread{Reason: fmt.Sprintf("what stands at %s cannot be read, and may decide it", place), namespace: namespace, hosts: namespace == ""}
}

// Selects reports whether an unread policy may be about what a pod does with packets of a
// direction.
func (u *Unread) Selects(e *Endpoint, d Direction) bool {
	return !e.HostNetwork && u.governs(d) && (u.namespace == "" || u.namespace == e.Namespace) && (u.pods == nil || MayHold(*u.pods, e))
}

// InNamespace reports whether an unread policy may be about pods of a namespace.
func (u *Unread) InNamespace(name string) bool { return u.namespace == "" || u.namespace == name }

// governs reports whether an unread policy may be about packets of a direction.
func (u *Unread) governs(d Direction) bool { return u.Half == "" || u.Half == d.String() }

// unreadOf finds what is known of an object that nobody evaluates, if it decides anything.
func unreadOf(o object.Object, cluster object.Cluster) *Unread {
	known, is := o.Unread()
	if !is {
		return nil
	}
	if of, admin := adminPolicies[o.ID.Kind]; admin && o.ID.Group == adminGroup && !of.inForce(cluster.CalicoMinor) {
		return nil
	}
	u := &Unread{Unread: known, ID: o.ID, namespace: o.ID.Namespace}
	if u.namespace == "" && !known.Everywhere {
		u.namespace = "default" // as for all that names none
	}
	if known.Everywhere || o.ID.Group == "security.istio.io" && u.namespace == "istio-system" {
		u.namespace = "" // Istio takes what stands in its own namespace for the whole mesh
	}
	u.hosts = u.namespace == "" && !known.Restricts && o.ID.Group != adminGroup
	where := ""
	if o.File != "" {
		where = " (" + o.File + ")"
	}
	verb := " may decide it, and "
	if known.Restricts {
		verb = " "
	}
	u.Reason = o.ID.String() + where + verb + known.Why
	u.pods = selectorOf(o, known.Selector)
	return u
}

// selectorOf reads the selector at a place of an unread object; nil where others beside it count
// as well.
func selectorOf(o object.Object, pointer string) *selector.Selector {
	if pointer == "" {
		return nil
	}
	values := o.Values()
	for _, more := range [...]string{"/specs", "/spec/serviceAccountSelector", "/spec/nodeSelector", "/spec/targetRef", "/spec/targetRefs"} {
		if _, there := values.At(more); there {
			return nil
		}
	}
	value, there := values.At(pointer)
	if s, ok := selectorIn(value); there && ok {
		return &s
	}
	return nil
}

// selectorIn reads an unread policy's selector in whichever of the usual forms it is written:
// Calico's text, label selectors, and the subject of policies of the cluster.
func selectorIn(value any) (s selector.Selector, ok bool) {
	switch v := value.(type) {
	case string:
		s, err := selector.Parse(v)
		return s, err == nil && !s.Uses(selector.OpGlobal)
	case map[string]any:
		if namespaces, is := v["namespaces"]; is && len(v) == 1 {
			s, ok = selectorIn(namespaces)
			return s.Prefixed(namespacePrefix), ok
		}
		if pods, is := v["pods"].(map[string]any); is && len(v) == 1 {
			own, ok := selectorIn(orEmpty(pods["podSelector"]))
			namespaces, valid := selectorIn(orEmpty(pods["namespaceSelector"]))
			return selector.And(own, namespaces.Prefixed(namespacePrefix)), ok && valid
		}
		return labelSelectorIn(v)
	}
	return s, false
}

// orEmpty takes a selector that an unread policy leaves out for one that asks nothing.
func orEmpty(value any) any {
	if value == nil {
		return map[string]any{}
	}
	return value
}

// labelSelectorIn reads an unread policy's label selector. Cilium writes where a label comes from
// before its key; what goes by other things than the pods' own labels is not looked at.
func labelSelectorIn(v map[string]any) (s selector.Selector, ok bool) {
	raw, err := json.Marshal(v)
	if err != nil {
		return s, false
	}
	var ls metav1.LabelSelector
	if json.Unmarshal(raw, &ls) != nil {
		return s, false
	}
	for key := range v {
		if key != "matchLabels" && key != "matchExpressions" {
			return s, false
		}
	}
	own := metav1.LabelSelector{MatchLabels: map[string]string{}}
	for key, value := range ls.MatchLabels {
		own.MatchLabels[ownKey(key)] = value
	}
	for _, r := range ls.MatchExpressions {
		r.Key = ownKey(r.Key)
		own.MatchExpressions = append(own.MatchExpressions, r)
	}
	s, err = selector.FromKubernetes(&own)
	if text := s.String(); strings.Contains(text, ":") || strings.Contains(text, "io.kubernetes.") || strings.Contains(text, "io.cilium.") {
		return s, false
	}
	return s, err == nil
}

// ownKey cuts off a label's key what Cilium writes before it for the pods' own labels.
func ownKey(key string) string {
	for _, source := range [...]string{"k8s:", "any:"} {
		if rest, is := strings.CutPrefix(key, source); is {
			return rest
		}
	}
	return key
}
