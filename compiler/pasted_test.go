package compiler

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/yamltext"
)

// TestPastedYAMLReadsBack: what a hint tells to write, and what an edit writes, says what was
// meant, for names and values that YAML takes for something else. WORD is one of them.
func TestPastedYAMLReadsBack(t *testing.T) {
	t.Parallel()
	const (
		platform = "apiVersion: portcullis.dev/v1alpha1\nkind: Platform\nmetadata: {name: p}\n"
		intent   = "apiVersion: portcullis.dev/v1alpha1\nkind: NetworkIntent\n"
		word     = `"WORD"`
	)
	tests := map[string]struct {
		files map[string]string
		rule  string
		hint  string // holds what is pasted
		edits bool   // it is what an edit writes, too
		want  any
	}{
		"a label that the Platform lacks": {map[string]string{
			"portcullis.yaml": platform + "spec: {namespaces: {a: {labels: {team: x}}, b: {}}}\n",
			"i.yaml":          intent + "metadata: {name: web, namespace: b}\nspec: {ports: {http: 80}}\n",
			"m.yaml":          "apiVersion: v1\nkind: Namespace\nmetadata: {name: b, labels: {team: " + word + "}}\n",
		}, "PC145", `^add (.*) to the labels of`, false, map[string]any{"team": "WORD"}},
		"a workload's name": {map[string]string{
			"portcullis.yaml": platform + "spec: {}\n",
			"i.yaml":          intent + "metadata: {name: " + word + ", namespace: b}\nspec: {ports: {http: 80}, inbound: [{from: \"WORDx\", ports: [http]}]}\n",
		}, "PC101", `^did you mean (.*)\?$`, true, "WORD"},
		"a name that is elsewhere": {map[string]string{
			"portcullis.yaml": platform + "spec: {}\n",
			"i.yaml":          intent + "metadata: {name: web, namespace: " + word + "}\nspec: {ports: {http: 80}, inbound: [{from: far-away-from, ports: [http]}]}\n",
		}, "PC101", `by label: (.*})$`, false, map[string]any{"namespace": "WORD", "selector": map[string]any{"…": nil}}},
		"a namespace": {map[string]string{
			"portcullis.yaml": platform + "spec: {namespaces: {" + word + ": {}}}\n",
			"i.yaml":          intent + "metadata: {name: web, namespace: \"WORDx\"}\nspec: {ports: {http: 80}}\n",
		}, "PC102", `^did you mean (.*)\?$`, true, "WORD"},
		"an environment": {map[string]string{
			"portcullis.yaml": platform + "spec: {environments: {" + word + ": {}, x: {group: " + word + "}}}\n",
		}, "PC119", `rename one of the two: (.*) must mean`, false, map[string]any{"in": []any{"WORD"}}},
		"a list of one": {map[string]string{
			"portcullis.yaml": platform + "spec: {environments: {x: {}, " + word + ": {}}}\n",
			"i.yaml":          intent + "metadata: {name: web, namespace: b}\nspec: {ports: {http: 80}, inbound: [{from: \"@internet\", ports: [http], in: " + word + "}]}\n",
		}, "PC004", `^write it as (.*)$`, true, []any{"WORD"}},
		"a name in another spelling": {map[string]string{
			"portcullis.yaml": platform + "spec: {}\n",
			"i.yaml":          intent + "metadata: {name: \"WORD_\", namespace: b}\nspec: {ports: {http: 80}}\n",
		}, "PC108", `did you mean (.*)\?$`, false, "WORD"},
		"a peer in another spelling": {map[string]string{
			"portcullis.yaml": platform + "spec: {}\n",
			"i.yaml":          intent + "metadata: {name: web, namespace: b}\nspec: {ports: {http: 80}, inbound: [{from: \"WORD_\", ports: [http]}]}\n",
		}, "PC109", `did you mean (.*)\?$`, false, "WORD"},
		"the namespace of a waiver": {map[string]string{
			"portcullis.yaml": platform + "spec: {}\n",
			"i.yaml":          intent + "metadata: {name: web, namespace: " + word + "}\nspec: {ports: {http: 80}}\n",
			"w.yaml":          "apiVersion: portcullis.dev/v1alpha1\nkind: Waiver\nmetadata: {name: w}\nspec: {rule: PC201, match: {namespace: \"WORDx\"}, owner: a, approvedBy: b, reason: c, ticket: d, expires: 2027-01-01}\n",
		}, "PC506", `^did you mean (.*)\?$`, true, "WORD"},
	}
	words := []string{"yes", "off", "true", "false", "null", "123", "007", "1e3", "0x1f", "0b101", "2001-12-14"}
	for _, w := range words {
		if !yamltext.Ambiguous(w) {
			t.Errorf("%s is nothing but text: it proves nothing", w)
		}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, w := range append(words, "web-1") {
				put := func(s string) string { return strings.ReplaceAll(s, "WORD", w) }
				var files []language.File
				for _, path := range diag.SortedKeys(test.files) {
					files = append(files, language.File{Path: path, Data: []byte(put(test.files[path]))})
				}
				built, err := Build(t.Context(), files, nil)
				if err != nil {
					t.Fatal(err)
				}
				var pasted []string
				for _, d := range built.Report.Findings {
					if d.Rule.Code != test.rule {
						continue
					}
					if m := regexp.MustCompile(test.hint).FindStringSubmatch(d.Hint); m != nil {
						pasted = append(pasted, m[1])
					}
					for _, e := range d.Fix {
						pasted = append(pasted, e.NewText)
					}
				}
				if most := map[bool]int{false: 1, true: 2}[test.edits]; len(pasted) != most {
					t.Fatalf("%s: %q is pasted, expected %d texts:\n%v", w, pasted, most, built.Report.Findings)
				}
				for _, text := range pasted {
					var got any
					if err := yaml.Unmarshal([]byte(text), &got); err != nil {
						t.Fatalf("%s: %v", text, err)
					}
					if diff := cmp.Diff(substituted(test.want, put), got); diff != "" {
						t.Errorf("%s says something else (-want +got):\n%s", text, diff)
					}
				}
			}
		})
	}
}

// substituted is a value with other strings in it.
func substituted(v any, put func(string) string) any {
	switch v := v.(type) {
	case string:
		return put(v)
	case []any:
		var l []any
		for _, item := range v {
			l = append(l, substituted(item, put))
		}
		return l
	case map[string]any:
		m := map[string]any{}
		for k, member := range v {
			m[k] = substituted(member, put)
		}
		return m
	}
	return v
}
