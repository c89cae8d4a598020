package language_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"portcullis.dev/compiler/language"
)

// spellings lists ways in which YAML lets one word be written.
func spellings(word string) []string {
	first, rest := word[:1], word[1:]
	half := len(word) / 2
	return []string{
		word, `"` + word + `"`, "'" + word + "'",
		fmt.Sprintf(`"\u%04x%s"`, first[0], rest), fmt.Sprintf(`"\x%02x%s"`, first[0], rest), fmt.Sprintf(`"\U%08x%s"`, first[0], rest),
		`"` + word[:half] + "\\\n    " + word[half:] + `"`,
		"!!str " + word, "!<tag:yaml.org,2002:str> " + word, "&a " + word,
		"!!binary " + base64.StdEncoding.EncodeToString([]byte(word)),
		`!<tag:yaml.org,2002:bin%61ry> "` + base64.StdEncoding.EncodeToString([]byte(word)) + `"`,
	}
}

// TestOursInEverySpelling writes heads of documents in every way that YAML has: what is ours
// stays ours, and what is not does not become it.
func TestOursInEverySpelling(t *testing.T) {
	t.Parallel()
	shapes := []string{
		"%s: %s\n%s: %s\nmetadata: {name: x}\n",
		"# portcullis\n---\n%s: %s\n%s: %s\n",
		"{%s: %s, %s: %s}\n",
		"{\n  %s: %s,\n  %s: %s\n}\n",
		"a: b\n---\n%s: %s\n%s: %s\n...\n",
		"apiVersion: v1\nkind: List\nitems:\n  - {%s: %s, %s: %s}\n",
		"<<: {%s: %s, %s: %s}\n",
	}
	for _, c := range []struct {
		apiVersion, kind string
		ours             bool
	}{
		{"portcullis.dev/v1alpha1", "NetworkIntent", true},
		{"portcullis.dev/v1alpha1", "Platfrom", true},
		{"portcullis.dev/v2", "Thing", true},
		{"Portcullis.dev/v1alpha1", "Waiver", true},
		{"net.portcullis.example/v1", "Thing", true},
		{"example.org/v1", "NetworkIntent", true},
		{"portculis.dev/v1alpha1", "Platform", true},
		{"portculis.dev/v1alpha1", "Waiver", true},
		{"example.org/v1", "Thing", false},
		{"networking.k8s.io/v1", "NetworkPolicy", false},
	} {
		tried := 0
		for _, shape := range shapes {
			for i, apiVersion := range spellings(c.apiVersion) {
				for j, kind := range spellings(c.kind) {
					for _, keys := range [][2]string{{"apiVersion", "kind"}, {`"apiVersion"`, "'kind'"}, {`"\u0061piVersion"`, `"\x6bind"`}, {"apiversion", "Kind"}, {"APIVERSION", "KIND"}, {"api_version", `"\u004bind"`}, {`"api-Version"`, `" kind"`}, {"? apiVersion\n", "? kind\n"}} {
						if strings.HasPrefix(keys[0], "?") && (strings.Contains(shape, "{%s") || strings.Contains(shape, "{\n")) {
							continue
						}
						text := fmt.Sprintf(shape, keys[0], apiVersion, keys[1], kind)
						if tried++; language.Ours(language.File{Path: "x.yaml", Data: []byte(text)}) != c.ours {
							t.Errorf("spelt in ways %d and %d, ours is not %v:\n%s", i, j, c.ours, text)
							return
						}
					}
				}
			}
		}
		if tried < 1000 {
			t.Errorf("only %d spellings", tried)
		}
	}
}

// TestOursIsNoText holds what merely speaks of us to be somebody else's.
func TestOursIsNoText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, text string
		ours       bool
	}{
		"an annotation of ours":            {"x.yaml", "apiVersion: v1\nkind: Service\nmetadata: {annotations: {portcullis.dev/intent: a/b}}\n", false},
		"our text inside another's":        {"x.yaml", "apiVersion: v1\nkind: ConfigMap\ndata:\n  platform.yaml: |\n    apiVersion: portcullis.dev/v1alpha1\n    kind: Platform\n", false},
		"our kind in a reference":          {"x.yaml", "apiVersion: apps/v1\nkind: Deployment\nspec: {ref: {kind: NetworkIntent}}\n", false},
		"a kind of ours in another case":   {"x.yaml", "kind: platform\nowner: team-web\n", false},
		"a key in another case":            {"x.yaml", "KIND: Platform\n", true},
		"an item in another case":          {"x.yaml", "Items:\n- Kind: NetworkIntent\n", true},
		"another case, of another's":       {"x.yaml", "Kind: Deployment # Platform\nApiVersion: apps/v1\n", false},
		"what does not parse, in a case":   {"x.yaml", "{{ if x }}\nApi_Version: portcullis.dev/v1alpha1\n", true},
		"a comment":                        {"x.yaml", "# apiVersion: portcullis.dev/v1alpha1\na: b\n", false},
		"an alias that is a kind of ours":  {"x.yaml", "a: &k NetworkIntent\nkind: *k\n", true},
		"a document after another's":       {"x.yaml", "kind: Service\n---\nkind: NetworkIntent\n", true},
		"a name in upper case":             {"X.YAML", "kind: NetworkIntent\n", true},
		"a name of something else":         {"x.json", `{"kind": "NetworkIntent"}`, false},
		"the root's file, whatever it is":  {"sub/portcullis.yaml", "", true},
		"what does not parse, by its text": {"x.yaml", "{{ if x }}\nkind: NetworkIntent\n", true},
		"a template of another's":          {"x.yaml", "{{ if x }}\nkind: Deployment # portcullis\n", false},
		"a bomb":                           {"x.yaml", "a: &a [x, x]\nitems: &b [*a, *a, *a, *a]\nmore: [*b, *b]\nkind: Waivers # Waiver\n", false},
		"a list of itself":                 {"x.yaml", "items: &a [*a, *a]\nkind: Lists # Platform\n", false},
	} {
		if got := language.Ours(language.File{Path: c.file, Data: []byte(c.text)}); got != c.ours {
			t.Errorf("%s: ours is %v", name, got)
		}
	}
}
