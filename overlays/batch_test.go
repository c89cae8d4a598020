package overlays

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"portcullis.dev/policies/diag"
	_ "portcullis.dev/testdata/seed"
)

const (
	overShop      = "overlays/default/shop"
	kustomizeKind = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
)

// policies are those that the components of tests are laid over.
func policies(names ...string) map[string][]byte {
	files := map[string][]byte{overShop + "/kustomization.yaml": []byte("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\ncomponents: [../../../components/parts]\nresources:\n")}
	for _, name := range names {
		file := "networkpolicy-" + name + ".yaml"
		files[path.Join(overShop, file)] = []byte(fmt.Sprintf("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: %s, namespace: shop, labels: {app: %[1]s}, annotations: {a: b}}\nspec: {podSelector: {matchLabels: {app: %[1]s}}, policyTypes: [Ingress]}\n", name))
		files[overShop+"/kustomization.yaml"] = append(files[overShop+"/kustomization.yaml"], "  - "+file+"\n"...)
	}
	return files
}

// rendered builds policies with a component.
func rendered(c Component, batches bool, names ...string) result {
	j := job{Files: policies(names...)}
	for name, data := range c.Files {
		if batches {
			data = c.batched(name)
		}
		j.Files[path.Join("components/parts", name)] = data
	}
	return j.build(jobUnit{Dir: overShop, Files: diag.SortedKeys(j.Files)})
}

// TestBatchesChangeNothing: what kustomize makes of a component's patches is what it makes
// of them where those that can be are one, or it refuses both.
func TestBatchesChangeNothing(t *testing.T) {
	t.Parallel()
	joined, built := 0, 0
	rapid.Check(t, func(r *rapid.T) {
		word := rapid.SampledFrom([]string{"a", "b", "c"})
		quoted := rapid.SampledFrom([]string{`x`, `"1"`, `'yes'`, `no`, `7`, `""`, `null`})
		target := rapid.SampledFrom([]string{
			"{kind: NetworkPolicy, name: one}", "{kind: NetworkPolicy, name: two}", "{name: two, kind: NetworkPolicy}", "{kind: NetworkPolicy}", "{name: one}",
			"{kind: NetworkPolicy, name: o.*}", "{kind: NetworkPolicy, labelSelector: app=one}", "{kind: NetworkPolicy, annotationSelector: a=x}", "{kind: Network.*, name: one|two}",
		})
		pointer := rapid.SampledFrom([]string{"/metadata/annotations/a", "/metadata/annotations/c", "/metadata/labels/app", "/metadata/labels/b", "/spec/podSelector/matchLabels/b", "/spec/policyTypes/-", "/spec/policyTypes/0", "/metadata/labels", "/spec/podSelector", "/metadata/name"})
		entry := rapid.Custom(func(r *rapid.T) string {
			switch rapid.IntRange(0, 5).Draw(r, "form") {
			case 0, 1:
				return fmt.Sprintf("  - {target: %s, patch: '[{\"op\": \"%s\", \"path\": \"%s\", \"value\": \"%s\"}]'}\n", target.Draw(r, "target"),
					rapid.SampledFrom([]string{"add", "add", "add", "replace", "remove", "test"}).Draw(r, "op"), pointer.Draw(r, "pointer"), word.Draw(r, "value"))
			case 2:
				return fmt.Sprintf("  - target: %s\n    patch: |-\n      - op: add\n        path: %s\n        value: %s\n", target.Draw(r, "target"), pointer.Draw(r, "pointer"), quoted.Draw(r, "value"))
			case 3:
				return fmt.Sprintf("  - patch: |-\n      apiVersion: networking.k8s.io/v1\n      kind: NetworkPolicy\n      metadata: {name: %s, namespace: shop, annotations: {%s: %s}}\n", rapid.SampledFrom([]string{"one", "two"}).Draw(r, "name"), word.Draw(r, "key"), quoted.Draw(r, "value"))
			case 4:
				return fmt.Sprintf("  - target: %s\n    patch: |-\n      apiVersion: networking.k8s.io/v1\n      kind: NetworkPolicy\n      metadata: {name: any, labels: {%s: %s}}\n      spec: {podSelector: {matchLabels: {%s: x}}}\n", target.Draw(r, "target"), word.Draw(r, "key"), quoted.Draw(r, "value"), word.Draw(r, "key"))
			default:
				return fmt.Sprintf("  - {target: %s, path: %s.yaml}\n", target.Draw(r, "target"), word.Draw(r, "file"))
			}
		})
		c := Component{Path: "parts", Files: map[string][]byte{
			"kustomization.yaml": []byte(kustomizeKind + "patches: # one after the other\n" + strings.Join(rapid.SliceOfN(entry, 2, 8).Draw(r, "entries"), "")),
			"a.yaml":             []byte(`[{"op": "add", "path": "/metadata/annotations/file", "value": "a"}, {"op": "remove", "path": "/metadata/annotations/a"}]`),
			"b.yaml":             []byte("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: one, annotations: {file: b, c: null}}\n"),
			"c.yaml":             []byte("- op: add\n  path: /metadata/labels/file\n  value: c\n"),
		}}
		alone, batch := rendered(c, false, "one", "two"), rendered(c, true, "one", "two")
		if string(c.batched("kustomization.yaml")) != string(c.Files["kustomization.yaml"]) {
			joined++
		}
		if alone.Error == "" {
			built++
		}
		if (alone.Error == "") != (batch.Error == "") {
			r.Fatalf("alone: %s\nin batches: %s", alone.Error, batch.Error)
		}
		if diff := cmp.Diff(alone.Manifests, batch.Manifests); diff != "" {
			r.Fatalf("%s\n%s", c.batched("kustomization.yaml"), diff)
		}
	})
	if joined == 0 || built == 0 {
		t.Errorf("%d components had batches, %d could be built", joined, built)
	}
	t.Logf("%d components had batches, %d could be built", joined, built)
}
