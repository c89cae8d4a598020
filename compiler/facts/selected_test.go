package facts_test

import (
	"slices"
	"testing"

	"portcullis.dev/compiler/facts"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/object"
)

// The pods that a policy alone lets the internet in to are judged as well, each under the
// words that tell it from others.
func TestSelected(t *testing.T) {
	t.Parallel()
	open := func(name, selects string) string {
		return "apiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata: {name: " + name + ", namespace: shop}\n" +
			"spec: {order: 500, selector: \"" + selects + "\", types: [Ingress], ingress: [{action: Allow, source: {nets: [0.0.0.0/0]}}]}\n---\n"
	}
	for _, c := range []struct {
		name, manifests, document string
		want                      []string
	}{
		{"somebody knows a pod", open("a", "app == 'web'"), "shop", nil},
		{"nobody does", open("a", "app == 'ghost'"), "shop", []string{"pods with app=ghost in shop"}},
		{"two policies speak of the same", open("a", "app == 'ghost'") + open("b", "app in {'ghost'}"), "shop", []string{"pods with app=ghost in shop"}},
		{"by service account", open("a", "app == 'ghost' && projectcalico.org/serviceaccount == 'robot'"), "shop", []string{"pods with app=ghost that run as robot in shop"}},
		{"there are no such pods", open("a", "app == 'ghost' && !has(app)"), "shop", nil},
		{"what comes before denies some of them", global("deny", "order: 1, selector: \"!has(role)\", ingress: [{action: Deny}]") + open("a", "app == 'ghost'"), "shop",
			[]string{"pods with app=ghost,role=other in shop"}},
		{"what comes before denies all of them", global("deny", "order: 1, ingress: [{action: Deny}]") + open("a", "app == 'ghost'"), "shop", nil},
		{"a policy of the cluster", calico("a", "[{action: Allow, source: {nets: [0.0.0.0/0]}}]"), "", nil},
		{"a policy of the cluster for nobody known", global("a", "order: 1, selector: app == 'ghost', ingress: [{action: Allow, source: {nets: [0.0.0.0/0]}}]"), "",
			[]string{"pods with app=ghost in shop"}},
		{"a policy of the system's", "apiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata: {name: a, namespace: kube-system}\n" +
			"spec: {order: 500, selector: app == 'ghost', types: [Ingress], ingress: [{action: Allow}]}\n---\n", "kube-system", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := world("shop", "kube-system")
			p.Workloads = []plan.Workload{workload("shop", "web")}
			var got []string
			for _, e := range ask(t, p, denyAll+c.manifests)[c.document].Selected {
				got = append(got, e.Name)
				if !slices.ContainsFunc(e.World, func(w facts.World) bool { return w.Share == 1 }) || !e.Ingress.Isolated || e.Kind != "selected" {
					t.Errorf("%+v", e)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("found %q, expected %q", got, c.want)
			}
		})
	}
}

// Who sends is judged though nobody knows it, unless no policy decides about it, or it is meant to
// reach nobody.
func TestSelectedSenders(t *testing.T) {
	t.Parallel()
	sends := func(selects, egress string) string {
		return "apiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata: {name: sends, namespace: shop}\n" +
			"spec: {order: 500, selector: \"" + selects + "\", types: [Egress], egress: [" + egress + "]}\n---\n"
	}
	const allow = "{action: Allow}"
	for _, c := range []struct {
		name, manifests string
		want            []string // names, and whether port 53 of the internet answers
	}{
		{"nobody knows a pod", sends("app == 'ghost'", allow), []string{"pods with app=ghost in shop: allow"}},
		{"one without rules", sends("app == 'ghost' && role in {'b', 'a'}", ""), []string{"pods with app=ghost,role=a in shop: deny"}},
		{"somebody knows one", sends("app == 'web'", allow), nil},
		{"by what no label says", sends("app == 'ghost' && !has(app)", allow), nil},
		{"on the host's network", sends("app == 'ghost'", allow) +
			"apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop, labels: {app: ghost}}\nspec: {hostNetwork: true, containers: [{name: c, image: c}]}\n---\n", nil},
		{"in quarantine", sends("app == 'cut'", allow), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := world("shop", "kube-system")
			p.Workloads = []plan.Workload{workload("shop", "web")}
			p.Quarantine = []plan.Quarantined{{End: plan.End{Pods: &plan.Pods{Namespace: "shop", Selector: object.NewSelector(object.Equals("app", "cut"))}}}}
			var got []string
			for _, e := range ask(t, p, denyAll+c.manifests)["shop"].Selected {
				i := slices.IndexFunc(e.Probes, func(p *facts.Probe) bool { return p.Purpose == "anywhere" })
				got = append(got, e.Name+": "+e.Probes[i].Egress.Verdict)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("found %q, expected %q", got, c.want)
			}
		})
	}
}
