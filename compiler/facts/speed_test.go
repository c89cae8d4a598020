package facts_test

import (
	"fmt"
	"strings"
	"testing"

	"portcullis.dev/compiler/facts"
	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

// BenchmarkFacts asks about a cluster of 2,000 namespaces with 10,000 workloads, each
// with a policy of its own, under a guardrail tier.
func BenchmarkFacts(b *testing.B) {
	var manifests strings.Builder
	manifests.WriteString(passTier + "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: security.guard}\n" +
		"spec: {tier: security, order: 1, namespaceSelector: has(projectcalico.org/name), types: [Egress], egress: [{action: Deny, destination: {nets: [169.254.169.254/32]}}]}\n---\n")
	names := []string{"kube-system"}
	for i := range 2000 {
		names = append(names, fmt.Sprintf("ns-%04d", i))
	}
	p := world(names...)
	for _, ns := range names[1:] {
		fmt.Fprintf(&manifests, "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: deny-all, namespace: %s}\nspec: {podSelector: {}, policyTypes: [Ingress, Egress]}\n---\n", ns)
		for i := range 5 {
			w := workload(ns, fmt.Sprintf("w%d", i))
			p.Workloads = append(p.Workloads, w)
			fmt.Fprintf(&manifests, `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: w%d, namespace: %s}
spec:
  podSelector: {matchLabels: {app: w%d}}
  policyTypes: [Ingress, Egress]
  ingress: [{from: [{podSelector: {matchLabels: {app: w%d}}}], ports: [{port: 8080}]}]
  egress: [{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ns-%04d}}, podSelector: {matchLabels: {app: w0}}}], ports: [{port: 8080}]}]
---
`, i, ns, i, (i+1)%5, i*7)
		}
	}
	objects, found := object.Decode("cluster.yaml", []byte(manifests.String()))
	if found.Failed() {
		b.Fatal(found.Err())
	}
	set, _ := object.NewSet(objects)
	b.ReportAllocs()
	for b.Loop() {
		m, _ := meaning.Of(set, p.Cluster)
		if got := facts.Of(p, m, set, population.Of(p, object.Set{})); len(got) != len(names)+1 {
			b.Fatalf("%d documents", len(got))
		}
	}
}
