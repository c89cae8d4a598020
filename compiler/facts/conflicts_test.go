package facts_test

import (
	"strings"
	"testing"

	"portcullis.dev/compiler/plan"
)

const (
	allowWeb = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: allow-web, namespace: shop}
spec: {podSelector: {matchLabels: {app: api}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 8080}]}]}
---
`
	securityTier = "apiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: security}\nspec: {order: 100}\n---\n"
	passTier     = "apiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: security}\nspec: {order: 100, defaultAction: Pass}\n---\n"
)

func global(name, spec string) string {
	return "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: " + name + "}\nspec: {namespaceSelector: \"projectcalico.org/name == 'shop'\", types: [Ingress], " + spec + "}\n---\n"
}

func TestConflicts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, manifests string
		want            []string // kind first second
	}{
		{"a catch-all deny before the allow", global("deny", "order: 100, ingress: [{action: Deny}]") + allowWeb,
			[]string{"dead-allow deny/spec/ingress/0 allow-web/spec/ingress/0 TCP 8080"}},
		{"a deny without rules", global("deny", "order: 100") + allowWeb, nil},
		{"a deny after the allow", global("deny", "order: 2000, ingress: [{action: Deny}]") + allowWeb, nil},
		{"a deny of a part", global("deny", "order: 100, ingress: [{action: Deny, source: {selector: app == 'db'}}]") + allowWeb, nil},
		{"a deny of the port", global("deny", "order: 100, ingress: [{action: Deny, protocol: TCP, destination: {ports: ['8000:9000']}}]") + allowWeb,
			[]string{"dead-allow deny/spec/ingress/0 allow-web/spec/ingress/0 TCP 8080"}},
		{"a deny of the other protocol", global("deny", "order: 100, ingress: [{action: Deny, protocol: UDP}]") + allowWeb, nil},
		{"an allow before the guardrail", global("allow", "order: 1, ingress: [{action: Allow}]") + global("block", "order: 500, ingress: [{action: Deny, source: {nets: [192.0.2.0/24]}}]"),
			[]string{"dead-deny allow/spec/ingress/0 block/spec/ingress/0"}},
		{"a guardrail before the allow", global("allow", "order: 500, ingress: [{action: Allow}]") + global("block", "order: 1, ingress: [{action: Deny, source: {nets: [192.0.2.0/24]}}]"), nil},
		{"equal orders", global("a-allow", "order: 50, ingress: [{action: Allow, source: {nets: [192.0.2.0/24]}}]") + global("b-deny", "order: 50, ingress: [{action: Deny}]"),
			[]string{"tie a-allow/spec/ingress/0 b-deny/spec/ingress/0"}},
		{"equal orders, disjoint packets", global("a-allow", "order: 50, ingress: [{action: Allow, source: {nets: [192.0.2.0/24]}}]") +
			global("b-deny", "order: 50, ingress: [{action: Deny, source: {nets: [198.51.100.0/24]}}]"), nil},
		{"order 1000 against a Kubernetes policy", global("deny", "order: 1000, ingress: [{action: Deny, source: {selector: app == 'web'}}]") + allowWeb,
			[]string{"tie deny/spec/ingress/0 allow-web/spec/ingress/0 TCP 8080"}},
		{"a tier that ends in Deny", securityTier + global("security.block", "tier: security, order: 1, ingress: [{action: Deny, source: {nets: [192.0.2.0/24]}}]") + allowWeb,
			[]string{"tier-end security.block allow-web/spec/ingress/0 TCP 8080"}},
		{"a tier that ends in Pass", passTier + global("security.block", "tier: security, order: 1, ingress: [{action: Deny, source: {nets: [192.0.2.0/24]}}]") + allowWeb, nil},
		{"a tier with a Pass rule", securityTier + global("security.block", "tier: security, order: 1, ingress: [{action: Deny, source: {nets: [192.0.2.0/24]}}, {action: Pass}]") +
			allowWeb + global("deny", "order: 2000"), nil},
		{"a dead ping", global("deny", "order: 100, ingress: [{action: Deny, protocol: ICMP}]") + global("ping", "order: 200, ingress: [{action: Allow, protocol: ICMP, icmp: {type: 8}}]"),
			[]string{"dead-allow deny/spec/ingress/0 ping/spec/ingress/0"}},
		{"a pass to nothing", securityTier + global("security.pass", "tier: security, order: 1, ingress: [{action: Pass}]"),
			[]string{"pass-to-nothing security.pass/spec/ingress/0 "}},
		{"a deny of all ports but one, before an allow of that", global("deny", "order: 100, ingress: [{action: Deny, protocol: TCP, destination: {notPorts: [8050]}}]") +
			global("allow", "order: 200, ingress: [{action: Allow, protocol: TCP, destination: {ports: ['8000:8100']}}]"), nil},
		{"a deny of all messages but one", global("deny", "order: 100, ingress: [{action: Deny, protocol: ICMP, notICMP: {type: 8}}]") +
			global("ping", "order: 200, ingress: [{action: Allow, protocol: ICMP}]"), nil},
		{"two denies that leave nothing over", global("a-low", "order: 100, ingress: [{action: Deny, protocol: TCP, destination: {ports: ['1:8050']}}]") +
			global("b-high", "order: 101, ingress: [{action: Deny, protocol: TCP, destination: {ports: ['8051:65535']}}]") +
			global("c-allow", "order: 200, ingress: [{action: Allow, protocol: TCP, destination: {ports: ['8000:8100']}}]"),
			[]string{"dead-allow a-low/spec/ingress/0 c-allow/spec/ingress/0"}},
		{"a pass before a deny of the same tier, above an allow", securityTier +
			global("security.deny", "tier: security, order: 2, ingress: [{action: Pass, source: {selector: app == 'web'}}, {action: Deny, source: {selector: has(app)}}, {action: Pass}]") +
			allowWeb + global("deny", "order: 2000"), nil},
		{"a pass that takes a deny's packets", securityTier + global("security.a", "tier: security, order: 1, ingress: [{action: Pass}]") +
			global("security.b", "tier: security, order: 2, ingress: [{action: Deny, source: {nets: [192.0.2.0/24]}}]") + global("allow", "order: 10, ingress: [{action: Allow}]"),
			[]string{"passed-deny security.a/spec/ingress/0 security.b/spec/ingress/0"}},
		{"pods that nobody knows", global("deny", "order: 100, selector: app == 'ghost', ingress: [{action: Deny}]") +
			global("allow", "order: 200, selector: app == 'ghost', ingress: [{action: Allow, protocol: TCP, destination: {ports: [8080]}}]"),
			[]string{"dead-allow deny/spec/ingress/0 allow/spec/ingress/0 TCP 8080"}},
		{"dead for pods that nobody knows, and alive for others", global("deny", "order: 100, selector: app == 'ghost', ingress: [{action: Deny}]") +
			global("allow", "order: 200, ingress: [{action: Allow, protocol: TCP, destination: {ports: [8080]}}]"), nil},
		{"equal orders for pods that nobody knows", global("a-allow", "order: 50, selector: app == 'ghost', ingress: [{action: Allow}]") +
			global("b-deny", "order: 50, selector: role == 'spirit', ingress: [{action: Deny, source: {nets: [192.0.2.0/24]}}]"),
			[]string{"tie a-allow/spec/ingress/0 b-deny/spec/ingress/0"}},
		{"equal orders that meet nowhere", global("a-allow", "order: 50, selector: app == 'ghost', ingress: [{action: Allow}]") +
			global("b-deny", "order: 50, selector: app != 'ghost', ingress: [{action: Deny, source: {nets: [192.0.2.0/24]}}]"), nil},
		{"a staged deny", strings.Replace(global("deny", "order: 100, ingress: [{action: Deny}]"), "kind: Global", "kind: StagedGlobal", 1) + allowWeb, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := world("shop", "kube-system")
			p.Cluster.CalicoMinor = 31
			p.Workloads = []plan.Workload{workload("shop", "api"), workload("shop", "web")}
			found := ask(t, p, c.manifests)[""].Conflicts
			if len(found) != len(c.want) {
				t.Fatalf("found %+v, expected %q", found, c.want)
			}
			for i, f := range found {
				got := f.Kind + " " + f.First.Object.Name + f.First.Pointer + " " + f.Second.Object.Name + f.Second.Pointer
				want, packet, _ := strings.Cut(c.want[i], " TCP ")
				if got != want || !strings.HasSuffix(f.Packet, packet) || f.Endpoint == "" || f.Packet == "" {
					t.Errorf("found %+v, expected %s", f, c.want[i])
				}
			}
		})
	}
}
