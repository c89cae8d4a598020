package overlays

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
	"sigs.k8s.io/kustomize/kyaml/yaml"

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
		// What readers of YAML do not agree about, and numbers that are written in other ways than read.
		quoted := rapid.SampledFrom([]string{`x`, `y`, `"1"`, `'yes'`, `no`, `Off`, `7`, `-1`, `007`, `1_0`, `0x1f`, `1.5`, `1e3`, `12345678901234567890`, `1:20`, `2001-01-01`, `"<&>"`, `""`, `null`, `~`, `true`, `True`, `false`, `[x, y]`, `[]`, `{a: n}`, `{}`})
		encoded := rapid.SampledFrom([]string{`"x"`, `"x"`, `"<&>"`, `"\u0061"`, `"\u003c"`, `"a"`, `"<"`, `"yes"`, `true`, `7`, `7.0`, `1e3`, `1000`, `12345678901234567890`, `null`, `["a", 1, false]`, `{"b": "on", "a": 1}`, `[]`, `{"a": null}`})
		target := rapid.SampledFrom([]string{
			"{kind: NetworkPolicy, name: one}", "{kind: NetworkPolicy, name: two}", "{name: two, kind: NetworkPolicy}", "{kind: NetworkPolicy}", "{name: one}",
			"{kind: NetworkPolicy, name: o.*}", "{kind: NetworkPolicy, labelSelector: app=one}", "{kind: NetworkPolicy, annotationSelector: a=x}", "{kind: NetworkPolicy, name: one, labelSelector: app=one}", "{kind: Network.*, name: one|two}",
		})
		pointer := rapid.SampledFrom([]string{"/metadata/annotations/a", "/metadata/annotations/c", "/metadata/labels/app", "/metadata/labels/b", "/spec/podSelector/matchLabels/b", "/spec/podSelector/matchLabels/c", "/spec/ingress", "/spec/ingress/0", "/spec/policyTypes/-", "/spec/policyTypes/0", "/metadata/labels", "/spec/podSelector", "/metadata/name"})
		entry := rapid.Custom(func(r *rapid.T) string {
			switch rapid.IntRange(0, 7).Draw(r, "form") {
			case 0, 1:
				return fmt.Sprintf("  - {target: %s, patch: '[{\"op\": \"%s\", \"path\": \"%s\", \"value\": %s}]'}\n", target.Draw(r, "target"),
					rapid.SampledFrom([]string{"add", "add", "add", "replace", "remove", "test"}).Draw(r, "op"), pointer.Draw(r, "pointer"), encoded.Draw(r, "value"))
			case 2:
				return fmt.Sprintf("  - target: %s\n    patch: |-\n      - op: %s\n        path: %s\n        value: %s\n", target.Draw(r, "target"), rapid.SampledFrom([]string{"add", "add", "test"}).Draw(r, "op"), pointer.Draw(r, "pointer"), quoted.Draw(r, "value"))
			case 3:
				return fmt.Sprintf("  - patch: |-\n      apiVersion: networking.k8s.io/v1\n      kind: NetworkPolicy\n      metadata: {name: %s, namespace: shop, annotations: {%s: %s}}\n", rapid.SampledFrom([]string{"one", "two"}).Draw(r, "name"), word.Draw(r, "key"), quoted.Draw(r, "value"))
			case 4:
				return fmt.Sprintf("  - target: %s\n    patch: |-\n      apiVersion: networking.k8s.io/v1\n      kind: NetworkPolicy\n      metadata: {name: any, labels: {%s: %s}}\n      spec: {podSelector: {matchLabels: {%s: x}}}\n", target.Draw(r, "target"), word.Draw(r, "key"), quoted.Draw(r, "value"), word.Draw(r, "key"))
			case 5:
				return fmt.Sprintf("  - patch: |-\n      apiVersion: networking.k8s.io/v1\n      kind: NetworkPolicy\n      metadata: {name: one, namespace: shop}\n      spec: {%s: %s, podSelector: {matchLabels: {%s: %s}}}\n",
					rapid.SampledFrom([]string{"policyTypes", "ingress", "y"}).Draw(r, "field"), quoted.Draw(r, "value"), word.Draw(r, "key"), quoted.Draw(r, "label"))
			case 6:
				return fmt.Sprintf("  - target: %s\n    patch: |-\n      apiVersion: networking.k8s.io/v1\n      kind: NetworkPolicy\n      metadata: {name: any}\n      spec: {ingress: [{ports: [{port: %s, protocol: TCP}], from: [{podSelector: {matchLabels: {%s: %s}}}]}]}\n", target.Draw(r, "target"), quoted.Draw(r, "value"), word.Draw(r, "key"), quoted.Draw(r, "label"))
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
		if alone.Error == "" {
			built++
			if string(c.batched("kustomization.yaml")) != string(c.Files["kustomization.yaml"]) {
				joined++
			}
		}
		if (alone.Error == "") != (batch.Error == "") {
			r.Fatalf("alone: %s\nin batches: %s", alone.Error, batch.Error)
		}
		if diff := cmp.Diff(alone.Manifests, batch.Manifests); diff != "" {
			r.Fatalf("%s\n%s", c.batched("kustomization.yaml"), diff)
		}
	})
	if joined == 0 {
		t.Errorf("%d components had batches, of %d that could be built", joined, built)
	}
	t.Logf("%d components had batches, of %d that could be built", joined, built)
}

// TestBatchesAreFew: patches that are written alike cost one, whatever their values are.
func TestBatchesAreFew(t *testing.T) {
	t.Parallel()
	const named = "apiVersion: networking.k8s.io/v1\n      kind: NetworkPolicy\n      metadata: {name: one, namespace: shop"
	for name, entry := range map[string]string{
		"operations in JSON":         `{target: {kind: NetworkPolicy}, patch: '[{"op": "add", "path": "/metadata/annotations/a%d", "value": "x"}]'}`,
		"values of every type":       `{target: {kind: NetworkPolicy}, patch: '[{"op": "add", "path": "/spec/a%d", "value": [true, 1, "<"]}]'}`,
		"operations in YAML":         "target: {kind: NetworkPolicy, name: one}\n    patch: |-\n      - {op: add, path: /spec/a%d, value: {port: 80, end: y, on: 'yes', list: [true]}}",
		"targets by label":           "target: {labelSelector: app=one}\n    patch: |-\n      - {op: add, path: /metadata/annotations/a%d, value: x}",
		"targets by annotation":      "target: {annotationSelector: a=b}\n    patch: |-\n      - {op: add, path: /metadata/labels/a%d, value: x}",
		"merges of texts":            "patch: |-\n      " + named + ", annotations: {a%d: x}}",
		"words that may be booleans": "patch: |-\n      " + named + ", annotations: {a%d: y, on: off}}",
		"numbers and booleans":       "patch: |-\n      " + named + "}\n      spec: {a%d: 1, on: true}",
		"lists":                      "patch: |-\n      " + named + "}\n      spec: {a%d: x, policyTypes: [Ingress]}",
		"merges by target":           "target: {kind: NetworkPolicy}\n    patch: |-\n      " + named + "}\n      spec: {a%d: x, ingress: [{ports: [{port: 80}]}]}",
	} {
		text := kustomizeKind + "patches:\n"
		for i := range 50 {
			text += "  - " + fmt.Sprintf(entry, i) + "\n"
		}
		var batched struct {
			Patches []map[string]any `yaml:"patches"`
		}
		c := Component{Path: "parts", Files: map[string][]byte{"kustomization.yaml": []byte(text)}}
		if err := yaml.Unmarshal(c.batched("kustomization.yaml"), &batched); err != nil || len(batched.Patches) != 1 {
			t.Errorf("%s: %d patches, %v; expected one", name, len(batched.Patches), err)
		}
		if diff := cmp.Diff(rendered(c, false, "one", "two"), rendered(c, true, "one", "two")); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
