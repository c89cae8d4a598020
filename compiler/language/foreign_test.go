package language

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"portcullis.dev/policies/object"
	_ "portcullis.dev/testdata/seed"
)

// TestPlainlyForeignIsNotOurs holds the look at a document's keys against its YAML, over documents
// that are put together of what heads, values and their disguises are made of: what is plainly
// somebody else's is not ours once it is parsed, be it broken.
func TestPlainlyForeignIsNotOurs(t *testing.T) {
	t.Parallel()
	parts := []string{
		"apiVersion", "kind", "Kind", "api_version", "items", "Items", "metadata", "spec", "a", `"kind"`, "? kind", "<<", "{kind", "[",
		": ", ":", ":\n  ", ": |\n  ", ": >-\n  ", ": \"", ": '", ": *a ", ": &a ", ": !!binary ", "- ", "\n- ", "\n", "\n", "\n  ", "\n\n", "\n# ", " # ", "\t", "\r", "\u0085", "\u2028",
		"portcullis.dev/v1alpha1", "Portcullis", "portculli\u017f", "NetworkIntent", "Platform", "\u212aind: NetworkIntent", "v1", "Pod", "true", "cG9ydGN1bGxpcw==", "\\x70", "\"", "'", "}", "]", "{}", "---\n", "...\n", "%TAG ! a\n",
		"metadata: {name: a}\n", "spec: {}\n", "# of nobody\n", "status: {}\n", "data:\n  a: b\n", "immutable: true\n",
	}
	foreign, ours := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 10).Draw(t, "parts"), "")
		text = rapid.SampledFrom([]string{"", "apiVersion: v1\nkind: Pod\n", "apiVersion: portcullis.dev/v1alpha1\nkind: Platform\n"}).Draw(t, "head") + text
		for doc := range object.Documents("x.yaml", []byte(text)) {
			plain, parsed := plainlyForeign(doc), parsedAsOurs(doc.Text)
			if plain && parsed {
				t.Fatalf("%q is ours, and plainly foreign", doc.Text)
			}
			if plain {
				foreign++
			}
			if parsed {
				ours++
			}
		}
	})
	if foreign < 3 || ours < 10 {
		t.Errorf("%d documents are plainly foreign, %d are ours", foreign, ours)
	}
}
