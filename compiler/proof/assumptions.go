package proof

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
)

// Assumptions are what a proof takes for granted, in sentences, for whoever has to rely on it:
// what is none of these is proved. Of pods, service accounts and namespaces nothing is assumed
// but what a sentence says: they may be any that the API server takes.
type Assumptions []string

// always is assumed of every cluster: what no policy decides, and what no file says
// (see the package comment of policies/meaning).
var always = []string{
	"No policy, network set or host endpoint is in the cluster beside those of this bundle.",
	defaultFelix,
	"Nothing is said of traffic between a node and the pods on it, which policies do not stop.",
	"Nothing is said of connections that exist already, which outlive a change of policies.",
	"Source addresses reach the policies unchanged: nothing translates them on the way (SNAT).",
}

const defaultFelix = "Calico's own configuration (FelixConfiguration) is the default one."

// CarriedFelix replaces the assumption about Calico's configuration by one that a component brings
// it.
func (a Assumptions) CarriedFelix(names []string) Assumptions {
	a = slices.Clone(a)
	a[slices.Index(a, defaultFelix)] = fmt.Sprintf(
		"Calico's own configuration decides no packet otherwise than the default one does. A component carries it unjudged (FelixConfiguration %s), because the Platform names its kind.", strings.Join(names, ", "))
	return a
}

// AssumptionsOf lists the assumptions of the proof of a plan.
func AssumptionsOf(p *plan.Plan) Assumptions {
	c := p.Cluster
	assumptions := []string{
		fmt.Sprintf("Policies are Calico 3.%d's, stored %s.", c.CalicoMinor, map[object.APIForm]string{
			object.Aggregated: "through Calico's own API server", object.NativeCRD: "as custom resources of projectcalico.org/v3",
		}[c.API]),
		fmt.Sprintf("Names are resolved by the pods of namespace %s that carry %s, on port %d of UDP and TCP%s, as the Platform says.",
			c.DNS.Namespace, pairs(c.DNS.Labels), c.DNS.Port, nodeLocal(c.DNS.NodeLocal)),
		whereabouts(p),
	}
	if len(c.NodeCIDRs) > 0 {
		assumptions = append(assumptions, "Nodes have addresses of "+join(c.NodeCIDRs)+".")
	}
	assumptions = append(assumptions, "Namespaces that the Platform lists carry the labels that it gives them and, of the keys that it names anywhere, no other; all other labels of namespaces may be there or not.")
	for _, s := range []struct {
		kind string
		is   func(plan.Namespace) bool
	}{
		{"open, for they are the system's", func(n plan.Namespace) bool { return n.System }},
		{"open, for their policies are staged", func(n plan.Namespace) bool { return n.Staged && !n.Pattern }},
		{"open, for nothing governs them", func(n plan.Namespace) bool { return !n.Governed && !n.System && !n.Staged && !n.Pattern }},
	} {
		var names []string
		for _, n := range p.Namespaces {
			if s.is(n) {
				names = append(names, n.Name)
			}
		}
		if len(names) > 0 {
			assumptions = append(assumptions, fmt.Sprintf("These namespaces are %s: %s.", s.kind, strings.Join(names, ", ")))
		}
	}
	assumptions = append(assumptions, patterns(p)...)
	if !p.DenyUnknown {
		assumptions = append(assumptions, "Namespaces that nobody listed are open.")
	}
	return slices.Concat(assumptions, always)
}

// pairs writes labels as key=value in the sentence of an assumption.
func pairs(labels map[string]string) string {
	var all []string
	for _, k := range diag.SortedKeys(labels) {
		all = append(all, k+"="+labels[k])
	}
	return strings.Join(all, ",")
}

// nodeLocal adds to an assumption about DNS the addresses of caches on each node, if there are
// any.
func nodeLocal(addresses []netip.Addr) string {
	if len(addresses) == 0 {
		return ""
	}
	return " and by a cache of each node at " + join(addresses)
}

// whereabouts tells the assumption about which addresses pods have: see [plan.Plan.Whereabouts].
func whereabouts(p *plan.Plan) string {
	if known := p.Cluster.PodCIDRs; len(known) > 0 {
		return "Pods have addresses of " + join(known) + ", and nothing else has."
	}
	if pods, _ := p.Whereabouts(); pods.Equal(packet.EveryAddress()) {
		return "Pods may have any address, for the Platform does not say which they have."
	}
	return "Pods may have any address but those that lines, guardrails and tests name and those of DNS caches, Services and nodes, for the Platform does not say which they have."
}

// patterns tells the assumptions about namespaces that are made after a pattern.
func patterns(p *plan.Plan) []string {
	var all, closed []string
	for _, n := range p.Namespaces {
		if !n.Pattern {
			continue
		}
		all = append(all, n.Name)
		if !n.Open && !n.Staged {
			closed = append(closed, n.Name)
		}
	}
	var sentences []string
	if len(all) > 0 {
		sentences = append(sentences, "Namespaces whose names fit "+strings.Join(all, ", ")+" carry the labels that the Platform gives the pattern.")
	}
	if len(closed) > 0 {
		sentences = append(sentences, "What is built for each namespace whose name fits "+strings.Join(closed, ", ")+" is in the cluster too.")
	}
	return sentences
}

// join lists values by commas in the sentence of an assumption.
func join[T fmt.Stringer](all []T) string {
	words := make([]string, len(all))
	for i, v := range all {
		words[i] = v.String()
	}
	return strings.Join(words, ", ")
}
