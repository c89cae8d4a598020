package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portcullis.dev/compiler/plan"
)

const apiVersion = "apiVersion: " + plan.Group + "/v1alpha1\n"

// intents are so many documents, each a workload that the one before it calls.
func intents(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "---\n%skind: NetworkIntent\nmetadata: {name: w%d, namespace: shop}\nspec:\n  ports: {http: 80}\n", apiVersion, i)
		if i > 0 {
			fmt.Fprintf(&b, "  inbound: [{from: w%d, ports: [http]}]\n", i-1)
		}
	}
	return b.String()
}

// TestHostileRepositories: what a repository may hold that nobody meant, or that
// somebody meant ill, with the exit code and the first line that a user reads.
func TestHostileRepositories(t *testing.T) {
	t.Parallel()
	const one = "portcullis.yaml"
	platform := apiVersion + "kind: Platform\nmetadata: {name: fleet}\n"
	sound := map[string]string{one: platform, "intents/a.yaml": intents(2)}
	with := func(name, text string) map[string]string {
		files := map[string]string{name: text}
		for n, data := range sound {
			if _, replaced := files[n]; !replaced {
				files[n] = data
			}
		}
		return files
	}
	tests := []struct {
		name  string
		files map[string]string
		exit  int
		first string // of stderr; of a sound repository it does not matter
	}{
		{"the sound part", sound, exitOK, ""},
		{"an intent file of 10 MB", with("intents/big.yaml", intents(1)+strings.Repeat("# words\n", 10<<17)), exitInput, "intents/big.yaml: error PC015: larger than 8 MiB"},
		{"a document of 20,000 lines that make no sense", with("intents/long.yaml", apiVersion+"kind: NetworkIntent\nmetadata: {name: long, namespace: shop}\nspec:\n  in:\n"+strings.Repeat("    - [a]\n", 20_000)), exitInput, "intents/long.yaml:1:1: error PC006: the document has 20000 mistakes, of which 1000 are told"},
		{"10,000 intents in one file, the last one misspelt", map[string]string{one: platform, "intents/many.yaml": intents(10_000) + "  inbuond: []\n"}, exitInput, "intents/many.yaml:70000:3: error PC002: there is no field \"inbuond\" here"},
		{"an empty repository", map[string]string{}, exitInput, "portcullis.yaml: error PC116: there is no Platform in the repository"},
		{"a Platform and nothing else", map[string]string{one: platform}, exitInput, "portcullis.yaml:3:18: error PC121: the repository has no NetworkIntent"},
		{"a missing portcullis.yaml", map[string]string{"intents/a.yaml": intents(2)}, exitInput, "portcullis.yaml: error PC116: there is no Platform in the repository"},
		{"an empty portcullis.yaml", with(one, ""), exitInput, "portcullis.yaml: error PC116: there is no Platform in the repository"},
		{"a file that is not YAML", with("intents/prose.yaml", "Dear all,\n\nkind: NetworkIntent\n\tis what we want: [\n"), exitInput, "intents/prose.yaml:4:1: error PC001: a tab in the indentation"},
		{"a binary file with the name of an intent", with("intents/binary.yaml", "\x7fELF\x02\x01\x00kind: NetworkIntent\xff\xfe\x00"), exitInput, "intents/binary.yaml:1:27: error PC007: the byte 0xff is not UTF-8"},
		{"a binary file beside the intents", with("intents/image.yaml", "\x89PNG\r\n\x1a\n\x00\xff"), exitOK, ""},
		{"a binary portcullis.yaml", with(one, "\x89PNG\r\n\x1a\n\x00\xff"), exitInput, "portcullis.yaml:1:1: error PC007: the byte 0x89 is not UTF-8"},
		{"a Helm template beside the intents", with("charts/web/templates/deployment.yaml", "{{- if .Values.enabled }}\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: {{ .Release.Name }}}\n{{- end }}\n"), exitOK, ""},
		{"a Helm template of an intent", with("charts/web/templates/intent.yaml", "{{- if .Values.enabled }}\n"+intents(1)+"{{- end }}\n"), exitInput, "charts/web/templates/intent.yaml:1:1: error PC001: the document does not parse as YAML: did not find expected node content"},
		{"an alias bomb", with("intents/bomb.yaml", "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nkind: NetworkIntent\n"), exitInput, "intents/bomb.yaml:1:4: error PC005: an anchor (&a)"},
		{"nesting 100,000 deep", with("intents/deep.yaml", "kind: NetworkIntent\nspec: "+strings.Repeat("[", 100_000)+"\n"), exitInput, "intents/deep.yaml:2:1: error PC001: the document does not parse as YAML: exceeded max depth of 10000"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "repo")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			for name, text := range test.files {
				name = filepath.Join(dir, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			code, out, err := here(t.Context(), []string{"build", dir}, nil)
			said := strings.ReplaceAll(err, filepath.ToSlash(dir)+"/", "")
			said = strings.ReplaceAll(said, filepath.ToSlash(dir), "DIR")
			first, _, _ := strings.Cut(said, "\n")
			if code != test.exit || test.first != "" && first != test.first {
				t.Errorf("exit %d, expected %d; first line:\n%s\nexpected:\n%s", code, test.exit, first, test.first)
			}
			if (out != "") != (code == exitOK) {
				t.Errorf("exit %d with %d bytes of manifests", code, len(out))
			}
			if len(said) > 1<<20 {
				t.Errorf("a report of %d bytes", len(said))
			}
		})
	}
}
