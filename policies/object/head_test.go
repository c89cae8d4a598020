package object

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	_ "portcullis.dev/testdata/seed"
)

// TestHeadIsTheDocuments writes documents of lines that hide a head from whoever does not
// parse: in texts over several lines, in flow style, behind merges, tags and other spellings
// of keys. Where the head is read for sure, it is what a parser reads, or nothing that a
// cluster would take for a policy.
func TestHeadIsTheDocuments(t *testing.T) {
	t.Parallel()
	lines := []string{
		"apiVersion: v1", "apiVersion: networking.k8s.io/v1", "kind: ConfigMap", "kind: NetworkPolicy", "\"kind\": NetworkPolicy",
		"kind : NetworkPolicy", "? kind", ": NetworkPolicy", "kind: &k NetworkPolicy", "kind: !!str NetworkPolicy", "kind:", "  NetworkPolicy",
		"note: \"", "\"", "note: '", "'", "note: |", "note: >-", "  kind: NetworkPolicy", "metadata: {name: a,", "}", "metadata: {name: a}", "metadata:", "  name: a",
		"<<: *x", "x: &x {kind: NetworkPolicy}", "# kind: NetworkPolicy", "- kind: NetworkPolicy", "items:", "--- {kind: NetworkPolicy}", "%YAML 1.1", "kind: \"NetworkPolicy\"", "Kind: NetworkPolicy", "\tkind: NetworkPolicy", " kind: NetworkPolicy", "",
	}
	sure, policies := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(strings.Join(rapid.SliceOfN(rapid.SampledFrom(lines), 1, 8).Draw(t, "lines"), rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "break")) + "\n")
		for doc := range newSource("a.yaml", text).documents() {
			h, ok := doc.head()
			var parsed head
			raw, err := yaml.YAMLToJSON(doc.text)
			if err != nil || !bytes.HasPrefix(raw, []byte("{")) || yaml.Unmarshal(raw, &parsed) != nil {
				continue
			}
			if parsed.Kind == "NetworkPolicy" && parsed.APIVersion == "networking.k8s.io/v1" {
				policies++
				if ok && !concerns(h) {
					t.Fatalf("read %+v for sure, and a parser reads a policy in\n%s", h, doc.text)
				}
			}
			if ok {
				sure++
			}
		}
	})
	if sure == 0 || policies == 0 {
		t.Errorf("%d heads were read for sure, and %d policies parsed: nothing was compared", sure, policies)
	}
}
