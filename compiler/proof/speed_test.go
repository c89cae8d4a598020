package proof_test

import (
	"fmt"
	"strings"
	"testing"

	"portcullis.dev/compiler/facts"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/lower"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/compiler/proof"
	"portcullis.dev/compiler/resolve"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

// fleet is a repository of namespaces with ten workloads each: lines inside of each and to
// ranges outside, one hub for all, a guardrail between labels of namespaces, and tenants
// that are kept apart.
func fleet(namespaces int) []language.File {
	var platform strings.Builder
	platform.WriteString(`apiVersion: portcullis.dev/v1alpha1
kind: Platform
metadata: {name: fleet}
spec:
  unknownNamespaces: deny
  cluster: {podCIDRs: [10.244.0.0/14], serviceCIDRs: [10.96.0.0/12], nodeCIDRs: [172.18.0.0/16]}
  flows: [{from: monitoring/prometheus, to: "*/*", ports: [9090], why: scraping}]
  guardrails:
    - {name: no-metadata, deny: {to: {cidr: 169.254.169.254/32}}, why: credentials of the node}
    - {name: stages, deny: {from: {namespaceSelector: {stage: dev}}, to: {namespaceSelector: {stage: prod}}}, unless: [ingress/controller, monitoring/prometheus], why: stages}
    - {name: tenants, isolate: tenant, why: tenants}
  namespaces:
    ingress: {}
    monitoring: {}
`)
	documents := []string{"metadata: {name: controller, namespace: ingress}\nspec: {ports: {https: 443}}\n", "metadata: {name: prometheus, namespace: monitoring}\nspec: {}\n"}
	for n := range namespaces {
		fmt.Fprintf(&platform, "    ns-%05d: {labels: {stage: %s, tenant: t%d}}\n", n, []string{"dev", "prod", "prod"}[n%3], n%20)
		for w := range 10 {
			from := fmt.Sprintf("w%d", w-1)
			if w == 0 {
				from = "ingress/controller"
			}
			text := fmt.Sprintf("metadata: {name: w%d, namespace: ns-%05d}\nspec:\n  ports: {http: 8080}\n  inbound: [{from: %s, ports: [http], why: it asks}]\n", w, n, from)
			if w == 9 {
				text += "  outbound: [{to: {cidr: 203.0.0.0/16, except: [203.0.1.0/24, 203.0.2.0/24]}, ports: [443], why: payments}]\n"
			}
			documents = append(documents, text)
		}
	}
	for i := range documents {
		documents[i] = "apiVersion: portcullis.dev/v1alpha1\nkind: NetworkIntent\n" + documents[i]
	}
	return []language.File{
		{Path: language.PlatformFile, Data: []byte(platform.String())},
		{Path: "intents.yaml", Data: []byte(strings.Join(documents, "---\n"))},
	}
}

// lowered is a plan, and what its policies mean as they are emitted, with a component's.
func lowered(t testing.TB, files []language.File, component ...string) (*plan.Plan, *meaning.Meaning) {
	t.Helper()
	repo, found := language.Parse(files)
	plans, more := resolve.Plans(repo, resolve.Options{Targets: lower.Names()})
	if err := append(found, more...).Err(); err != nil {
		t.Fatal(err)
	}
	emitted, found := lower.Lower(plans[0])
	var objects []object.Object
	for _, e := range emitted {
		decoded, unread := object.Decode("", e.Manifest.YAML())
		objects, found = append(objects, decoded...), append(found, unread...)
	}
	for _, text := range component {
		decoded, unread := object.Decode("", []byte(text))
		objects, found = append(objects, decoded...), append(found, unread...)
	}
	set, twice := object.NewSet(objects)
	m, unread := meaning.Of(set, plans[0].Cluster)
	if err := append(append(found, twice...), unread...).Err(); err != nil {
		t.Fatal(err)
	}
	return plans[0], m
}

// BenchmarkProve proves what fleets are lowered to.
func BenchmarkProve(b *testing.B) {
	for _, namespaces := range []int{10, 100, 300, 1000} {
		p, m := lowered(b, fleet(namespaces))
		planned := population.Of(p, object.Set{}).Planned
		b.Run(fmt.Sprintf("namespaces=%d", namespaces), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if found := proof.Prove(p, population.RelationOf(p, m), planned); len(found) > 0 {
					b.Fatal(found.Err())
				}
			}
		})
	}
}

// BenchmarkDecide proves fleets and computes the facts about them, over one relation, as a build
// does.
func BenchmarkDecide(b *testing.B) {
	for _, namespaces := range []int{100, 1000} {
		p, m := lowered(b, fleet(namespaces))
		everybody := population.Of(p, object.Set{})
		b.Run(fmt.Sprintf("namespaces=%d", namespaces), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				does := population.RelationOf(p, m)
				if found := proof.Prove(p, does, everybody.Planned); len(found) > 0 {
					b.Fatal(found.Err())
				}
				for range facts.Of(p, does, object.Set{}, everybody) {
				}
			}
		})
	}
}

// BenchmarkProveLines proves one intent of many lines, each for an address.
func BenchmarkProveLines(b *testing.B) {
	for _, lines := range []int{100, 1000, 10000} {
		var text strings.Builder
		text.WriteString("apiVersion: portcullis.dev/v1alpha1\nkind: NetworkIntent\nmetadata: {name: web, namespace: shop}\nspec:\n  ports: {http: 8080}\n  inbound:\n")
		for i := range lines {
			fmt.Fprintf(&text, "    - {from: {cidr: 192.%d.%d.%d}, ports: [http], why: it asks}\n", 168+i/65536, i/256%256, i%256)
		}
		p, m := lowered(b, []language.File{
			{Path: language.PlatformFile, Data: []byte("apiVersion: portcullis.dev/v1alpha1\nkind: Platform\nmetadata: {name: one}\nspec:\n  namespaces: {shop: {}}\n")},
			{Path: "web.yaml", Data: []byte(text.String())},
		})
		planned := population.Of(p, object.Set{}).Planned
		b.Run(fmt.Sprintf("lines=%d", lines), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if found := proof.Prove(p, population.RelationOf(p, m), planned); len(found) > 0 {
					b.Fatal(found.Err())
				}
			}
		})
	}
}

// BenchmarkProveOdd proves a fleet with a component of many selectors that no line of the
// plan knows: labels, accounts, parts of names and their negations, which overlap.
func BenchmarkProveOdd(b *testing.B) {
	for _, selectors := range []int{1, 100} {
		var component strings.Builder
		for i := range selectors {
			fmt.Fprintf(&component, `---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: odd-%d}
spec:
  order: %d
  selector: (has(a%d) && b starts with 'x%d' || !(c in {'d%d', 'e'})) && projectcalico.org/serviceaccount != 's%d'
  namespaceSelector: tier contains '%d' || stage == 'dev'
  types: [Ingress, Egress]
  ingress: [{action: Deny, protocol: TCP, source: {selector: f != 'g%d' && !has(h)}, destination: {ports: ['%d:%d']}}]
  egress: [{action: Deny, protocol: UDP, destination: {selector: has(i%d), ports: [%d]}}]
`, i, i, i%7, i, i%11, i, i, i%13, 9000+i, 9100+i, i%5, 5000+i)
		}
		p, m := lowered(b, fleet(100), component.String())
		planned := population.Of(p, object.Set{}).Planned
		b.Run(fmt.Sprintf("selectors=%d", selectors), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				proof.Prove(p, population.RelationOf(p, m), planned)
			}
		})
	}
}
