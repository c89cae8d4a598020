package object

import (
	"encoding/json"
	"slices"
	"strings"
)

// Unread is what is known of a policy whose rules are not evaluated: whom it may be about,
// and which verdicts it may turn.
type Unread struct {
	Why      string // one clause
	Selector string // the pointer of the selector of its pods; empty where nobody can tell
	Half     string // ingress or egress; empty for both
	// Everywhere: it is about all namespaces, or about addresses that policies of any may name.
	Everywhere bool
	// Restricts: it may deny what others allow, and never allows what they deny.
	Restricts bool
	// Adds: it is Kubernetes' own. It isolates pods and allows, and denies nothing that a
	// rule allows beside it.
	Adds bool
}

// Unread reports whether an object decides traffic in a way that is not evaluated, be it of
// a kind that is not modelled, not to be read, or written down twice, and what is known then.
func (o Object) Unread() (u Unread, is bool) {
	u.Everywhere = slices.Contains(everywhere[:], o.ID.Kind) ||
		slices.ContainsFunc([]string{"Cluster", "Global", "Admin"}, func(word string) bool { return strings.Contains(o.ID.Kind, word) })
	u.Adds = o.APIVersion == KubernetesAPI
	switch {
	case strings.HasPrefix(o.ID.Kind, "Staged"): // which Calico reports on, and enforces nothing of
		return u, false
	case o.Role == Unmodelled:
		u.Why = "decides in a way that is not modelled"
		of, known := otherOf(o.ID.Group, o.ID.Kind)
		if of.effect == gone {
			return u, false
		}
		if known {
			u.Selector, u.Half, u.Restricts = of.selects, of.half, of.effect == restricts
		} else {
			u.Selector = ownSelector(o)
		}
		if selects, _ := o.Value(u.Selector); u.Selector != "" && hasTemplate(selects) {
			u.Selector = ""
		}
		u.Everywhere = u.Everywhere || hasTemplate(o.ID.Namespace)
		if u.Restricts {
			u.Why = "may deny it behind the policies, in a way that is not modelled"
		}
		return u, true
	case o.Role != Policy:
		return u, false
	case o.Typed == nil:
		u.Why, u.Selector = "cannot be read", ownSelector(o)
		return u, true
	case o.Differs:
		u.Why = "is defined twice, and which definition runs is not known"
		return u, true
	}
	return u, false
}

// everywhere are kinds that have no namespace or reach beyond it, and do not say so by their names.
var everywhere = [...]string{
	"Tier", "NetworkSet", "HostEndpoint", "Profile", "SecurityGroup", "ServiceIntentions", "MeshTrafficPermission", "TrafficPermission",
}

// ownSelector tells where an unread policy that may be one of ours says whom it selects.
func ownSelector(o Object) string {
	switch {
	case o.APIVersion == KubernetesAPI:
		return "/spec/podSelector"
	case strings.HasSuffix(o.ID.Kind, "NetworkPolicy") && strings.HasPrefix(o.APIVersion, "projectcalico.org/"):
		return "/spec/selector"
	case o.ID.Kind == "ClusterNetworkPolicy":
		return "/spec/subject"
	}
	return ""
}

// hasTemplate reports whether a value holds a text that some program is to replace.
func hasTemplate(v any) bool {
	text, err := json.Marshal(v)
	return err == nil && mayBeSubstituted(text)
}
