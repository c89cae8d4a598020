package gitops_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/compiler/gitops"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/object"
)

// of is what the objects among files deploy, as lines, and what is unresolved.
func of(files map[string]string) (deployed, unresolved []string, all []gitops.Deployment) {
	texts := map[string][]byte{}
	for name, text := range files {
		texts[name] = []byte(text)
	}
	said := gitops.Of(texts, overlays.FindKustomizations(texts))
	for _, d := range said.All {
		deployed = append(deployed, fmt.Sprintf("%s: %s %v %v", d.Cluster, d.Dir, d.Files, d.Dirs))
	}
	for _, u := range said.Unresolved {
		unresolved = append(unresolved, u.Name+": "+u.Reason)
	}
	slices.Sort(deployed)
	return deployed, unresolved, said.All
}

const manifest = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"

func flux(name, path, more string) string {
	return "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: " + name + ", namespace: flux-system}\nspec: {path: " + path + ", sourceRef: {kind: GitRepository, name: fleet}" + more + "}\n---\n"
}

func argo(name, source, destination string) string {
	return "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: " + name + "}\nspec: {source: {repoURL: r, " + source + "}, destination: {" + destination + "}}\n---\n"
}

func set(generator string) string {
	return "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: s}\nspec:\n  generators: [" + generator + "]\n" +
		"  template: {spec: {source: {repoURL: r, path: \"apps/{{.dir}}{{ path.basename }}\"}, destination: {name: c}}}\n"
}

// TestDeployments holds what is deployed, by whom, and what is named instead.
func TestDeployments(t *testing.T) {
	t.Parallel()
	apps := map[string]string{"r/apps/web/a.yaml": manifest, "r/apps/web/b.json": manifest, "r/apps/web/deep/c.yaml": manifest, "r/apps/db/kustomization.yaml": "resources: [d.yaml]\n", "r/apps/db/d.yaml": manifest}
	for name, c := range map[string]struct {
		files      map[string]string
		want       []string
		unresolved string
	}{
		"a path without a kustomization": {files: map[string]string{"r/c/a.yaml": flux("a", "apps/web", "")},
			want: []string{"r/c: r/apps/web [r/apps/web/a.yaml r/apps/web/deep/c.yaml] []"}},
		"one with kustomizations below": {files: map[string]string{"r/c/a.yaml": flux("a", "./apps", "")},
			want: []string{"r/c: r/apps [r/apps/web/a.yaml r/apps/web/deep/c.yaml] [r/apps/db]"}},
		"a kustomization": {files: map[string]string{"r/c/a.yaml": flux("a", "/apps/db/", "")}, want: []string{"r/c: r/apps/db [] [r/apps/db]"}},
		"a cluster with itself in it": {files: map[string]string{"r/c/x/sync.yaml": flux("sync", "c", ""), "r/c/b.yaml": flux("b", "apps/db", "")},
			want: []string{"r/c: r/apps/db [] [r/apps/db]", "r/c: r/c [r/c/b.yaml r/c/x/sync.yaml] []"}},
		"what two clusters deploy": {files: map[string]string{"r/c/b.yaml": flux("b", "more", ""), "r/d/b.yaml": flux("b", "more", ""), "r/more/m.yaml": flux("m", "apps/db", "")},
			want: []string{"r/c: r/apps/db [] [r/apps/db]", "r/c: r/more [r/more/m.yaml] []", "r/d: r/apps/db [] [r/apps/db]", "r/d: r/more [r/more/m.yaml] []"}},
		"a path with a variable": {files: map[string]string{"r/c/b.yaml": flux("b", "more", ", postBuild: {substitute: {app: db}}"), "r/more/m.yaml": flux("m", "'apps/${app}'", "")},
			want: []string{"r/c: r/apps/db [] [r/apps/db]", "r/c: r/more [r/more/m.yaml] []"}},
		"a circle": {files: map[string]string{"r/c/b.yaml": flux("b", "d", ""), "r/d/b.yaml": flux("b", "c", "")},
			want: []string{"r/c: r/c [r/c/b.yaml] []", "r/c: r/d [r/d/b.yaml] []"}},
		"another cluster's account": {files: map[string]string{"r/c/b.yaml": flux("b", "apps/db", ", kubeConfig: {secretRef: {name: far}}")},
			want: []string{"r/c by far: r/apps/db [] [r/apps/db]"}},
		"another repository":                         {files: map[string]string{"r/c/b.yaml": flux("b", "gone", "")}, unresolved: "Kustomization flux-system/b: Kustomizations of Flux with a path that is not here"},
		"the root of a repository, which may be any": {files: map[string]string{"r/c/b.yaml": flux("b", "./", "")}, unresolved: "Kustomization flux-system/b: Kustomizations of Flux with a path that is not here"},
		"a bucket": {files: map[string]string{"r/c/b.yaml": strings.Replace(flux("b", "apps", ""), "GitRepository", "Bucket", 1)}, unresolved: "Kustomization flux-system/b: Kustomizations of Flux with another source than a Git repository"},

		"a directory": {files: map[string]string{"r/a.yaml": argo("a", "path: apps/web", "server: 'https://kubernetes.default.svc'")},
			want: []string{"in-cluster: r/apps/web [r/apps/web/a.yaml r/apps/web/b.json] []"}},
		"with those below": {files: map[string]string{"r/a.yaml": argo("a", "path: apps/web, directory: {recurse: true, exclude: '*c.yaml'}", "name: c")},
			want: []string{"c: r/apps/web [r/apps/web/a.yaml r/apps/web/b.json] []"}},
		"some of it": {files: map[string]string{"r/a.yaml": argo("a", "path: apps/web, directory: {recurse: true, include: '{b.*,deep/*}'}", "name: c")},
			want: []string{"c: r/apps/web [r/apps/web/b.json r/apps/web/deep/c.yaml] []"}},
		"Argo's kustomization": {files: map[string]string{"r/a.yaml": argo("a", "path: apps/db, kustomize: {namespace: n}", "name: c")}, want: []string{"c: r/apps/db [] [r/apps/db]"}},
		"several sources": {files: map[string]string{"r/a.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec: {sources: [{repoURL: r, ref: v}, {repoURL: r, path: apps/db}, {repoURL: h, chart: x}], destination: {name: c}}\n"},
			want: []string{"c: r/apps/db [] [r/apps/db]"}, unresolved: "Application a: Applications"},
		"a chart":               {files: map[string]string{"r/a.yaml": argo("a", "path: apps/db", "name: c"), "r/apps/db/Chart.yaml": "apiVersion: v2\n"}, unresolved: "Application a: Applications"},
		"elsewhere":             {files: map[string]string{"r/a.yaml": argo("a", "path: gone", "name: c")}, unresolved: "Application a: Applications"},
		"a template's text":     {files: map[string]string{"r/a.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: {{ .x }}}\n"}, unresolved: "r/a.yaml: Applications"},
		"a list":                {files: map[string]string{"r/s.yaml": set("{list: {elements: [{dir: d, path.basename: b}]}}")}, want: []string{"c: r/apps/db [] [r/apps/db]"}},
		"directories":           {files: map[string]string{"r/s.yaml": strings.Replace(set("{git: {repoURL: r, directories: [{path: 'apps/*'}, {path: apps/web, exclude: true}]}}"), "{{.dir}}", "", 1)}, want: []string{"c: r/apps/db [] [r/apps/db]"}},
		"a list that says less": {files: map[string]string{"r/s.yaml": set("{list: {elements: [{dir: d}]}}")}, unresolved: "ApplicationSet s: ApplicationSets"},
		"clusters":              {files: map[string]string{"r/s.yaml": set("{clusters: {}}")}, unresolved: "ApplicationSet s: ApplicationSets"},
	} {
		files := map[string]string{}
		for name, text := range apps {
			files[name] = text
		}
		for name, text := range c.files {
			files[name] = text
		}
		deployed, unresolved, _ := of(files)
		if !slices.Equal(deployed, c.want) || strings.Join(unresolved, "; ") != c.unresolved {
			t.Errorf("%s: %q and %q, expected %q and %q", name, deployed, unresolved, c.want, c.unresolved)
		}
	}
}

// TestSubstitute holds what becomes of variables behind kustomize.
func TestSubstitute(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ more, text, want string }{
		{"", "a: ${x}", "a: ${x}"}, // nothing is replaced where no variable is known
		{"substitute: {x: one}", "a: ${x} ${y} ${y:-two} ${y:=3} ${x:-two}", "a: one  two 3 one"},
		{"substitute: {x: ''}", "a: ${x} ${x:-two} ${x-two}", "a:  two "},
		{"substitute: {x: one}", "a: $x $${x}", "a: $x ${x}"},
		{"substitute: {x: one}", "a: ${x:0:1} ${x/o/i}", "a: ${x:0:1} ${x/o/i}"},
		{"substitute: {x: one}, substituteFrom: [{kind: Secret, name: s}]", "a: ${x} ${y} ${y:-two}", "a: one ${y} ${y:-two}"},
		{"substituteStrategy: Always", "a: ${y:=two}", "a: two"},
		{"substitute: {x: one}", "metadata:\n  annotations:\n    kustomize.toolkit.fluxcd.io/substitute: disabled\na: ${x}", "metadata:\n  annotations:\n    kustomize.toolkit.fluxcd.io/substitute: disabled\na: ${x}"},
	} {
		_, _, all := of(map[string]string{"c/a.yaml": flux("a", "apps", ", postBuild: {"+c.more+"}"), "apps/p.yaml": manifest})
		if len(all) != 1 {
			t.Fatalf("%s: %v", c.more, all)
		}
		got := c.text
		if all[0].Substitute != nil {
			got = string(all[0].Substitute([]byte(c.text)))
		}
		if got != c.want {
			t.Errorf("%s of %q: %q, expected %q", c.more, c.text, got, c.want)
		}
	}
}

// TestPlaced: an object that names no namespace is in that of its deployment; the others, and those
// that have none, are where they were.
func TestPlaced(t *testing.T) {
	t.Parallel()
	scanned, found := object.Scan("a.yaml", []byte(manifest+"---\napiVersion: v1\nkind: Pod\nmetadata: {name: q, namespace: own}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n"+
		"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: c}\n---\napiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata: {name: w}\n"))
	if len(found) > 0 {
		t.Fatal(found)
	}
	var got []string
	for _, o := range (gitops.Deployment{Namespace: "team"}).Placed(scanned.Objects) {
		got = append(got, o.ID.String())
	}
	if text := strings.Join(got, ", "); text != "Pod team/p, Pod own/q, Namespace shop, CiliumNetworkPolicy team/c, CiliumClusterwideNetworkPolicy w" {
		t.Error(text)
	}
}
