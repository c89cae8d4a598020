package meaning

import (
	"fmt"
	"slices"
	"strings"
)

const (
	calicoSystem = "calico-system" // the namespace of most of the operator's components
	tigera       = "tigera-"       // with which Enterprise's namespaces begin
	everywhere   = 32              // the release from which every operator has the tier
)

// operator is what is known of the operator that keeps a cluster's Calico.
type operator struct {
	m    *Meaning
	tier string // its name, as far as the release or a manifest tells
	// named: a manifest names the tier, so that it is there whatever the release.
	named bool
	// shown are the namespaces for which policies of the tier are in sight.
	shown map[string]bool
}

// operatorOf finds out what is known of the operator that keeps a cluster's Calico: its tier, and
// the namespaces whose policies are in sight.
func (m *Meaning) operatorOf() *operator {
	o := operator{m: m, tier: operatorTiers[0], shown: map[string]bool{}}
	if m.Cluster.CalicoMinor >= everywhere {
		o.tier = operatorTiers[1]
	}
	for _, t := range m.Tiers {
		if !isOperatorTier(t.Name) {
			continue
		}
		if !o.named {
			o.tier, o.named = t.Name, true
		}
		for _, p := range t.Policies {
			if p.Enforced && p.ID.Namespace != "" {
				o.shown[p.ID.Namespace] = true
			}
		}
	}
	return &o
}

// keeps reports whether the operator has policies for all pods of a namespace.
func (o *operator) keeps(namespace string) bool {
	switch {
	case namespace == calicoSystem:
		return o.named || o.m.Cluster.CalicoMinor >= everywhere
	case namespace == "calico-apiserver":
		return o.named // other installations have that namespace too
	default:
		return strings.HasPrefix(namespace, tigera) && namespace != "tigera-operator" // which is on the hosts' network
	}
}

// serves reports whether a pod is one of the cluster's name service, of which the
// operator sees to it that its components reach it, and that it reaches others.
func (o *operator) serves(e *Endpoint) bool {
	_, shown := o.m.namespaces[calicoSystem]
	if !o.named && !(shown && o.m.Cluster.CalicoMinor >= everywhere) {
		return false
	}
	dns := o.m.Cluster.DNS
	if e.Namespace != dns.Namespace || len(dns.Labels) == 0 {
		return false
	}
	for key, value := range dns.Labels {
		if e.Labels[key] != value {
			return false
		}
	}
	return true
}

// concerns reports whether policies of the operator's that nobody shows may be about a pod.
func (o *operator) concerns(e *Endpoint) bool {
	return !e.HostNetwork && !o.shown[e.Namespace] && (o.keeps(e.Namespace) || o.serves(e))
}

// turns says that policies of the operator's, which nobody shows, may decide a half, if that
// is so: all of its components' from its tier on, and of the name service's what others deny.
func (o *operator) turns(f *flow, d Direction, walked Half) (Decision, bool) {
	at, peer := &f.to, &f.from
	if d == Egress {
		at, peer = peer, at
	}
	if at.pod == nil || walked.Outcome == Unknown {
		return Decision{}, false
	}
	if o.shown[at.pod.Namespace] || o.isBelow(walked.By) {
		return Decision{}, false
	}
	switch ofComponents := peer.anonymous || peer.pod != nil && o.keeps(peer.pod.Namespace); {
	case o.keeps(at.pod.Namespace):
	case walked.Outcome == Denied && o.serves(at.pod) && (d == Egress || ofComponents):
	default:
		return Decision{}, false
	}
	return Decision{Cause: Outside, Tier: o.tier,
		Reason: fmt.Sprintf("Calico's operator keeps policies for %s in tier %s, and they are not among the manifests", at.pod.Ref(), o.tier)}, true
}

// isBelow reports whether what decided was a tier that packets reach before the operator's.
func (o *operator) isBelow(by Decision) bool {
	tiers := o.m.Tiers
	i := slices.IndexFunc(tiers, func(t *Tier) bool { return t.Name == by.Tier })
	if i < 0 || by.Cause != ByRule && by.Cause != ByTierEnd {
		return false
	}
	own := &Tier{Name: o.tier, Order: operatorOrder, Defined: true}
	if j := slices.IndexFunc(tiers, func(t *Tier) bool { return t.Name == own.Name }); j >= 0 {
		own = tiers[j]
	}
	return compareTiers(tiers[i], own) < 0
}
