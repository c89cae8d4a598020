package proof

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Statement says what a proof is about, and what it takes for granted: for whoever has
// to rely on it.
type Statement struct {
	Flows       int // lines of intents and of the Platform, as far as they concern the environment
	Guardrails  int
	Quarantines int
	Tests       int
	Assumptions []string // sentences; what is none of these is proved
}

// always is assumed of every cluster: what no policy decides, and what no file says
// (see the package comment of policies/meaning).
var always = []string{
	"No policy is in the cluster beside those of this bundle.",
	"Pods that nothing describes wear the labels of at most two selectors.",
	"Nothing is said of traffic between a node and the pods on it, which policies do not stop.",
	"Nothing is said of connections that exist already, which outlive a change of policies.",
	"Source addresses reach the policies unchanged: nothing translates them on the way (SNAT).",
}

// StatementOf is what the proof of a plan is about.
func StatementOf(p *plan.Plan) Statement {
	c := p.Cluster
	assumptions := []string{
		fmt.Sprintf("Policies are Calico 3.%d's, stored %s.", c.CalicoMinor, map[object.APIForm]string{
			object.Aggregated: "through Calico's own API server", object.NativeCRD: "as custom resources of projectcalico.org/v3",
		}[c.API]),
		fmt.Sprintf("Names are resolved by the pods of namespace %s that carry %s, on port %d of UDP and TCP%s, as the Platform says.",
			c.DNS.Namespace, pairs(c.DNS.Labels), c.DNS.Port, nodeLocal(c.DNS.NodeLocal)),
		whereabouts("Pods", c.PodCIDRs),
		whereabouts("Nodes", c.NodeCIDRs),
	}
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
	if !p.DenyUnknown {
		assumptions = append(assumptions, "Namespaces that nobody listed are open.")
	}
	return Statement{
		Flows: len(p.Flows), Guardrails: len(p.Guardrails), Quarantines: len(p.Quarantine), Tests: len(p.Tests),
		Assumptions: slices.Concat(assumptions, always),
	}
}

func pairs(labels map[string]string) string {
	var all []string
	for _, k := range diag.SortedKeys(labels) {
		all = append(all, k+"="+labels[k])
	}
	return strings.Join(all, ",")
}

func nodeLocal(addresses []netip.Addr) string {
	if len(addresses) == 0 {
		return ""
	}
	return " and by a cache of each node at " + join(addresses)
}

func whereabouts(who string, known []netip.Prefix) string {
	if len(known) == 0 {
		return who + " have none of the addresses that lines name; the Platform does not say which they have."
	}
	return who + " have addresses of " + join(known) + "."
}

func join[T fmt.Stringer](all []T) string {
	words := make([]string, len(all))
	for i, v := range all {
		words[i] = v.String()
	}
	return strings.Join(words, ", ")
}
