package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"portcullis.dev/compiler/bundle"
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

// lfs is what a clone holds of a file where Git LFS is not installed.
const lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"

// utf16of is a text as an editor on Windows may save it.
func utf16of(text string, marked bool) string {
	var b strings.Builder
	if marked {
		b.WriteString("\xff\xfe")
	}
	for _, c := range utf16.Encode([]rune(text)) {
		b.Write([]byte{byte(c), byte(c >> 8)})
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
	part := apiVersion + "kind: Platform\nmetadata: {name: more}\nspec: {guardrails: [{name: g, isolate: t}]}\n"
	licence := "# a long licence\n" + strings.Repeat("#\n", 4_300_000)
	with := func(name, text string, more ...string) map[string]string {
		files := map[string]string{name: text}
		for i := 0; i+1 < len(more); i += 2 {
			files[more[i]] = more[i+1]
		}
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
		{"a Platform part behind 8 MiB of comments", with("platform/guardrails.yaml", licence+part), exitInput, "platform/guardrails.yaml: error PC015: larger than 8 MiB"},
		{"a large file where nothing of ours may lie", map[string]string{one: platform + "spec: {trusted: [platform], namespaces: {shop: {path: intents}}}\n", "intents/a.yaml": intents(2), "docs/large.yaml": licence + part}, exitOK, "docs/large.yaml: warning PC015: larger than 8 MiB"},
		{"a large file in a tenant's path", map[string]string{one: platform + "spec: {trusted: [platform], namespaces: {shop: {path: intents}}}\n", "intents/a.yaml": intents(2), "intents/large.yaml": licence}, exitInput, "intents/large.yaml: error PC015: larger than 8 MiB"},
		{"a document of 9,000 lines that make no sense", with("intents/long.yaml", apiVersion+"kind: NetworkIntent\nmetadata: {name: long, namespace: shop}\nspec:\n  in:\n"+strings.Repeat("    - [a]\n", 9000)), exitInput, "error PC004: expected one word, found a list — 1000 places"},
		{"10,000 intents in one file, the last one misspelt", map[string]string{one: platform, "intents/many.yaml": intents(10_000) + "  inbuond: []\n"}, exitInput, "intents/many.yaml:70000:3: error PC002: there is no field \"inbuond\" here"},
		{"an empty repository", map[string]string{}, exitInput, "portcullis.yaml: error PC116: there is no Platform in the repository"},
		{"a Platform and nothing else", map[string]string{one: platform}, exitInput, "portcullis.yaml:3:18: error PC121: the repository has no NetworkIntent"},
		{"a missing portcullis.yaml", map[string]string{"intents/a.yaml": intents(2)}, exitInput, "portcullis.yaml: error PC116: there is no Platform in the repository"},
		{"an empty portcullis.yaml", with(one, ""), exitInput, "portcullis.yaml: error PC116: there is no Platform in the repository"},
		{"a file that is not YAML", with("intents/prose.yaml", "Dear all,\n\nkind: NetworkIntent\n\tis what we want: [\n"), exitInput, "intents/prose.yaml:4:1: error PC001: a tab in the indentation"},
		{"a binary file with the name of an intent", with("intents/binary.yaml", "\x7fELF\x02\x01\x00kind: NetworkIntent\xff\xfe\x00"), exitInput, "intents/binary.yaml:1:27: error PC007: the byte 0xff is not UTF-8"},
		{"a binary file beside the intents", with("intents/image.yaml", "\x89PNG\r\n\x1a\n\x00\xff"), exitInput, "intents/image.yaml:1:1: error PC007: the byte 0x89 is not UTF-8"},
		{"a binary file where nothing of ours may lie", map[string]string{one: platform + "spec: {trusted: [], namespaces: {shop: {path: intents}}}\n", "intents/a.yaml": intents(2), "docs/image.yaml": "\x89PNG\r\n\x1a\n\x00\xff"}, exitOK, ""},
		{"a guardrail in UTF-16", with("platform/guardrails.yaml", utf16of(apiVersion+"kind: Platform\nmetadata: {name: more}\nspec: {guardrails: [{name: g, isolate: t}]}\n", true)), exitInput, "platform/guardrails.yaml:1:1: error PC007: the byte 0xff is not UTF-8"},
		{"a guardrail in UTF-16 without a mark", with("platform/guardrails.yaml", utf16of(apiVersion+"kind: Platform\nmetadata: {name: more}\nspec: {guardrails: [{name: g, isolate: t}]}\n", false)), exitInput, "platform/guardrails.yaml: error PC007: the file holds NUL characters, as UTF-16 does"},
		{"a pointer of Git LFS", with("platform/guardrails.yaml", lfs), exitInput, "platform/guardrails.yaml: error PC007: a pointer of Git LFS stands here in place of the file"},
		{"a pointer of Git LFS as hawser", with("platform/guardrails.yaml", strings.Replace(lfs, "git-lfs.github.com", "hawser.github.com", 1)), exitInput, "platform/guardrails.yaml: error PC007: a pointer of Git LFS stands here in place of the file"},
		{"a pointer of Git LFS as git-media", with("platform/guardrails.yaml", strings.Replace(lfs, "https://git-lfs.github.com/spec/v1", "http://git-media.io/v/2", 1)), exitInput, "platform/guardrails.yaml: error PC007: a pointer of Git LFS stands here in place of the file"},
		{"a pointer of Git LFS below an empty line", with("platform/guardrails.yaml", "\n"+lfs), exitInput, "platform/guardrails.yaml: error PC007: a pointer of Git LFS stands here in place of the file"},
		{"an intent that is a pointer of Git LFS", with("intents/a.yaml", lfs), exitInput, "intents/a.yaml: error PC007: a pointer of Git LFS stands here in place of the file"},
		{"a rule that is a pointer of Git LFS", with("checks/own.rego", lfs), exitInput, "checks/own.rego: error PC007: a pointer of Git LFS stands here in place of the file"},
		{"a component's file that is a pointer of Git LFS", map[string]string{one: platform + "spec: {components: [{path: parts, namespaces: [shop]}], namespaces: {shop: {}}}\n", "intents/a.yaml": intents(2),
			"parts/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [more.yaml]\n", "parts/more.yaml": lfs}, exitInput, "parts/more.yaml: error PC007: a pointer of Git LFS stands here in place of the file"},
		{"text that is not YAML, without a word of ours", with("intents/other.yaml", "a: [\n"), exitInput, "intents/other.yaml:1:1: error PC001: did not find expected node content"},
		{"Platform flows of a tenant, and nobody said to be trusted", map[string]string{one: platform + "spec: {namespaces: {shop: {path: intents}}}\n", "intents/a.yaml": intents(2),
			"intents/x.yaml": apiVersion + "kind: Platform\nmetadata: {name: x}\nspec: {flows: [{from: shop/w0, to: shop/w1, ports: [80]}]}\n"}, exitInput, "portcullis.yaml:4:34: error PC115: namespace shop has a path, and the Platform does not say which directories are trusted"},
		{"a marker over the user's own rules", with("checks/bundle.json", `{"schema":"portcullis.dev/bundle/v1","outputs":{"own.rego":"`+bundle.Digest([]byte("package x\n"))+`"}}`, "checks/own.rego", "package x\n"), exitInput, "checks/own.rego: error PC014: a rule inside the bundle checks"},
		{"a Platform part that does not parse, beside a marker", with("platform/bundle.json", `{"schema":"portcullis.dev/bundle/v1alpha1","outputs":{}}`, "platform/g.yaml", `"\x6bind": "Platf\x6frm"`+"\n"+`"apiVersion": "port\x63ullis.dev/v1alpha1"`+"\nspec: [\n"), exitInput, "platform/g.yaml:3:1: error PC001: did not find expected node content"},
		{"a part of the Platform whose keys have another case", with("platform/guardrails.yaml", strings.NewReplacer("apiVersion", "apiversion", "kind", "Kind").Replace(part)), exitInput, "platform/guardrails.yaml:1:1: error PC002: there is no field \"apiversion\" here: apiVersion is spelt so"},
		{"a part of the Platform with one key in another case", with("platform/guardrails.yaml", strings.Replace(part, "kind", "KIND", 1)), exitInput, "platform/guardrails.yaml:2:1: error PC002: there is no field \"KIND\" here: kind is spelt so"},
		{"a part of the Platform in JSON", with("platform/guardrails.json", "{\n\t\"apiVersion\": \"portcullis.dev/v1alpha1\",\n\t\"kind\": \"Platform\",\n\t\"metadata\": {\"name\": \"more\"},\n\t\"spec\": {\"guardrails\": [{\"name\": \"g\", \"isolate\": \"t\"}]}\n}\n"), exitInput, "platform/guardrails.json: error PC014: an intent in a file of JSON"},
		{"an intent in JSON with comments", with("intents/web.JSON", "{\n  // ours\n  \"kind\": \"NetworkIntent\"\n}\n"), exitInput, "intents/web.JSON: error PC014: an intent in a file of JSON"},
		{"JSON of other programs", with("package.json", "{\"name\": \"portcullis\"}\n", "tsconfig.json", "{ // kind: NetworkIntent\n}\n", "data.json", utf16of("{}", true), "none.json", "[", "service.json", "{\"apiVersion\": \"v1\", \"kind\": \"Service\"}\n"), exitOK, ""},
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
