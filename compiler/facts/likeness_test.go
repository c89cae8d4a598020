package facts_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis.dev/compiler/facts"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/oracle"
)

// What is asked about the first pod of a class holds for each pod of it: facts are the same where every pod is asked about for itself.
func TestLikePodsHaveTheSameAnswers(t *testing.T) {
	t.Parallel()
	shared, parted := 0, 0 // pods with another's answers, and classes beyond one in a namespace
	for seed := range *worlds {
		for _, f := range []oracle.Features{{Unaddressed: true}, {Tiers: true, Unaddressed: true}, {Tiers: true, Ties: true, ClusterPolicies: true, Unaddressed: true}} {
			r := rand.New(rand.NewPCG(uint64(seed), 31))
			w, err := oracle.Random(r, 33, f)
			if err != nil {
				t.Fatal(err)
			}
			unwritten := []string{"", "dev", "ops"}[r.IntN(3)]
			w.Set, _ = object.NewSet(slices.DeleteFunc(slices.Clone(w.Set.All()), func(o object.Object) bool { return o.ID.Kind == "Namespace" && o.ID.Name == unwritten }))
			m, _ := meaning.Of(w.Set, w.Cluster)
			p := &plan.Plan{Environment: "test", Cluster: w.Cluster, Stages: plan.DefaultStages()}
			p.Cluster.DNS.Namespace, p.Cluster.DNS.Labels = []string{"dev", "ops", "nobody"}[r.IntN(3)], nil
			p.Cluster.DNS.Port = []int{80, 53, 8080}[r.IntN(3)]
			for _, name := range []string{"dev", "ops", "prod"} {
				labels := meaning.Namespaces(w.Set)[name]
				if labels == nil {
					labels = map[string]string{plan.NamespaceLabel: name}
				}
				p.Namespaces = append(p.Namespaces, plan.Namespace{Name: name, Labels: labels, Unwritten: name == unwritten})
				for _, app := range []string{"a", "b", "ab"} {
					for _, tier := range []string{"x", "y"} {
						p.Workloads = append(p.Workloads, workload(name, app+tier, "app="+app, "tier="+tier))
					}
				}
			}
			alike, apart := facts.AlikeAndApart(p, m, w.Set, population.Of(p, w.Set))
			if !reflect.DeepEqual(apart, alike) {
				t.Fatalf("seed %d, %+v: (-apart +alike)\n%s", seed, f, cmp.Diff(apart, alike))
			}
			for _, endpoints := range alike[:len(p.Namespaces)] {
				classes := map[*facts.Probe]bool{}
				for _, probes := range endpoints {
					classes[probes[0]] = true
				}
				shared, parted = shared+len(endpoints)-len(classes), parted+len(classes)-1
			}
		}
	}
	if shared < 6**worlds || parted < 6**worlds {
		t.Errorf("%d pods had another's answers, and %d had answers of their own", shared, parted)
	}
}

// A rule that passes other traffic on makes that a pod is not isolated, and then another address
// stands for the internet, though the same rules decide what it asks.
func TestPodsThatAskOtherAddressesAreNotLike(t *testing.T) {
	t.Parallel()
	objects, found := object.Decode("world.yaml", []byte(strings.Replace(passTier, "Pass", "Deny", 1)+`apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: security.names, namespace: shop}
spec: {tier: security, order: 1, types: [Egress], egress: [{action: Allow, protocol: UDP, destination: {nets: [128.0.0.0/1], ports: [53]}}]}
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: security.web, namespace: shop}
spec: {tier: security, order: 2, selector: app == 'web', types: [Egress], egress: [{action: Pass, protocol: TCP, destination: {ports: [80]}}]}
`))
	if found.Failed() {
		t.Fatal(found.Err())
	}
	p := world("shop")
	p.Workloads = append(p.Workloads, workload("shop", "batch"), workload("shop", "web"))
	set, _ := object.NewSet(objects)
	m, _ := meaning.Of(set, p.Cluster)
	alike, apart := facts.AlikeAndApart(p, m, set, population.Of(p, set))
	if !reflect.DeepEqual(apart, alike) {
		t.Fatalf("(-apart +alike)\n%s", cmp.Diff(apart, alike))
	}
	if batch, web := alike[0][0], alike[0][1]; reflect.DeepEqual(batch, web) {
		t.Errorf("both ask %v", web)
	}
}

// Of two pods one is selected for certain, and the other perhaps, by a label of a Namespace that
// nobody wrote down.
func TestPodsThatAreSelectedPerhapsAreNotLike(t *testing.T) {
	t.Parallel()
	objects, found := object.Decode("world.yaml", []byte(`apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: names, namespace: shop}
spec: {order: 1, selector: "app == 'web' || pcns.stage == 'prod'", types: [Egress], egress: [{action: Deny, protocol: UDP, destination: {ports: [53]}}]}
`))
	if found.Failed() {
		t.Fatal(found.Err())
	}
	p := world("shop")
	p.Namespaces[0].Unwritten = true
	p.Workloads = append(p.Workloads, workload("shop", "batch"), workload("shop", "web"))
	set, _ := object.NewSet(objects)
	m, _ := meaning.Of(set, p.Cluster)
	alike, apart := facts.AlikeAndApart(p, m, set, population.Of(p, set))
	if !reflect.DeepEqual(apart, alike) {
		t.Fatalf("(-apart +alike)\n%s", cmp.Diff(apart, alike))
	}
	if batch, web := alike[0][0], alike[0][1]; reflect.DeepEqual(batch, web) {
		t.Errorf("both ask %v", web)
	}
}
