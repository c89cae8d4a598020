package meaning_test

import (
	"fmt"
	"net/netip"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
)

// What is meant is web to api on port 8080, and api to a partner. What is written opens
// port 8081 as well, and forgets the partner.
func ExampleEvaluate() {
	objects, _ := object.Decode("shop.yaml", []byte(`
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {metadata: {labels: {app: web}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec: {template: {metadata: {labels: {app: api}}}}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: deny-all}
spec: {namespaceSelector: has(projectcalico.org/name), types: [Ingress, Egress]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {app: api}}}], ports: [{port: 8080, endPort: 8081}]}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: api, namespace: shop}
spec: {podSelector: {matchLabels: {app: api}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 8080, endPort: 8081}]}]}
`))
	set, _ := object.NewSet(objects)
	cluster := object.DefaultCluster()
	cluster.PodCIDRs = []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")}
	m, _ := meaning.Of(set, cluster)

	var atoms meaning.Atoms
	web := atoms.Pods("shop", nil, object.NewSelector(object.Equals("app", "web")))
	api := atoms.Pods("shop", nil, object.NewSelector(object.Equals("app", "api")))
	partner := atoms.Addresses(packet.AddressesOf(netip.MustParsePrefix("192.0.2.0/24")))
	flows := []meaning.Flow{
		{From: web, To: api, Traffic: packet.Ports(packet.TCP, 8080, 8080)},
		{From: api, To: partner, Traffic: packet.Ports(packet.TCP, 443, 443)},
	}
	r := meaning.Evaluate(m, &atoms)
	for _, x := range r.Rectangles() {
		fmt.Println("allowed:", r.Names(x.From), "->", r.Names(x.To), x.Traffic)
	}
	for _, g := range r.Excess(flows) {
		fmt.Println("not meant:", g.Witness, "in", g.Traffic)
		fmt.Println("  opened by", g.Verdict.Egress.By.Policy, "and", g.Verdict.Ingress.By.Policy)
	}
	for _, g := range r.Missing(flows) {
		fmt.Println("missing of flow", g.Flow, ":", g.Witness)
		fmt.Println("  because", g.Verdict.Egress.By.Reason)
	}
	// Output:
	// allowed: shop/web -> shop/api TCP 8080-8081
	// not meant: shop/web -> shop/api TCP 8081 in TCP 8081
	//   opened by NetworkPolicy shop/web and NetworkPolicy shop/api
	// missing of flow 1 : shop/api -> 192.0.2.1 TCP 443
	//   because no rule in tier default allows it, and GlobalNetworkPolicy deny-all isolates the endpoint
}
