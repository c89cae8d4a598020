package proof_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/compiler/proof"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

// closed is the default deny and the way to DNS of namespace shop, as they are emitted.
const closed = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: dns, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
    - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}, podSelector: {matchLabels: {k8s-app: kube-dns}}}]
      ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]
`

// opened lets web send to 192.0.2.0/24 on TCP 443.
const opened = closed + `---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: allow-web, namespace: shop}
spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 192.0.2.0/24}}], ports: [{port: 443}]}]}
`

// global is a policy of Calico's over pods of all namespaces.
func global(spec string) string {
	return "---\napiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: global}\nspec: {" + spec + "}\n"
}

// TestProve holds what a plan of one flow, from web to an office, makes of policies that
// it was not lowered to. What is found is told in words; each is one mistake.
func TestProve(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		plan     func(*plan.Plan)
		policies string
		want     []string
	}{
		{name: "as it was meant", policies: opened},
		{name: "nothing at all", policies: "apiVersion: v1\nkind: Namespace\nmetadata: {name: nothing}\n", want: []string{
			"PC304 any traffic from shop/web to shop/web is let out, and no line asks for it",
			"PC304 any traffic from shop/web to shop/web is let in, and no line asks for it",
		}},
		{name: "the flow alone is missing", policies: closed, want: []string{
			"PC303 TCP 443 from shop/web to 192.0.2.0/24 is not let out, and this line asks for it",
		}},
		{name: "a port by its name, which a pod may give to any", policies: opened + `---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: named, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {}}], ports: [{port: debug}]}]}
`, want: []string{
			"PC304 TCP from shop/web to shop/web with a port debug/TCP is let in, and no line asks for it",
		}},
		{name: "a Deny in the way of an address", policies: opened + global(`order: 10, namespaceSelector: "projectcalico.org/name == 'shop'", types: [Egress], egress: [{action: Deny, destination: {nets: [192.0.2.7/32]}}, {action: Allow, protocol: UDP, destination: {ports: [123]}}]`), want: []string{
			"PC303 TCP 443 from shop/web to 192.0.2.7 is not let out, and this line asks for it",
			"PC304 UDP 123 from shop/web to pods of any namespace but shop is let out, and no line asks for it",
		}},
		{name: "a Deny for pods with one more label", policies: opened + global(`order: 10, namespaceSelector: "projectcalico.org/name == 'shop'", selector: has(canary), types: [Egress], egress: [{action: Deny, protocol: TCP, destination: {ports: [443]}}]`), want: []string{
			"PC303 TCP 443 from pods of shop with a label canary and app=web to 192.0.2.0/24 is not let out, and this line asks for it",
		}},
		{name: "a Deny for one service account, and an Allow for all but one", policies: opened + global(`order: 10, namespaceSelector: "projectcalico.org/name == 'shop'", types: [Egress], egress: [{action: Deny, protocol: TCP, source: {serviceAccounts: {names: [ci]}}, destination: {ports: [443]}}, {action: Allow, protocol: UDP, source: {selector: "projectcalico.org/serviceaccount != 'default'"}, destination: {ports: [123]}}]`), want: []string{
			"PC303 TCP 443 from shop/web with service account ci to 192.0.2.0/24 is not let out, and this line asks for it",
			"PC304 UDP 123 from shop/web with a service account other than default to pods of any namespace but shop is let out, and no line asks for it",
		}},
		{name: "a Deny for hosts that pods may come to be taken for", policies: opened + global(`order: 10, selector: has(host), types: [Egress], egress: [{action: Deny, protocol: TCP, destination: {ports: [443]}}]`) + `---
apiVersion: projectcalico.org/v3
kind: HostEndpoint
metadata: {name: one, labels: {host: one}}
spec: {node: one, interfaceName: eth0, expectedIPs: [172.18.0.4]}
`, want: []string{
			"PC303 TCP 443 from pods of shop with a label host and app=web to 192.0.2.0/24 is not let out, and this line asks for it",
		}},
		{name: "a Deny for what is no pod", policies: opened + global(`order: 10, selector: "has(host) && !has(projectcalico.org/orchestrator)", types: [Egress], egress: [{action: Deny, protocol: TCP, destination: {ports: [443]}}]`)},
		{name: "a default deny in two parts, with a hole where both end", policies: strings.Replace(opened, "podSelector: {}, policyTypes: [Ingress, Egress]", "podSelector: {matchExpressions: [{key: old, operator: DoesNotExist}]}, policyTypes: [Ingress, Egress]", 1) + `---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: rest, namespace: shop}
spec: {podSelector: {matchExpressions: [{key: new, operator: DoesNotExist}]}, policyTypes: [Ingress, Egress]}
`, want: []string{
			"PC304 any traffic from pods of any namespace but shop with app=web to pods of shop with a label old and a label new is let in, and no line asks for it",
		}},
		{name: "DNS pods that are cut off", policies: opened + global(`order: 2000, namespaceSelector: has(projectcalico.org/name), types: [Ingress, Egress]`), want: []string{
			"PC303 UDP 53 from shop/web to pods of kube-system with k8s-app=kube-dns is not let in, and without it no name is resolved",
			"PC306 the DNS pod kube-system/dns reaches no server outside on UDP and TCP 53",
		}},
		{name: "DNS pods in quarantine", plan: func(p *plan.Plan) {
			p.Quarantine = []plan.Quarantined{{End: plan.End{Name: "kube-system/*", Pods: &plan.Pods{Namespace: "kube-system"}}}}
		}, policies: opened + global(`order: 1, namespaceSelector: "projectcalico.org/name == 'kube-system'", types: [Ingress, Egress], ingress: [{action: Deny}], egress: [{action: Deny}]`)},
		{name: "a quarantine without its Deny", plan: func(p *plan.Plan) {
			p.Quarantine = []plan.Quarantined{{End: plan.End{Name: "shop/web", Pods: web}}}
		}, policies: opened, want: []string{
			"PC305 shop/web -> kube-system/k8s-app=kube-dns UDP 53 is allowed, and the quarantine of shop/web forbids it",
		}},
		{name: "a guardrail that nothing enforces", plan: func(p *plan.Plan) {
			p.Guardrails = []plan.Guardrail{{Name: "no-telnet", Ports: []plan.Port{{Protocol: plan.TCP, First: 23, Last: 23}}}}
		}, policies: opened, want: []string{
			"PC305 kube-system/* -> old/* TCP 23 is allowed, and guardrail no-telnet forbids it",
		}},
		{name: "a guardrail where there is no Calico", plan: func(p *plan.Plan) {
			p.Targets = []string{"kubernetes"}
			p.Guardrails = []plan.Guardrail{{Name: "no-telnet", Ports: []plan.Port{{Protocol: plan.TCP, First: 23, Last: 23}}}}
		}, policies: opened},
		{name: "a namespace that nobody listed", plan: func(p *plan.Plan) { p.DenyUnknown = true }, policies: opened, want: []string{
			"PC304 any traffic but TCP 53; UDP 53 from pods of any namespace but kube-system, old, shop to pods of kube-system with k8s-app=kube-dns is let out, and no line asks for it",
			"PC304 any traffic from pods of any namespace but shop with app=web to pods of any namespace but kube-system, old, shop is let in, and no line asks for it",
		}},
		{name: "pods that nobody governs", policies: opened + global(`order: 2000, namespaceSelector: "projectcalico.org/name == 'old'", types: [Ingress]`), want: []string{
			"PC307 any traffic from pods of any namespace but shop to pods of old is not let in, and nobody governs those pods",
		}},
		{name: "a policy of ours in a namespace that nobody governs", policies: opened + `---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: own, namespace: old}
spec: {podSelector: {}, policyTypes: [Ingress]}
`, want: []string{
			"PC307 any traffic from pods of any namespace but shop to pods of old is not let in, and nobody governs those pods",
		}},
		{name: "a broken test", plan: func(p *plan.Plan) {
			p.Tests = []plan.Test{{From: office(), To: plan.End{Name: "shop/web", Pods: web}, Allow: true, Ports: p.Flows[0].Ports}}
		}, policies: opened, want: []string{
			"PC301 192.0.2.1 -> shop/web TCP 443 is denied, and the test expects allow",
		}},
		{name: "a test of pods that may come to wear a label for quarantine", plan: func(p *plan.Plan) {
			infected := &plan.Pods{Namespace: "shop", Selector: object.NewSelector(object.Equals("infected", "true"))}
			p.Quarantine = []plan.Quarantined{{End: plan.End{Name: "shop/infected", Pods: infected}}}
			p.Tests = []plan.Test{{From: p.Flows[0].From, To: office(), Allow: true, Ports: p.Flows[0].Ports}}
		}, policies: opened + global(`order: 1, namespaceSelector: "projectcalico.org/name == 'shop'", selector: infected == 'true', types: [Ingress, Egress], ingress: [{action: Deny}], egress: [{action: Deny}]`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := aPlan()
			if c.plan != nil {
				c.plan(p)
			}
			objects, found := object.Decode("policies.yaml", []byte(c.policies))
			if len(found) > 0 {
				t.Fatal(found.Err())
			}
			set, _ := object.NewSet(objects)
			m, found := meaning.Of(set, p.Assumed()[0])
			if len(found) > 0 {
				t.Fatal(found.Err())
			}
			var got []string
			for _, d := range proof.Prove(p, population.RelationOf(p, m), population.Of(p, set).Planned) {
				got = append(got, d.Rule.Code+" "+d.Message)
				if d.Why == "" || d.Hint == "" {
					t.Errorf("%s tells neither why nor what to do", d.Message)
				}
			}
			if diff := cmp.Diff(strings.Join(c.want, "\n"), strings.Join(got, "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

var web = &plan.Pods{Namespace: "shop", Selector: object.NewSelector(object.Equals("app", "web"))}

func office() plan.End {
	return plan.End{Name: "192.0.2.0/24", Blocks: []plan.Block{{CIDR: netip.MustParsePrefix("192.0.2.0/24")}}}
}

func aPlan() *plan.Plan {
	cluster := object.DefaultCluster()
	cluster.System = []string{"kube-system"}
	namespace := func(name string, governed bool) plan.Namespace {
		return plan.Namespace{Name: name, Governed: governed, System: name == "kube-system", Labels: map[string]string{plan.NamespaceLabel: name}}
	}
	return &plan.Plan{
		Environment: "default", Targets: []string{"kubernetes", "calico"}, Cluster: cluster, Stages: plan.DefaultStages(),
		Namespaces: []plan.Namespace{namespace("kube-system", false), namespace("old", false), namespace("shop", true)},
		Workloads:  []plan.Workload{{Namespace: "shop", Name: "web", Selector: web.Selector, DNS: true}},
		Flows: []plan.Flow{{
			From: plan.End{Name: "shop/web", Pods: web}, To: office(),
			Ports: []plan.Port{{Protocol: plan.TCP, First: 443, Last: 443}}, Origins: []plan.Origin{{Span: diag.Span{File: "web.yaml"}, Intent: "shop/web"}},
		}},
	}
}
