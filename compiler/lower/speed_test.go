package lower

import (
	"fmt"
	"testing"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/compiler/proof"
	"portcullis.dev/policies/object"
)

// fleet is a plan in which every workload calls the next and all are scraped: what is
// asked for grows with the number of workloads.
func fleet(namespaces int) *plan.Plan {
	p := &plan.Plan{Targets: Names(), Cluster: object.DefaultCluster(), Stages: plan.DefaultStages(), DenyUnknown: true}
	ports := []plan.Port{{Protocol: plan.TCP, First: 8080, Last: 8080}}
	for n := range namespaces {
		name := fmt.Sprintf("ns-%03d", n)
		p.Namespaces = append(p.Namespaces, plan.Namespace{Name: name, Governed: true, Labels: map[string]string{plan.NamespaceLabel: name}})
		for w := range 25 {
			w := plan.Workload{Namespace: name, Name: fmt.Sprintf("w-%02d", w), DNS: true}
			w.Selector = object.NewSelector(object.Equals("app", w.Name))
			p.Workloads = append(p.Workloads, w)
		}
	}
	end := func(w plan.Workload) plan.End {
		return plan.End{Name: w.Ref(), Pods: &plan.Pods{Namespace: w.Namespace, Selector: w.Selector}}
	}
	for i, w := range p.Workloads {
		p.Flows = append(p.Flows,
			plan.Flow{From: end(w), To: end(p.Workloads[(i+1)%len(p.Workloads)]), Ports: ports, Origins: []plan.Origin{{Intent: w.Ref()}}},
			plan.Flow{From: end(p.Workloads[0]), To: end(w), Ports: ports, Origins: []plan.Origin{{}}})
	}
	return p
}

// BenchmarkLower lowers fleets.
func BenchmarkLower(b *testing.B) {
	for _, namespaces := range []int{20, 200} {
		p := fleet(namespaces)
		b.Run(fmt.Sprintf("workloads=%d", len(p.Workloads)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, found := Lower(p); found.Failed() {
					b.Fatal(found.Err())
				}
			}
		})
	}
}

// BenchmarkProve proves what fleets are lowered to.
func BenchmarkProve(b *testing.B) {
	for _, namespaces := range []int{20, 200} {
		p := fleet(namespaces)
		emitted, _ := Lower(p)
		m := meaningOf(b, emitted, p.Assumed()[0], "")
		planned := population.Of(p, object.Set{}).Planned
		b.Run(fmt.Sprintf("workloads=%d", len(p.Workloads)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if found := proof.Prove(p, population.RelationOf(p, m), planned); len(found) > 0 {
					b.Fatal(found.Err())
				}
			}
		})
	}
}
