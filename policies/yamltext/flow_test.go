package yamltext_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"portcullis.dev/policies/yamltext"
)

// TestLineReadsBack holds what is written between brackets against the readers, by itself,
// in a list, behind a key, and as an entry of a mapping.
func TestLineReadsBack(t *testing.T) {
	t.Parallel()
	check := func(t failer, v any) {
		t.Helper()
		line, want := yamltext.Line(v), tree(v)
		for text, meant := range map[string]any{
			line + "\n":            want,
			"- " + line + "\n- x":  []any{want, "x"},
			"k: " + line + "  # n": map[string]any{"k": want},
			"[" + line + ", x]":    []any{want, "x"},
			"{x: z, " + yamltext.Line(yamltext.Field{Key: "k", Value: v}) + "}": map[string]any{"x": "z", "k": want},
			yamltext.Line(yamltext.Field{Key: "k", Value: v}):                   map[string]any{"k": want},
		} {
			for name, read := range readers {
				got, err := read(text)
				if diff := cmp.Diff(meant, normal(got)); err != nil || diff != "" {
					t.Fatalf("%s reads something else: %v (-want +got):\n%s\n%s", name, err, diff, text)
				}
			}
		}
	}
	for _, s := range nasty {
		check(t, yamltext.Map{{Key: s, Value: s}, {Key: "x", Value: yamltext.List{s, s, yamltext.Map{{Key: s, Value: yamltext.List{}}}}}})
	}
	rapid.Check(t, func(t *rapid.T) { check(t, valueGen(3).Draw(t, "value")) })
}

// TestLine shows the form that intents have.
func TestLine(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]any{
		`{from: shop/web, ports: [http, 53/udp, 8080]}`:                       yamltext.Map{{Key: "from", Value: "shop/web"}, {Key: "ports", Value: yamltext.List{"http", "53/udp", 8080}}},
		`{to: "123", ports: ["yes", "1e3"], why: "because: so"}`:              yamltext.Map{{Key: "to", Value: "123"}, {Key: "ports", Value: yamltext.List{"yes", "1e3"}}, {Key: "why", Value: "because: so"}},
		`{namespaceSelector: {}, selector: {"no": "y"}, "@x": [], on1: true}`: yamltext.Map{{Key: "namespaceSelector", Value: yamltext.Map{}}, {Key: "selector", Value: yamltext.Map{{Key: "no", Value: "y"}}}, {Key: "@x", Value: yamltext.List{}}, {Key: "on1", Value: true}},
		`port-80: 80`: yamltext.Field{Key: "port-80", Value: 80},
		`"*/*"`:       "*/*",
	} {
		if got := yamltext.Line(v); got != want {
			t.Errorf("%s, expected %s", got, want)
		}
	}
}
