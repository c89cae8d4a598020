package lower

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/object"
)

// TestSetsAreNotWorkloadsAgain: no policy of a set selects what a workload of its namespace
// does by the same selector, for the workload's own policy says it. So it is with each intent
// of a pattern in a namespace that was made after it.
func TestSetsAreNotWorkloadsAgain(t *testing.T) {
	t.Parallel()
	again := func(t failer, p *plan.Plan) {
		t.Helper()
		emitted, _ := Lower(p)
		for _, e := range emitted {
			id := object.IDOf(e.Manifest)
			spec, _ := e.Manifest.Get("spec").(object.Map)
			selector, _ := spec.Get("podSelector").(object.Map)
			for _, w := range p.Workloads {
				if strings.HasPrefix(id.Name, prefixSet) && w.Namespace == id.Namespace && !w.HostNetwork && string(w.Selector.Manifest().YAML()) == string(selector.YAML()) {
					t.Fatalf("%s selects what %s does:\n%s", id, w.Ref(), e.Manifest.YAML())
				}
			}
		}
	}
	rapid.Check(t, func(r *rapid.T) { again(r, aPlan(r)) })
	web := object.NewSelector(object.Equals("app", "web"))
	preview := map[string]string{"preview": "true"}
	labels := map[string]string{"preview": "true", plan.NamespaceLabel: "pr-7"}
	of := plan.End{Name: "pr-*/web", Pods: &plan.Pods{Namespaces: object.NewSelector(object.Equals("preview", "true")), Selector: web}}
	made := plan.End{Name: "pr-7/web", Pods: &plan.Pods{Namespace: "pr-7", Selector: web}}
	client := plan.End{Name: "shop/*", Pods: &plan.Pods{Namespace: "shop"}}
	http := []plan.Port{{Protocol: plan.TCP, First: 80, Last: 80}}
	p := &plan.Plan{
		Targets: []string{"kubernetes"},
		Namespaces: []plan.Namespace{
			{Name: "pr-*", Pattern: true, Labels: preview}, {Name: "pr-7", Governed: true, Labels: labels},
			{Name: "shop", Governed: true, Labels: map[string]string{plan.NamespaceLabel: "shop"}},
		},
		Workloads: []plan.Workload{{Namespace: "pr-*", Name: "web", Selector: web, DNS: true}, {Namespace: "pr-7", Name: "web", Selector: web, DNS: true}},
		Flows:     []plan.Flow{{From: client, To: of, Ports: http}, {From: client, To: made, Ports: http}},
	}
	again(t, p)
	var names []string
	for _, e := range lowered(t, p) {
		if id := object.IDOf(e.Manifest); id.Namespace == "pr-7" {
			names = append(names, id.Name)
		}
	}
	if got := strings.Join(names, " "); got != "allow-web default-deny dns" {
		t.Errorf("a namespace made after a pattern has the policies %s", got)
	}
}
