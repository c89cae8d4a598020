package variants_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"portcullis.dev/compiler/variants"
	"portcullis.dev/policies/object"
	_ "portcullis.dev/testdata/seed"
)

func namespaces(t interface{ Fatal(...any) }, tiers map[string]int) []object.Object {
	var objects []object.Object
	for name, tier := range tiers {
		text := fmt.Sprintf("apiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {tier: t%d}}\n", name, tier)
		decoded, found := object.Decode("a.yaml", []byte(text))
		if len(found) > 0 {
			t.Fatal(found)
		}
		objects = append(objects, decoded...)
	}
	slices.SortFunc(objects, func(a, b object.Object) int { return a.ID.Compare(b.ID) })
	return objects
}

// TestVariants draws sources whose namespaces may have other labels in another of them. No
// cluster holds what contradicts it, each source runs in one as a whole, and one that
// contradicts nothing runs in all.
func TestVariants(t *testing.T) {
	t.Parallel()
	apart := 0
	rapid.Check(t, func(t *rapid.T) {
		var sources []variants.Source
		for i := range rapid.IntRange(1, 6).Draw(t, "sources") {
			tiers := rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), rapid.IntRange(0, 1), 0, 3).Draw(t, "labels")
			dir := fmt.Sprintf("app%d/%s", i/2, rapid.SampledFrom([]string{"dev", "prod"}).Draw(t, "variant"))
			sources = append(sources, variants.Source{Dir: dir, Objects: namespaces(t, tiers)})
		}
		clusters, found := variants.Of(sources)
		if len(found) > 0 {
			t.Fatalf("found %v in sources that agree with themselves", found)
		}
		if len(clusters) > 1 {
			apart++
		}
		agrees := func(s variants.Source, c variants.Cluster) bool {
			return !slices.ContainsFunc(s.Objects, func(o object.Object) bool {
				with, there := c.Set.Get(o.ID)
				return !there || !with.Agrees(o)
			})
		}
		for i, s := range sources {
			runs := 0
			for _, c := range clusters {
				if agrees(s, c) {
					runs++
				}
			}
			contradicted := slices.ContainsFunc(sources, func(other variants.Source) bool {
				return slices.ContainsFunc(other.Objects, func(o object.Object) bool {
					return slices.ContainsFunc(s.Objects, func(mine object.Object) bool { return mine.ID == o.ID && !mine.Agrees(o) })
				})
			})
			if runs == 0 || !contradicted && runs != len(clusters) {
				t.Fatalf("source %d (%s) runs in %d of %d clusters", i, s.Dir, runs, len(clusters))
			}
		}
	})
	if apart == 0 {
		t.Error("no sources contradicted each other")
	}
}

// TestVariantsAreNamed holds what the overlays of several applications are called.
func TestVariantsAreNamed(t *testing.T) {
	t.Parallel()
	source := func(dir, namespace string, tier int) variants.Source {
		return variants.Source{Dir: dir, Objects: namespaces(t, map[string]int{namespace: tier})}
	}
	clusters, _ := variants.Of([]variants.Source{
		source("web/dev", "web", 0), source("web/prod", "web", 1), source("db/dev", "db", 0), source("db/prod", "db", 1), source("", "ops", 0),
	})
	var names []string
	for _, c := range clusters {
		names = append(names, fmt.Sprint(c.Name, c.Set.Len()))
	}
	if !slices.Equal(names, []string{"dev3", "prod3"}) {
		t.Fatalf("clusters %v, expected dev and prod with three namespaces each", names)
	}
}

// TestVariantsByCluster: what is deployed to one cluster is judged there, though it contradicts
// nothing elsewhere; what contradicts itself in one is judged apart there, by its names.
func TestVariantsByCluster(t *testing.T) {
	t.Parallel()
	source := func(cluster, dir, namespace string, tier int) variants.Source {
		return variants.Source{Dir: dir, Cluster: cluster, Objects: namespaces(t, map[string]int{namespace: tier})}
	}
	for name, c := range map[string]struct {
		sources []variants.Source
		want    string
	}{
		"one cluster":                {[]variants.Source{source("a", "x", "x", 0), source("a", "y", "till", 0), source("", "", "ops", 0)}, "=x,till,ops"},
		"two that agree":             {[]variants.Source{source("a", "x", "x", 0), source("b", "y", "till", 0), source("", "", "ops", 0)}, "a=ops,x b=ops,till"},
		"one application in both":    {[]variants.Source{source("a", "x", "x", 0), source("b", "x", "x", 0), source("b", "y", "till", 0)}, "a=x b=x,till"},
		"two that contradict":        {[]variants.Source{source("a", "x/a", "x", 0), source("b", "x/b", "x", 1)}, "a=x b=x"},
		"one that contradicts":       {[]variants.Source{source("a", "x/dev", "x", 0), source("a", "x/prod", "x", 1), source("a", "y", "till", 0)}, "a: x/dev=till,x a: x/prod=till,x"},
		"what nobody deploys, apart": {[]variants.Source{source("a", "x/dev", "x", 0), source("", "x/old", "x", 1)}, "x/old=x a=x"},
	} {
		clusters, found := variants.Of(c.sources)
		var got []string
		for _, cluster := range clusters {
			var names []string
			for _, o := range cluster.Set.All() {
				names = append(names, o.ID.Name)
			}
			slices.Sort(names)
			got = append(got, cluster.Name+"="+strings.Join(names, ","))
		}
		want := strings.Fields(strings.ReplaceAll(c.want, ": ", ":_"))
		for i, w := range want {
			name, members, _ := strings.Cut(strings.ReplaceAll(w, ":_", ": "), "=")
			all := strings.Split(members, ",")
			slices.Sort(all)
			want[i] = name + "=" + strings.Join(all, ",")
		}
		if len(found) > 0 || !slices.Equal(got, want) {
			t.Errorf("%s: %q, expected %q (%v)", name, got, want, found)
		}
	}
}
