package facts_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/compiler/facts"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

// BenchmarkFacts asks about clusters of ten workloads a namespace, each with a policy of
// its own, under a guardrail tier that spares some and a deny of one team's, which is in
// the wrong place nowhere.
func BenchmarkFacts(b *testing.B) {
	for _, namespaces := range []int{100, 1000} {
		b.Run(fmt.Sprintf("namespaces=%d", namespaces), func(b *testing.B) { benchmarkFacts(b, namespaces) })
	}
}

func benchmarkFacts(b *testing.B, namespaces int) {
	p, manifests := fleet(namespaces, 10)
	objects, found := object.Decode("cluster.yaml", []byte(manifests))
	if found.Failed() {
		b.Fatal(found.Err())
	}
	set, _ := object.NewSet(objects)
	b.ReportAllocs()
	for b.Loop() {
		m, _ := meaning.Of(set, p.Cluster)
		if got := slices.Collect(facts.Of(p, population.RelationOf(p, m), set, population.Of(p, object.Set{}))); len(got) != namespaces+2 {
			b.Fatalf("%d documents", len(got))
		}
	}
}

// fleet is a cluster of that many namespaces and workloads in each.
func fleet(namespaces, workloads int) (*plan.Plan, string) {
	var manifests strings.Builder
	manifests.WriteString(passTier + `apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: security.metadata}
spec: {tier: security, order: 1, namespaceSelector: has(projectcalico.org/name), types: [Egress], egress: [{action: Deny, destination: {nets: [169.254.169.254/32]}}]}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: security.stores}
spec:
  tier: security
  order: 2
  namespaceSelector: has(projectcalico.org/name)
  types: [Ingress]
  ingress:
  - {action: Pass, protocol: TCP, source: {selector: app == 'w0'}, destination: {ports: [5432]}}
  - {action: Deny, protocol: TCP, destination: {ports: [5432]}}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: guests}
spec: {order: 100, namespaceSelector: team == 't3', types: [Ingress], ingress: [{action: Deny, source: {nets: [203.0.113.0/24]}}]}
---
`)
	names := []string{"kube-system"}
	for i := range namespaces {
		names = append(names, fmt.Sprintf("ns-%04d", i))
	}
	p := world(names...)
	for i := range p.Namespaces[1:] {
		p.Namespaces[1+i].Labels["team"] = fmt.Sprintf("t%d", i%7)
	}
	for _, ns := range names[1:] {
		fmt.Fprintf(&manifests, "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: deny-all, namespace: %s}\nspec: {podSelector: {}, policyTypes: [Ingress, Egress]}\n---\n", ns)
		for i := range workloads {
			p.Workloads = append(p.Workloads, workload(ns, fmt.Sprintf("w%d", i)))
			fmt.Fprintf(&manifests, `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: w%d, namespace: %s}
spec:
  podSelector: {matchLabels: {app: w%d}}
  policyTypes: [Ingress, Egress]
  ingress: [{from: [{podSelector: {matchLabels: {app: w%d}}}], ports: [{port: 8080}]}]
  egress: [{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ns-%04d}}, podSelector: {matchLabels: {app: w0}}}], ports: [{port: 8080}]}]
---
`, i, ns, i, (i+1)%workloads, i*7%namespaces)
		}
	}
	return p, manifests.String()
}
