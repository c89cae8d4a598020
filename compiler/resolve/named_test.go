package resolve_test

import (
	"strings"
	"testing"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/resolve"
)

// TestNamesMeanTheSameInAnyOrder looks up @names one after the other, in each environment: addresses, pods
// by their labels, workloads, which are resolved only then, and what is wrong.
func TestNamesMeanTheSameInAnyOrder(t *testing.T) {
	t.Parallel()
	repo, found := language.Parse([]language.File{
		{Path: language.PlatformFile, Data: []byte(`apiVersion: portcullis.dev/v1alpha1
kind: Platform
metadata: {name: p}
spec:
  environments: {dev: {}, prod: {}}
  cluster: {podCIDRs: [10.244.0.0/16], nodeCIDRs: [10.1.0.0/24]}
  namespaces: {shop: {}, ops: {}}
  peers:
    blocks: {is: {dev: [192.0.2.1], prod: [192.0.2.0/24, 203.0.113.7]}}
    tools: {is: {dev: [ops/*], prod: [ops/probe, shop/web, 192.0.2.9]}}
    lost: {is: {dev: [shop/web], prod: [shop/wob]}}
    here: {is: {dev: [ops/probe]}}
`)},
		{Path: "i.yaml", Data: []byte("apiVersion: portcullis.dev/v1alpha1\nkind: NetworkIntent\nmetadata: {name: web, namespace: shop}\nspec: {}\n---\n" +
			"apiVersion: portcullis.dev/v1alpha1\nkind: NetworkIntent\nmetadata: {name: probe, namespace: ops}\nspec: {}\n")},
	})
	if len(found) > 0 {
		t.Fatal(found)
	}
	want := map[string]map[string]string{
		"dev": {
			"blocks": "@blocks", "tools": "ops/*", "lost": "shop/web", "here": "ops/probe", "nodes": "@nodes", "internet": "@internet",
			"blick": "the Platform has no peer called @blick",
		},
		"prod": {
			"blocks": "@blocks", "tools": "ops/probe shop/web @tools", "lost": `no workload named "wob" in namespace shop`, "here": "@here does not say who it is here",
			"nodes": "@nodes", "internet": "@internet", "blick": "the Platform has no peer called @blick",
		},
	}
	for environment, means := range want {
		for _, order := range [][]string{
			{"blocks", "nodes", "tools", "lost", "internet", "here", "blick"}, {"here", "lost", "lost", "blocks", "blick", "tools", "tools", "nodes", "internet"},
		} {
			names := resolve.NamesIn(repo, environment, options)
			for _, name := range order {
				ends, wrong := names.Ends(name)
				var words []string
				for _, e := range ends {
					words = append(words, e.Name)
				}
				for _, d := range wrong {
					words = append(words, d.Message)
				}
				if got := strings.Join(words, " "); got != means[name] {
					t.Errorf("@%s in %s is %s, expected %s", name, environment, got, means[name])
				}
			}
		}
	}
}
