package facts_test

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis.dev/compiler/facts"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/meaning"
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
			m, _ := meaning.Of(w.Set, w.Cluster)
			p := &plan.Plan{Environment: "test", Cluster: w.Cluster, Stages: plan.DefaultStages()}
			p.Cluster.DNS.Namespace, p.Cluster.DNS.Labels = []string{"dev", "ops", "nobody"}[r.IntN(3)], nil
			p.Cluster.DNS.Port = []int{80, 53, 8080}[r.IntN(3)]
			for _, name := range []string{"dev", "ops", "prod"} {
				labels := meaning.Namespaces(w.Set)[name]
				if labels == nil {
					labels = map[string]string{plan.NamespaceLabel: name}
				}
				p.Namespaces = append(p.Namespaces, plan.Namespace{Name: name, Labels: labels})
				for _, app := range []string{"a", "b", "ab"} {
					for _, tier := range []string{"x", "y"} {
						p.Workloads = append(p.Workloads, workload(name, app+tier, "app="+app, "tier="+tier))
					}
				}
			}
			everybody := population.Of(p, w.Set)
			alike, apart := facts.AlikeAndApart(p, m, w.Set, everybody)
			if !reflect.DeepEqual(apart, alike) {
				t.Fatalf("seed %d, %+v: (-apart +alike)\n%s", seed, f, cmp.Diff(apart, alike))
			}
			for _, endpoints := range alike[:len(p.Namespaces)] {
				classes := map[*facts.Probe]bool{}
				for _, probes := range endpoints {
					classes[&probes[0]] = true
				}
				shared, parted = shared+len(endpoints)-len(classes), parted+len(classes)-1
			}
		}
	}
	if shared < 6**worlds || parted < 6**worlds {
		t.Errorf("%d pods had another's answers, and %d had answers of their own", shared, parted)
	}
}
