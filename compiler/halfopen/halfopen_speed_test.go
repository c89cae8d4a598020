package halfopen_test

import (
	"fmt"
	"strings"
	"testing"

	"portcullis.dev/compiler/halfopen"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

// BenchmarkHalfOpen asks about 1,000 namespaces with 5,000 workloads, each of which
// lets its neighbour in; one in ten neighbours may not send, and all send to one
// gateway, which lets every second one in.
func BenchmarkHalfOpen(b *testing.B) {
	var text strings.Builder
	add := func(format string, args ...any) { fmt.Fprintf(&text, "---\n"+format+"\n", args...) }
	policy := func(ns, name, spec string) {
		add("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: %s, namespace: %s}\nspec: {%s}", name, ns, spec)
	}
	const namespaces = 1000
	var clients []string
	for i := range namespaces {
		ns := fmt.Sprintf("ns-%04d", i)
		add("apiVersion: v1\nkind: Namespace\nmetadata: {name: %s}", ns)
		policy(ns, "deny", "podSelector: {}, policyTypes: [Ingress, Egress]")
		for j := range 5 {
			add("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: w%d, namespace: %s}\nspec: {selector: {matchLabels: {app: w%d}}, template: {metadata: {labels: {app: w%d}}, spec: {containers: [{name: c, image: i}]}}}", j, ns, j, j)
			egress := "{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ns-0000}}, podSelector: {matchLabels: {app: w0}}}], ports: [{port: 443}]}"
			if (5*i+j)%10 != 0 {
				egress += fmt.Sprintf(", {to: [{podSelector: {matchLabels: {app: w%d}}}], ports: [{port: 8080}]}", (j+1)%5)
			}
			policy(ns, fmt.Sprintf("w%d", j), fmt.Sprintf("podSelector: {matchLabels: {app: w%d}}, policyTypes: [Ingress, Egress], ingress: [{from: [{podSelector: {matchLabels: {app: w%d}}}], ports: [{port: 8080}]}], egress: [%s]", j, (j+4)%5, egress))
		}
		if i%2 == 0 {
			clients = append(clients, fmt.Sprintf("{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %s}}}], ports: [{port: 443}]}", ns))
		}
	}
	policy("ns-0000", "gateway", "podSelector: {matchLabels: {app: w0}}, policyTypes: [Ingress], ingress: ["+strings.Join(clients, ", ")+"]")
	objects, found := object.Decode("cluster.yaml", []byte(text.String()))
	if found.Failed() {
		b.Fatal(found.Err())
	}
	set, _ := object.NewSet(objects)
	m, _ := meaning.Of(set, object.DefaultCluster())
	b.ReportAllocs()
	for b.Loop() {
		if n := len(halfopen.Find(m, m.Endpoints)); n < namespaces/2 {
			b.Fatalf("%d findings", n)
		}
	}
}
