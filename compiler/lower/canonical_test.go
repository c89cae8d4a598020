package lower

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/object"
)

// TestRenderedTextIsEmittedText holds the two ways to one text: what is written
// into the tree, and what an object read back from it prints.
func TestRenderedTextIsEmittedText(t *testing.T) {
	t.Parallel()
	for _, e := range Lower(everyConstruct()) {
		id := e.Manifest.ID()
		objects, found := object.Decode("", e.Manifest.YAML())
		if found.Failed() || len(objects) != 1 {
			t.Errorf("%s does not read back: %v", id, found.Err())
			continue
		}
		text, err := objects[0].YAML()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(e.Manifest.YAML()), string(text)); diff != "" {
			t.Errorf("%s (-emitted +read back):\n%s", id, diff)
		}
	}
}

// everyConstruct is a plan that makes the lowering use all it has.
func everyConstruct() *plan.Plan {
	app := func(name string) object.Selector { return object.NewSelector(object.Equals("app", name)) }
	pods := func(namespace, name string) plan.End {
		return plan.End{Name: namespace + "/" + name, Pods: &plan.Pods{Namespace: namespace, Selector: app(name)}}
	}
	everybody := plan.End{Name: "*/*", Pods: &plan.Pods{}}
	tenants := plan.End{Name: "{tier in (a,b)}/*", Pods: &plan.Pods{Namespaces: object.NewSelector(
		object.Requirement{Key: "tier", Op: object.In, Values: []string{"a", "b"}},
		object.Requirement{Key: "old", Op: object.DoesNotExist})}}
	outside := plan.End{Name: "@outside", Peer: "outside", Blocks: []plan.Block{
		{CIDR: netip.MustParsePrefix("192.168.0.0/16"), Except: []netip.Prefix{netip.MustParsePrefix("192.168.7.0/24")}},
		{CIDR: netip.MustParsePrefix("fd00::/8")},
	}}
	nameless := outside
	nameless.Peer, nameless.Name = "", "192.168.0.0/16 and others"
	cluster := object.DefaultCluster()
	cluster.DNS.NodeLocal = []netip.Addr{netip.MustParseAddr("169.254.20.10"), netip.MustParseAddr("fd00::a")}
	labels := func(name string) map[string]string { return map[string]string{plan.NamespaceLabel: name, "tier": "a"} }
	return &plan.Plan{
		Environment: "default", Targets: Names(), Cluster: cluster, DenyUnknown: true, Stages: plan.DefaultStages(),
		Namespaces: []plan.Namespace{
			{Name: "kube-system", System: true, Labels: labels("kube-system")},
			{Name: "quiet", Governed: true, Labels: labels("quiet")},
			{Name: "shop", Owner: "team-shop", Governed: true, Labels: labels("shop")},
		},
		Workloads: []plan.Workload{
			{Namespace: "quiet", Name: "vault", Selector: app("vault")},
			{Namespace: "shop", Name: "cart", Owner: "team-cart", Selector: app("cart"), DNS: true},
			{Namespace: "shop", Name: "web", Selector: app("web"), DNS: true},
		},
		Flows: []plan.Flow{
			{From: pods("shop", "web"), To: pods("shop", "cart"), Ports: []plan.Port{{Protocol: plan.TCP, First: 80, Last: 80}, {Protocol: plan.UDP, First: 5000, Last: 5010}},
				Origins: []plan.Origin{{Why: "carts: ${HOME} # of people", Ticket: "NET-1"}}},
			{From: tenants, To: pods("shop", "web"), Ports: plan.Everything},
			{From: everybody, To: pods("quiet", "vault"), Ports: []plan.Port{{Protocol: plan.SCTP, First: 3868, Last: 3868}}},
			{From: pods("shop", "cart"), To: outside, Ports: []plan.Port{{Protocol: plan.TCP, First: 443, Last: 443}}},
		},
		Guardrails: []plan.Guardrail{
			{Name: "apart", From: &tenants, To: &everybody, Unless: []plan.End{pods("shop", "cart"), tenants}},
			{Name: "no-outside", To: &outside, Ports: []plan.Port{{Protocol: plan.TCP, First: 80, Last: 90}, {Protocol: plan.UDP, First: 53, Last: 53}}},
			{Name: "no-inside", From: &nameless},
		},
	}
}
