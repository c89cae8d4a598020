package variants_test

import (
	"fmt"
	"maps"
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

// pods are workloads of some names, all of which agree.
func pods(t interface{ Fatal(...any) }, dir string, names ...string) []object.Object {
	var objects []object.Object
	for _, name := range names {
		decoded, found := object.Decode(dir+"/a.yaml", []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: "+name+", namespace: shop}\nspec: {containers: []}\n"))
		if len(found) > 0 {
			t.Fatal(found)
		}
		objects = append(objects, decoded...)
	}
	return objects
}

// TestVariants draws sources whose namespaces may have other labels in another of them, and that
// may hold the same pods. Two sources that contradict each other or hold one pod run in no cluster
// together, though they agree; each runs in one as a whole, and one that stands against none runs
// in all.
func TestVariants(t *testing.T) {
	t.Parallel()
	apart, equal := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		var sources []variants.Source
		for i := range rapid.IntRange(1, 6).Draw(t, "sources") {
			tiers := rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), rapid.IntRange(0, 1), 0, 3).Draw(t, "labels")
			tiers[fmt.Sprint("own", i)] = 0
			dir := fmt.Sprintf("app%d/%s", i/2, rapid.SampledFrom([]string{"dev", "prod"}).Draw(t, "variant"))
			names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"p", "q", "r", "s", "t"}), 0, 1, rapid.ID[string]).Draw(t, "pods")
			sources = append(sources, variants.Source{Dir: dir, Objects: append(namespaces(t, tiers), pods(t, dir, names...)...)})
		}
		clusters, found := variants.Of(sources)
		if len(found) > 0 {
			t.Fatalf("found %v in sources that agree with themselves", found)
		}
		if len(clusters) > 1 {
			apart++
		}
		in := func(i int, c variants.Cluster) bool {
			_, there := c.Set.Get(object.ID{Kind: "Namespace", Name: fmt.Sprint("own", i)})
			return there
		}
		for i, s := range sources {
			alone, runs := true, 0
			for j, other := range sources {
				shares, against := false, false
				for _, o := range s.Objects {
					for _, with := range other.Objects {
						shares = shares || with.ID == o.ID && o.ID.Kind == "Pod"
						against = against || with.ID == o.ID && !with.Agrees(o)
					}
				}
				if i == j || !shares && !against {
					continue
				}
				alone = false
				if !against {
					equal++
				}
				for _, c := range clusters {
					if in(i, c) && in(j, c) {
						t.Fatalf("sources %d (%s) and %d (%s) run together in %s", i, s.Dir, j, other.Dir, c.Name)
					}
				}
			}
			for _, c := range clusters {
				if !in(i, c) {
					continue
				}
				runs++
				for _, o := range s.Objects {
					if with, there := c.Set.Get(o.ID); !there || !with.Agrees(o) {
						t.Fatalf("%s of source %d (%s) is not in %s", o.ID, i, s.Dir, c.Name)
					}
				}
			}
			if runs == 0 || alone && runs != len(clusters) {
				t.Fatalf("source %d (%s) runs in %d of %d clusters", i, s.Dir, runs, len(clusters))
			}
		}
	})
	if apart == 0 || equal == 0 {
		t.Errorf("sources were apart %d times, and %d times though they agree", apart, equal)
	}
}

// TestDirectories holds which directories of plain files are sources of their own, with the objects
// of each: those that hold a pod of another, and what lies above them.
func TestDirectories(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string // names of pods, by directory
		want  string
	}{
		"once each":              {map[string]string{"a": "x", "b": "w"}, "=w,x"},
		"two versions":           {map[string]string{"v1": "x w", "v2": "x", "more": "z"}, "=z v1=w,x v2=x"},
		"versions with parts":    {map[string]string{"v1/pods": "x", "v1/policies": "w", "v2/pods": "x", "v2/policies": "w z"}, "= v1=w,x v2=w,x,z"},
		"one in another":         {map[string]string{"a": "x w", "a/test": "x", "a/more": "z"}, "=z a=w,x a/test=x"},
		"variants of a version":  {map[string]string{"v1/dev": "x", "v1/prod": "x w", "v1": "z", "v2": "z"}, "= v1/dev=x,z v1/prod=w,x,z v2=z"},
		"twice in one directory": {map[string]string{"a": "x x", "b": "w"}, "=w,x,x"},
		"at the top":             {map[string]string{".": "x w", "old": "x"}, "= .=w,x old=x"},
	} {
		var objects []object.Object
		for dir, names := range c.files {
			objects = append(objects, pods(t, dir, strings.Fields(names)...)...)
		}
		var got []string
		for _, s := range variants.Directories(objects) {
			var names []string
			for _, o := range s.Objects {
				names = append(names, o.ID.Name)
			}
			slices.Sort(names)
			got = append(got, s.Dir+"="+strings.Join(names, ","))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, expected %q", name, got, c.want)
		}
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

// TestStrangers holds which objects that name no namespace run together, by the directories of
// their files. A pod is written as its name, a policy as the labels that it selects behind a
// question mark, and an object of the usual namespace in capitals.
func TestStrangers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"a policy and its pod":           {map[string]string{"a": "?web web"}, "=?web,web"},
		"pods alone":                     {map[string]string{"a": "web", "b": "db"}, "=db,web"},
		"strangers":                      {map[string]string{"a": "?all", "b": "web", "c": "db"}, "a=?all other directories=db,web"},
		"two with policies":              {map[string]string{"a": "?web web", "b": "?db db"}, "a=?web,web b=?db,db"},
		"one above":                      {map[string]string{"a": "?all", "a/b/web": "web", "a/b/db": "db"}, "=?all,db,web"},
		"one selects the other's":        {map[string]string{"a": "?web", "b": "web", "c": "db"}, "a=?web,web other directories=db"},
		"and has one itself":             {map[string]string{"a": "?web web", "b": "web2", "c": "db"}, "a=?web,web other directories=db,web2"},
		"over a third":                   {map[string]string{"a": "?web", "b": "web ?db", "c": "db"}, "=?db,?web,db,web"},
		"what has a namespace is in all": {map[string]string{"a": "?web web", "b": "?db db", "c": "OPS"}, "a=?web,OPS,web b=?db,OPS,db"},
		"a version with strangers":       {map[string]string{"v1": "X Z", "v1/a": "?all", "v1/b": "web", "v2": "X"}, "v1/a=?all,X,Z v1=X,Z,web v2=X"},
		"versions, and strangers":        {map[string]string{"v1": "X", "v2": "X", "a": "?all", "b": "web"}, "v1=X,web v2=X,web a=?all"},
	} {
		var objects []object.Object
		for _, dir := range slices.Sorted(maps.Keys(c.files)) {
			for _, name := range strings.Fields(c.files[dir]) {
				namespace := ""
				if strings.ToUpper(name) == name {
					namespace = ", namespace: default"
				}
				label, isPolicy := strings.CutPrefix(name, "?")
				text := "apiVersion: v1\nkind: Pod\nmetadata: {name: " + strings.ToLower(name) + namespace + ", labels: {app: " + strings.TrimRight(label, "2") + "}}\n"
				if isPolicy {
					text = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: " + label + "}\nspec: {podSelector: {matchLabels: {app: " + label + "}}}\n"
					text = strings.Replace(text, "{matchLabels: {app: all}}", "{}", 1)
				}
				decoded, found := object.Decode(dir+"/a.yaml", []byte(text))
				if len(found) > 0 {
					t.Fatal(found)
				}
				objects = append(objects, decoded...)
			}
		}
		clusters, found := variants.Of(variants.Directories(objects))
		var got []string
		for _, cluster := range clusters {
			var names []string
			for _, o := range cluster.Set.All() {
				name := o.ID.Name
				switch {
				case o.ID.Kind == "NetworkPolicy":
					name = "?" + name
				case !o.Unplaced:
					name = strings.ToUpper(name)
				}
				names = append(names, name)
			}
			slices.Sort(names)
			got = append(got, cluster.Name+"="+strings.Join(names, ","))
			if apart := strings.Contains(c.want, "?") && len(clusters) > 1; apart != (cluster.Assumed != "") {
				t.Errorf("%s: %q is taken for granted", name, cluster.Assumed)
			}
		}
		if strings.Join(got, " ") != c.want || len(found) > 0 {
			t.Errorf("%s: %q, expected %q (%v)", name, got, c.want, found)
		}
	}
}
