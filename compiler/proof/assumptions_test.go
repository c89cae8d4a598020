package proof

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/object"
)

// Each sentence stands where it is assumed, and nowhere else.
func TestAssumptions(t *testing.T) {
	t.Parallel()
	const (
		inside   = "Pods have addresses of 10.244.0.0/16, and nothing else has."
		anywhere = "Pods may have any address, for the Platform does not say which they have."
		unnamed  = "Pods may have any address but those that lines, guardrails and tests name and those of DNS caches, Services and nodes, for the Platform does not say which they have."
		nodes    = "Nodes have addresses of 172.18.0.0/16."
		labels   = "Namespaces whose names fit old-*, pr-* carry the labels that the Platform gives the pattern."
		built    = "What is built for each namespace whose name fits pr-* is in the cluster too."
		open     = "Namespaces that nobody listed are open."
	)
	always := []string{
		"No policy, network set or host endpoint is in the cluster beside those of this bundle.",
		"Namespaces that the Platform lists carry the labels that it gives them and, of the keys that it names anywhere, no other; all other labels of namespaces may be there or not.",
	}
	partner := plan.Flow{
		To:      plan.End{Blocks: []plan.Block{{CIDR: netip.MustParsePrefix("192.0.2.0/24")}}},
		Origins: []plan.Origin{{Why: "orders"}},
	}
	for _, c := range []struct {
		name    string
		change  func(*plan.Plan)
		assumes []string
	}{
		{"nothing is said", func(*plan.Plan) {}, []string{anywhere, open}},
		{"a line names addresses", func(p *plan.Plan) { p.Flows = []plan.Flow{partner} }, []string{unnamed, open}},
		{"pods' addresses are known", func(p *plan.Plan) {
			p.Flows = []plan.Flow{partner}
			p.Cluster.PodCIDRs = []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")}
		}, []string{inside, open}},
		{"nodes' addresses are known", func(p *plan.Plan) {
			p.Cluster.NodeCIDRs = []netip.Prefix{netip.MustParsePrefix("172.18.0.0/16")}
		}, []string{anywhere, nodes, open}},
		{"unknown namespaces are closed", func(p *plan.Plan) { p.DenyUnknown = true }, []string{anywhere}},
		{"patterns", func(p *plan.Plan) {
			p.Namespaces = []plan.Namespace{{Name: "old-*", Pattern: true, Open: true}, {Name: "pr-*", Pattern: true}, {Name: "shop", Governed: true}}
		}, []string{anywhere, labels, built, open}},
	} {
		p := &plan.Plan{Cluster: object.DefaultCluster()}
		c.change(p)
		got := AssumptionsOf(p)
		for _, sentence := range append(slices.Clone(always), inside, anywhere, unnamed, nodes, labels, built, open) {
			wanted := slices.Contains(always, sentence) || slices.Contains(c.assumes, sentence)
			if slices.Contains(got, sentence) != wanted {
				t.Errorf("%s: %q is assumed: %v; the assumptions are\n%s", c.name, sentence, !wanted, strings.Join(got, "\n"))
			}
		}
	}
}
