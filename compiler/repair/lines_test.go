package repair_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis.dev/compiler/repair"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

const shop = `apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Namespace
metadata: {name: pay}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web, pod-template-hash: 5f6}}
---
apiVersion: v1
kind: Pod
metadata: {name: api, namespace: shop, labels: {app: api}}
---
apiVersion: v1
kind: Pod
metadata: {name: bare, namespace: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: card, namespace: pay, labels: {app: card, "no": "y"}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
`

// What a person is told to paste, in each kind of place.
func TestLines(t *testing.T) {
	t.Parallel()
	const own = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: web, namespace: shop}\nspec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Egress]}\n---\n"
	guard := func(end, rules string) string {
		return "apiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: guard}\nspec: {order: 10, defaultAction: " + end + "}\n---\n" +
			"apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: guard.all}\nspec: {tier: guard, order: 1, namespaceSelector: projectcalico.org/name == \"pay\", types: [Ingress], ingress: [" + rules + "]}\n---\n"
	}
	const closed = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: default-deny, namespace: pay}\nspec: {podSelector: {}, policyTypes: [Ingress]}\n---\n"
	const rule = `
  protocol: TCP
  source:
    namespaceSelector: projectcalico.org/name == 'shop'
    selector: projectcalico.org/orchestrator == 'k8s' && app == 'web'
  destination:
    namespaceSelector: projectcalico.org/name == 'pay'
    selector: projectcalico.org/orchestrator == 'k8s' && app == 'card' && no == 'y'
    ports:
    - 443
`
	tests := map[string]struct {
		policies  string
		from, to  string
		direction meaning.Direction
		protocol  meaning.Protocol
		want      string
	}{
		"a new policy": {"", "shop/web", "pay/card", meaning.Egress, meaning.TCP, `add this policy:
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: web-egress-to-card-tcp-443
  namespace: shop
spec:
  podSelector:
    matchLabels:
      app: web
  policyTypes:
  - Egress
  egress:
  - to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: pay
      podSelector:
        matchLabels:
          app: card
          "no": "y"
    ports:
    - protocol: TCP
      port: 443
`},
		"a rule of the workload's own policy": {own, "shop/web", "shop/api", meaning.Egress, meaning.TCP, `add to NetworkPolicy shop/web, at the end of /spec/egress:
- to:
  - podSelector:
      matchLabels:
        app: api
  ports:
  - protocol: TCP
    port: 443
`},
		"an address": {own, "shop/web", "192.0.2.7", meaning.Egress, meaning.UDP, `add to NetworkPolicy shop/web, at the end of /spec/egress:
- to:
  - ipBlock:
      cidr: 192.0.2.7/32
  ports:
  - protocol: UDP
    port: 443
`},
		"a control message": {own, "192.0.2.7", "shop/api", meaning.Ingress, meaning.ICMP, `add this policy:
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata:
  name: api-ingress-from-192-0-2-7-icmp-type-8
  namespace: shop
spec:
  order: 1001
  selector: projectcalico.org/orchestrator == 'k8s' && app == 'api'
  types:
  - Ingress
  ingress:
  - action: Allow
    protocol: ICMP
    icmp:
      type: 8
    source:
      nets:
      - 192.0.2.7/32
`},
		"ahead of a guardrail, where nothing below denies": {guard("Pass", "{action: Log}, {action: Deny}"), "shop/web", "pay/card", meaning.Ingress, meaning.TCP,
			"add to GlobalNetworkPolicy guard.all, before /spec/ingress/1:\n- action: Pass" + rule},
		"ahead of a guardrail, where the namespace denies too": {closed + guard("Pass", "{action: Deny}"), "shop/web", "pay/card", meaning.Ingress, meaning.TCP,
			"add to GlobalNetworkPolicy guard.all, before /spec/ingress/0:\n- action: Allow" + rule},
		"at the end of a tier that drops": {guard("Deny", "{action: Pass, protocol: UDP}"), "shop/web", "pay/card", meaning.Ingress, meaning.TCP,
			"add to GlobalNetworkPolicy guard.all, at the end of /spec/ingress:\n- action: Pass" + rule},
		"a pod without labels": {"", "shop/bare", "shop/api", meaning.Egress, meaning.TCP,
			"shop/bare has no labels of its own, so a rule that names it names every pod of its namespace; give it a label first"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects, found := object.Decode("shop.yaml", []byte(shop+test.policies))
			if len(found) > 0 {
				t.Fatal(found.Err())
			}
			set, _ := object.NewSet(objects)
			m, found := meaning.Of(set, object.DefaultCluster())
			if found.Failed() {
				t.Fatal(found.Err())
			}
			end := func(name string) meaning.Peer {
				for _, e := range m.Endpoints {
					if e.Ref() == name {
						return meaning.Pod(e)
					}
				}
				return meaning.Address(netip.MustParseAddr(name))
			}
			p := meaning.Packet{From: end(test.from), To: end(test.to), Protocol: test.protocol, Port: 443}
			if p.Protocol == meaning.ICMP {
				p.Port, p.Type = 0, 8
			}
			denied := m.WalkHalf(p, test.direction)
			if denied.Outcome != meaning.Denied {
				t.Fatalf("%s is %s", p, denied.Outcome)
			}
			r := repair.Of(m, p, test.direction, denied.By)
			if diff := cmp.Diff(test.want, r.Hint()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			near := test.to
			if test.direction == meaning.Egress {
				near = test.from
			}
			if r.Owner != near || !strings.Contains(r.Why+r.Hint(), near) {
				t.Errorf("the half of %s is said to be %s's: %s", near, r.Owner, r.Why)
			}
		})
	}
}
