package language_test

import (
	"strings"
	"testing"

	"portcullis.dev/compiler/language"
)

// TestInJSON asks of texts in JSON whether they hold a document of ours, and of those that
// are YAML as well whether Ours says the same.
func TestInJSON(t *testing.T) {
	t.Parallel()
	const head = `"apiVersion": "portcullis.dev/v1alpha1"`
	for name, c := range map[string]struct {
		text string
		ours bool
	}{
		"an intent":                       {`{` + head + `, "kind": "NetworkIntent"}`, true},
		"a kind behind much":              {"{\n\t\"spec\": {\"a\": [[{}], {\"kind\": 1}]},\n\t\"kind\": \"Platform\"\n}\n", true},
		"escapes":                         {`{"\u006bind": "\u004eetworkIntent"}`, true},
		"keys in another case":            {`{"Kind": "Waiver", "apiversion": "x/v1"}`, true},
		"a List":                          {`{"kind": "List", "items": [{"kind": "Service"}, {` + head + `}]}`, true},
		"a list":                          {`[{"kind": "Service"}, {"kind": "NetworkIntent"}]`, true},
		"a kind that is said twice":       {`{"kind": "NetworkIntent", "kind": "Service"}`, true},
		"a line behind others":            {"{\"kind\": \"Service\"}\n{\"kind\": \"NetworkIntent\"}\n", true},
		"a byte order mark":               {"\ufeff{\"kind\": \"NetworkIntent\"}", true},
		"UTF-16":                          {"\xff\xfe{\x00\"\x00k\x00i\x00n\x00d\x00\"\x00:\x00\"\x00N\x00e\x00t\x00w\x00o\x00r\x00k\x00I\x00n\x00t\x00e\x00n\x00t\x00\"\x00}\x00", true},
		"a comment":                       {"{ // ours\n  \"kind\":\n    \"NetworkIntent\",\n}", true},
		"a text that is cut off":          {`{"kind": "NetworkIntent", "spec": {`, true},
		"a head behind what is cut off":   {`{"spec": {], ` + head + `}`, true},
		"nothing":                         {``, false},
		"a package":                       {`{"name": "portcullis", "version": "1.0.0"}`, false},
		"a schema of ours":                {`{"$id": "https://portcullis.dev/schema", "properties": {"kind": {"enum": ["NetworkIntent", "Platform"]}, "apiVersion": {"const": "portcullis.dev/v1alpha1"}}}`, false},
		"an index of ours":                {`{"schema": "portcullis.dev/bundle/v1alpha1", "outputs": {"a.yaml": "0"}}`, false},
		"a policy of ours":                {`{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"annotations": {"portcullis.dev/intent": "a/b"}}}`, false},
		"our text inside another's":       {`{"kind": "ConfigMap", "data": {"a": "{\"kind\": \"NetworkIntent\"}"}}`, false},
		"our kind in a reference":         {`{"kind": "Deployment", "spec": {"kind": "NetworkIntent"}}`, false},
		"our text inside what is cut off": {`{"kind": "ConfigMap", "data": {"a": "{\"kind\": \"NetworkIntent\"}"`, false},
		"a number for a kind":             {`{"kind": 1, "x": "Platform"}`, false},
		"a bomb":                          {strings.Repeat("[", 1_000_000) + `"portcullis"`, false},
		"a bomb of lists":                 {strings.Repeat(`{"items": [`, 100_000) + `"portcullis"`, false},
	} {
		if got := language.InJSON([]byte(c.text)); got != c.ours {
			t.Errorf("%s: it holds a document of ours: %v", name, got)
		}
		yaml := language.Ours(language.File{Path: "x.yaml", Data: []byte(c.text)})
		if name != "UTF-16" && name != "a comment" && len(c.text) < 1000 && yaml != c.ours {
			t.Errorf("%s: as YAML it is ours: %v", name, yaml)
		}
	}
}
