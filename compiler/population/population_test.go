package population_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	_ "portcullis.dev/testdata/seed"
)

var (
	labelSets = []map[string]string{{}, {"app": "a"}, {"app": "b"}, {"app": "a", "tier": "db"}, {"k8s-app": "kube-dns"}}
	places    = []string{"a", "b", "kube-system"}
)

// drawn is a plan and the manifests beside it.
type drawn struct {
	plan  *plan.Plan
	world object.Set
}

// draw is small, so that workloads and manifests fall together often: in labels, in
// accounts, in quarantine and in the namespace of the DNS.
func draw(t *rapid.T) drawn {
	p := &plan.Plan{Cluster: object.DefaultCluster()}
	var manifests strings.Builder
	labels := func(m map[string]string) string {
		var all []string
		for _, k := range slices.Sorted(maps.Keys(m)) {
			all = append(all, k+": "+m[k])
		}
		return "{" + strings.Join(all, ", ") + "}"
	}
	selector := func(m map[string]string) object.Selector {
		var all []object.Requirement
		for k, v := range m {
			all = append(all, object.Equals(k, v))
		}
		return object.NewSelector(all...)
	}
	some := rapid.SampledFrom(labelSets)
	for _, name := range places {
		if rapid.IntRange(0, 5).Draw(t, "listed") > 0 {
			n := plan.Namespace{Name: name, Labels: map[string]string{plan.NamespaceLabel: name, "team": "plan"}}
			p.Namespaces = append(p.Namespaces, n)
			for i := range rapid.IntRange(0, 2).Draw(t, "workloads") {
				p.Workloads = append(p.Workloads, plan.Workload{
					Namespace: name, Name: fmt.Sprint("w", i), Selector: selector(some.Draw(t, "selects")),
					DNS: rapid.Bool().Draw(t, "dns"), HostNetwork: rapid.IntRange(0, 4).Draw(t, "host") == 0,
				})
			}
			if rapid.IntRange(0, 4).Draw(t, "cut") == 0 {
				p.Quarantine = append(p.Quarantine, plan.Quarantined{End: plan.End{Pods: &plan.Pods{Namespace: name, Selector: selector(some.Draw(t, "cut off"))}}})
			}
		}
		if rapid.Bool().Draw(t, "manifest") {
			fmt.Fprintf(&manifests, "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {team: manifest, more: yes-it-is}}\n", name)
		}
		for i := range rapid.IntRange(0, 3).Draw(t, "pods") {
			fmt.Fprintf(&manifests, "---\napiVersion: v1\nkind: Pod\nmetadata: {name: p%d, namespace: %s, labels: %s}\nspec: {hostNetwork: %v, serviceAccountName: %s, containers: [{name: c, image: c}]}\n",
				i, name, labels(some.Draw(t, "wears")), rapid.IntRange(0, 4).Draw(t, "host") == 0, rapid.SampledFrom([]string{"default", "robot"}).Draw(t, "account"))
		}
	}
	objects, found := object.Decode("m.yaml", []byte(manifests.String()))
	world, more := object.NewSet(objects)
	if found.Failed() || more.Failed() {
		t.Fatalf("%v, %v:\n%s", found.Err(), more.Err(), manifests.String())
	}
	return drawn{p, world}
}

// who is what policies can tell pods of one namespace apart by.
func who(e *meaning.Endpoint) string {
	return fmt.Sprintf("%s %s %v", e.Namespace, e.ServiceAccount, e.Labels)
}

// cut reports whether the plan puts a pod into quarantine. Ours name their namespaces.
func (d drawn) cut(e *meaning.Endpoint) bool {
	return slices.ContainsFunc(d.plan.Quarantine, func(q plan.Quarantined) bool {
		return q.End.Pods.Namespace == e.Namespace && q.End.Pods.Selector.Matches(e.Labels)
	})
}

// TestEverybodyIsThereOnce: of each listed namespace, who is asked about is just who the
// plan, the manifests and the nameless pod stand for, less the host's and the quarantined.
func TestEverybodyIsThereOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		pop := population.Of(d.plan, d.world)
		var all []*population.Pods
		for _, n := range d.plan.Namespaces {
			want := map[string]bool{}
			expect := func(e *meaning.Endpoint) {
				if !d.cut(e) {
					want[who(e)] = true
				}
			}
			expect(&meaning.Endpoint{Namespace: n.Name, ServiceAccount: "default", Labels: map[string]string{}})
			var selectors []object.Selector
			for _, w := range d.plan.Workloads {
				if w.Namespace == n.Name {
					selectors = append(selectors, w.Selector)
					if !w.HostNetwork {
						expect(&meaning.Endpoint{Namespace: n.Name, ServiceAccount: "default", Labels: w.Selector.Example()})
					}
				}
			}
			for _, e := range meaning.Endpoints(d.world) {
				if e.Namespace == n.Name && !e.HostNetwork && !slices.ContainsFunc(selectors, func(s object.Selector) bool { return s.Matches(e.Labels) }) {
					expect(e)
				}
			}
			var got []string
			for _, m := range pop.ByNamespace[n.Name] {
				got = append(got, who(m.Endpoint))
			}
			slices.Sort(got)
			if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), got); diff != "" {
				t.Fatalf("%s (-want +got):\n%s", n.Name, diff)
			}
			all = append(all, pop.ByNamespace[n.Name]...)
		}
		if len(pop.ByNamespace) != len(d.plan.Namespaces) || !slices.Equal(pop.All, slices.Concat(all, pop.DNS)) {
			t.Fatal("All is not the namespaces in the order of the plan, and the DNS pods last")
		}
	})
}

// TestKnownIsEverybodyAtAll: neither quarantine nor the host's network takes a manifest
// from those that are known, nor quarantine a workload.
func TestKnownIsEverybodyAtAll(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		pop := population.Of(d.plan, d.world)
		var want, got []string
		for _, e := range meaning.Endpoints(d.world) {
			want = append(want, e.Ref())
		}
		for _, w := range d.plan.Workloads {
			if !w.HostNetwork {
				want = append(want, w.Ref())
			}
		}
		for _, e := range pop.Known() {
			got = append(got, e.Ref())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

// TestLabelsOfNamespaces: what the plan says of a namespace goes before its manifest, for
// every pod of it alike, and its name is there though neither says it.
func TestLabelsOfNamespaces(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		pop := population.Of(d.plan, d.world)
		manifests := meaning.Namespaces(d.world)
		check := func(e *meaning.Endpoint) {
			want := map[string]string{plan.NamespaceLabel: e.Namespace}
			maps.Copy(want, manifests[e.Namespace])
			if _, listed := d.plan.Namespace(e.Namespace); listed {
				want["team"] = "plan"
			}
			if diff := cmp.Diff(want, e.NamespaceLabels); diff != "" {
				t.Fatalf("%s (-want +got):\n%s", e.Ref(), diff)
			}
		}
		for _, m := range append(slices.Clone(pop.All), pop.Stranger) {
			check(m.Endpoint)
		}
		for _, e := range pop.Known() {
			check(e)
		}
	})
}

// TestServers: the DNS pods are those of the manifests, whoever cuts them off, or one that
// stands for them; the stranger wears their labels where neither plan nor DNS is.
func TestServers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		dns := d.plan.Cluster.DNS
		if rapid.Bool().Draw(t, "the stranger's name is taken") {
			d.plan.Namespaces = append(d.plan.Namespaces, plan.Namespace{Name: "unknown-namespace"})
		}
		pop := population.Of(d.plan, d.world)
		want := map[string]bool{}
		for _, e := range meaning.Endpoints(d.world) {
			if e.Namespace == dns.Namespace && !e.HostNetwork && e.Labels["k8s-app"] == "kube-dns" {
				want[who(e)] = true
			}
		}
		if len(want) == 0 {
			want[who(&meaning.Endpoint{Namespace: dns.Namespace, ServiceAccount: "coredns", Labels: dns.Labels})] = true
		}
		var got []string
		for _, m := range pop.DNS {
			got = append(got, who(m.Endpoint))
			if m.Kind != population.DNS || !m.Resolves {
				t.Fatalf("%s is a %s", m.Ref(), m.Kind)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		if _, listed := d.plan.Namespace(pop.Stranger.Namespace); listed || !maps.Equal(pop.Stranger.Labels, dns.Labels) {
			t.Fatalf("the stranger is %s with %v", pop.Stranger.Ref(), pop.Stranger.Labels)
		}
	})
}

// TestUniverseOf: a namespace is listed where the plan lists it, or calls it a system's;
// what stands in both is one, and a pattern is none.
func TestUniverseOf(t *testing.T) {
	t.Parallel()
	p := &plan.Plan{
		Cluster: object.Cluster{System: []string{"kube-system", "tigera"}},
		Namespaces: []plan.Namespace{
			{Name: "kube-system", Labels: map[string]string{plan.NamespaceLabel: "kube-system"}},
			{Name: "shop", Labels: map[string]string{plan.NamespaceLabel: "shop", "team": "red"}},
			{Name: "team-*", Labels: map[string]string{"kind": "team"}, Pattern: true},
		},
	}
	u := population.UniverseOf(p)
	classes := map[int]bool{}
	for name, want := range map[string]bool{"kube-system": true, "shop": true, "tigera": true, "team-*": true, "kube-public": false, "team-a": false} {
		class, known := u.Class(name)
		if known != want {
			t.Errorf("%s is known: %v; expected %v", name, known, want)
		}
		if known && classes[class] {
			t.Errorf("%s is of the class of another name", name)
		}
		classes[class] = classes[class] || known
	}
	p.Cluster.System = []string{"tigera"}
	if once := population.UniverseOf(p); u.Classes() != once.Classes() {
		t.Errorf("%d classes of namespaces, and %d where the plan alone lists kube-system", u.Classes(), once.Classes())
	}
	if _, kept := p.Namespaces[1].Labels[plan.NamespaceLabel]; !kept {
		t.Error("the plan's own labels were changed")
	}
}
