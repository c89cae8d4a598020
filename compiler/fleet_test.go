package compiler

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/lower"
	"portcullis.dev/compiler/render"
	"portcullis.dev/compiler/resolve"
	"portcullis.dev/overlays"
)

// randomFleet is a random repository: a Platform and documents that may stand in any file.
type randomFleet struct {
	platform  string
	documents []string
}

// fleets draws repositories that build: workloads in a few namespaces, lines between
// them that the callee writes, sets, addresses, guardrails and environments.
var fleets = rapid.Custom(func(t *rapid.T) randomFleet {
	namespaces := []string{"alpha", "beta", "gamma"}[:rapid.IntRange(1, 3).Draw(t, "namespaces")]
	var f randomFleet
	f.platform = head("Platform", "fleet") + `spec:
  unknownNamespaces: ` + rapid.SampledFrom([]string{"open", "deny"}).Draw(t, "unknown") + `
  cluster: {podCIDRs: [10.244.0.0/16], serviceCIDRs: [10.96.0.0/12], nodeCIDRs: [172.18.0.0/16]}
  environments: {dev: {}, prod: {}}
  namespaces:
`
	for _, n := range namespaces {
		f.platform += fmt.Sprintf("    %s: {owner: team-%s, labels: {tier: %q}}\n", n, n, rapid.SampledFrom([]string{"front", "back"}).Draw(t, "tier"))
	}
	f.platform += `  peers:
    office: {ports: {https: 443}, is: {dev: [192.0.2.0/24], prod: [198.51.100.0/24, "2001:db8::/64"]}}
`
	type workload struct{ namespace, name string }
	var all []workload
	for _, n := range namespaces {
		for _, name := range []string{"web", "api", "db"}[:rapid.IntRange(1, 3).Draw(t, "workloads")] {
			all = append(all, workload{n, name})
		}
	}
	environments := func(t *rapid.T) string {
		return rapid.SampledFrom([]string{"", ", in: [dev]", ", in: [prod]"}).Draw(t, "in")
	}
	line := func(t *rapid.T, w workload) string {
		from := rapid.SampledFrom(all).Draw(t, "from")
		peer := rapid.SampledFrom([]string{
			from.namespace + "/" + from.name, from.namespace + "/" + from.name, `"*/*"`, `"` + from.namespace + `/*"`,
			`"@office"`, `{cidr: 203.0.113.0/24, except: [203.0.113.7]}`, `{namespaceSelector: {kubernetes.io/metadata.name: ` + from.namespace + `}, selector: {app: x}}`,
		}).Draw(t, "peer")
		port := rapid.SampledFrom([]string{"http", "8080", "metrics"}).Draw(t, "port")
		why := rapid.SampledFrom([]string{"", ", why: because", ", why: of old, ticket: T-1"}).Draw(t, "why")
		return fmt.Sprintf("    - {from: %s, ports: [%s]%s%s}\n", peer, port, environments(t), why)
	}
	for _, w := range all {
		text := head("NetworkIntent", w.name+", namespace: "+w.namespace) + "spec:\n  ports: {http: 8080, metrics: 9090}\n"
		if lines := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return line(t, w) }), 0, 4).Draw(t, "lines"); len(lines) > 0 {
			text += "  inbound:\n" + strings.Join(lines, "")
		}
		if rapid.Bool().Draw(t, "outbound") {
			text += "  outbound: [{to: \"@office\", ports: [https]}]\n"
		}
		if rapid.IntRange(0, 3).Draw(t, "dns") == 0 {
			text += "  dns: false\n"
		}
		f.documents = append(f.documents, text)
	}
	if rapid.Bool().Draw(t, "part") {
		f.documents = append(f.documents, head("Platform", "part")+"spec:\n  flows: [{from: alpha/web, to: \"*/*\", ports: [metrics]}]\n")
	}
	return f
})

func head(kind, metadata string) string {
	return "apiVersion: " + language.APIVersion + "\nkind: " + kind + "\nmetadata: {name: " + metadata + "}\n"
}

// spread lays the documents out over files, in a random order.
func (f randomFleet) spread(t *rapid.T) []language.File {
	texts := map[string][]string{}
	for _, i := range shuffled(t, len(f.documents)) {
		name := rapid.SampledFrom([]string{"a.yaml", "b/c.yml", "z.yaml", "b/a.yaml"}).Draw(t, "file")
		texts[name] = append(texts[name], f.documents[i])
	}
	texts[language.PlatformFile] = []string{f.platform}
	names := slices.Sorted(maps.Keys(texts))
	var files []language.File
	for _, i := range shuffled(t, len(names)) {
		files = append(files, language.File{Path: names[i], Data: []byte(strings.Join(texts[names[i]], "---\n"))})
	}
	return files
}

// shuffled are the numbers below n in a random order.
func shuffled(t *rapid.T, n int) []int {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	return rapid.Permutation(numbers).Draw(t, "order")
}

// TestFilesDoNotMatter compiles random fleets, spread over files in two ways: the
// trees are the same to the byte.
func TestFilesDoNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		f := fleets.Draw(rt, "fleet")
		want, got := treeOf(rt, f.spread(rt)), treeOf(rt, f.spread(rt))
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("the files show (-one way +another):\n%s", diff)
		}
	})
}

// treeOf compiles files without rendering or judging anything.
func treeOf(t rapid.TB, files []language.File) overlays.Tree {
	t.Helper()
	repo, found := language.Parse(files)
	plans, resolved := resolve.Plans(repo, resolve.Options{Targets: lower.Names()})
	r, lowered := render.Lower(plans, nil)
	if err := slices.Concat(found, resolved, lowered).Err(); err != nil {
		t.Fatalf("the files do not compile: %v", err)
	}
	return r.Tree
}
