package overlays

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// TestKustomizationsAskNobody writes what kustomize would fetch, in every field that names a
// file and in spellings that hide it. Each is refused or left out before kustomize sees it: its own
// words would say that it was asked, and no job has the text.
func TestKustomizationsAskNobody(t *testing.T) {
	t.Parallel()
	const url = "https://example.com/policies"
	for name, text := range map[string]string{
		"a resource":               "resources: [" + url + "]",
		"a repository":             "resources: [github.com/example/policies]",
		"a repository over ssh":    "resources: [\"git@example.com:policies\"]",
		"a base":                   "bases: [" + url + "]",
		"a component":              "components: [" + url + "]",
		"a schema":                 "crds: [" + url + "]",
		"a configuration":          "configurations: [" + url + "]",
		"an OpenAPI schema":        "openapi: {path: " + url + "}",
		"a patch":                  "patches: [{path: " + url + "}]",
		"a patch as text":          "patches: [" + url + "]",
		"a patch of old":           "patchesStrategicMerge: [" + url + "]",
		"a patch of old, in lines": "patchesStrategicMerge:\n- |\n  " + url + "\n",
		"a JSON patch of old":      "patchesJson6902: [{path: " + url + ", target: {kind: A, name: a}}]",
		"a replacement":            "replacements: [{path: " + url + "}]",
		"a file of a ConfigMap":    "configMapGenerator: [{name: a, files: [" + url + "]}]",
		"a file under a key":       "configMapGenerator: [{name: a, files: [\"a=" + url + "\"]}]",
		"variables":                "configMapGenerator: [{name: a, envs: [" + url + "]}]",
		"variables of a query":     "configMapGenerator: [{name: a, envs: [\"" + url + "?a=b\"]}]",
		"variables in one file":    "secretGenerator: [{name: a, env: \"" + url + "?a=b\"}]",
		"an alias":                 "metadata: {name: a, annotations: &a [" + url + "]}\nresources: *a",
		"an alias in a list":       "metadata: {name: &a " + url + "}\nresources: [*a]",
		"an alias in a generator":  "metadata: {name: &a " + url + "}\nconfigMapGenerator: [{name: a, files: [*a]}]",
		"a merge":                  "metadata: &a {resources: [" + url + "]}\n<<: *a",
		"another case":             "Resources: [" + url + "]",
		"another case inside":      "patches: [{Path: " + url + "}]",
		"a letter like another":    "re\u017fources: [" + url + "]",
		"a chart":                  "helmCharts: [{name: a, repo: " + url + "}]",
		"a plugin":                 "transformers: [" + url + "]",
		"a second document":        "resources: []\n---\nresources: [" + url + "]",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ks := FindKustomizations(map[string][]byte{"a/kustomization.yaml": []byte(text + "\n")})
			roots, found := ks.Render(func(string) bool { return true }, nil, nil)
			ks.Render(func(string) bool { return true }, nil, func(job []byte, _ func(io.Reader) error) error {
				var j struct{ Files map[string][]byte }
				if err := json.Unmarshal(job, &j); err != nil || strings.Contains(fmt.Sprintf("%s", j.Files), "example") {
					t.Errorf("kustomize is asked for %s (%v)", j.Files, err)
				}
				return errors.New("no child")
			})
			made := slices.ContainsFunc(roots, func(r Root) bool { return len(r.Objects) > 0 })
			if made || len(found) != 1 || !found[0].Is(Unbuilt) || !found[0].Span.HasPosition() || strings.Contains(found[0].Message, "kustomize says") {
				t.Errorf("%d roots, and found %v", len(roots), found)
			}
		})
	}
}
