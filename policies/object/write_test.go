package object_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	yamlv3 "go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"portcullis.dev/policies/object"
)

// nasty are strings that some YAML parser reads as something else, or not at all.
var nasty = []string{
	"", " ", "  x", "x ", "y", "Y", "n", "yes", "No", "on", "OFF", "true", "False", "null", "Null", "~", "nan", ".nan", ".NaN", ".inf", "-.inf", "+.INF", "inf", "Infinity",
	"0", "-0", "007", "0777", "0o17", "0x1F", "0b101", "1_000", "_1", "1e3", "1E3", ".5", "._5", "5.", "1.", ".", "..", "...", "---", "--- x", "... x", "12:30", "190:20:30", "2001-12-14", "2001-12-14t21:59:43.10-05:00",
	"-", "- a", "-a", "?", "? a", ":", ": a", "a:", "a: b", "a:b", "a #b", "#", "#a", "a#b", "&a", "*a", "!a", "!!str", "|", ">", "|-", "%YAML", "@a", "`a", "'", "''", `"`, `\`, `\x41`, `a"b`, "[", "]", "[]", "{", "}", "{}", ",", "<<", "=", "a,b",
	"10.0.0.0/8", "10.0.0.1", "::/0", "fe80::1", "1.2.3.4/", "app.kubernetes.io/name", "k8s-app", "has(x)", "all()", "projectcalico.org/v3",
	"a\nb", "a\n", "\na", "\n", "\r", "a\r\nb", "a\tb", "\t", "\x00", "\x07", "\x1b[31m", "\x7f", "\u0080", "\u0085", "a\u0085b", "\u009f", "\u00a0", "\u00ad", "\u200b", "\u2028", "\u2029", "\u202e", "\ufeff", "a\ufeff", "\ufffd", "\ufffe", "\uffff", "\U0001f600", "\U000e0041", "\U0010ffff", "é", "日本語", "e\u0301",
	strings.Repeat("k", 999), strings.Repeat("k", 1025), strings.Repeat("é ", 2000),
}

func stringGen() *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom(nasty), rapid.String(), rapid.StringMatching(`[-+.0-9_xobeE:]{1,6}`), rapid.StringMatching(`[ -~]{0,12}`))
}

func valueGen(depth int) *rapid.Generator[any] {
	scalars := rapid.OneOf(
		rapid.Map(stringGen(), func(s string) any { return s }),
		rapid.Map(rapid.IntRange(math.MinInt32, math.MaxInt32), func(i int) any { return i }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
	)
	if depth == 0 {
		return scalars
	}
	return rapid.OneOf(scalars,
		rapid.Map(mapGen(depth-1), func(m object.Map) any { return m }),
		rapid.Map(rapid.SliceOfN(rapid.Deferred(func() *rapid.Generator[any] { return valueGen(depth - 1) }), 0, 4),
			func(l []any) any { return object.List(l) }),
	)
}

func mapGen(depth int) *rapid.Generator[object.Map] {
	return rapid.Custom(func(t *rapid.T) object.Map {
		keys := rapid.SliceOfNDistinct(stringGen(), 0, 4, rapid.ID).Draw(t, "keys")
		m := object.Map{}
		for _, k := range keys {
			m = append(m, object.Field{Key: k, Value: valueGen(depth).Draw(t, "value")})
		}
		return m
	})
}

// tree is a Map as encoding/json would hold it.
func tree(v any) any {
	switch v := v.(type) {
	case object.Map:
		m := map[string]any{}
		for _, f := range v {
			m[f.Key] = tree(f.Value)
		}
		return m
	case object.List:
		l := make([]any, len(v))
		for i, item := range v {
			l[i] = tree(item)
		}
		return l
	case int:
		return float64(v)
	default:
		return v
	}
}

// TestYAMLReadsBack holds the writer against two parsers of different dialects.
func TestYAMLReadsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := mapGen(3).Draw(t, "map")
		readsBack(t, m)
	})
}

// TestYAMLReadsBackEveryNastyString puts each string into each position.
func TestYAMLReadsBackEveryNastyString(t *testing.T) {
	t.Parallel()
	for _, s := range nasty {
		readsBack(t, object.Map{{Key: s, Value: s}})
		readsBack(t, object.Map{
			{Key: "list", Value: object.List{s, object.List{s, object.List{s}}, object.Map{{Key: s, Value: object.List{s}}}, object.List{}, object.Map{}}},
			{Key: "map", Value: object.Map{{Key: s, Value: object.Map{{Key: s, Value: s}}}}},
		})
	}
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func readsBack(t failer, m object.Map) {
	t.Helper()
	written := m.YAML()
	if again := m.YAML(); !bytes.Equal(written, again) {
		t.Fatalf("written twice, it differs:\n%s\n%s", written, again)
	}
	want := tree(m)
	raw, err := yaml.YAMLToJSONStrict(written)
	if err != nil {
		t.Fatalf("YAML 1.1: %v\n%q", err, written)
	}
	var one any
	if err := json.Unmarshal(raw, &one); err != nil {
		t.Fatalf("%v", err)
	}
	if diff := cmp.Diff(want, one); diff != "" {
		t.Fatalf("YAML 1.1 reads something else (-want +got):\n%s\n%s", diff, written)
	}
	var node yamlv3.Node
	if err := yamlv3.Unmarshal(written, &node); err != nil {
		t.Fatalf("YAML 1.2: %v\n%q", err, written)
	}
	style(t, &node, written)
	var two any
	if err := node.Decode(&two); err != nil {
		t.Fatalf("YAML 1.2: %v\n%q", err, written)
	}
	if diff := cmp.Diff(want, normal(two)); diff != "" {
		t.Fatalf("YAML 1.2 reads something else (-want +got):\n%s\n%s", diff, written)
	}
}

// style checks that only empty collections are in flow style and nothing is null.
func style(t failer, n *yamlv3.Node, written []byte) {
	if n.Style&yamlv3.FlowStyle != 0 && len(n.Content) > 0 || n.Tag == "!!null" || n.Kind == yamlv3.AliasNode {
		t.Fatalf("line %d is not canonical:\n%s", n.Line, written)
	}
	for _, member := range n.Content {
		style(t, member, written)
	}
}

func normal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = normal(v[k])
		}
		return v
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
		return v
	case int:
		return float64(v)
	default:
		return v
	}
}

func TestYAMLIsCanonical(t *testing.T) {
	t.Parallel()
	m := object.Map{
		{Key: "apiVersion", Value: "projectcalico.org/v3"},
		{Key: "kind", Value: "NetworkPolicy"},
		{Key: "spec", Value: object.Map{
			{Key: "order", Value: 10},
			{Key: "selector", Value: "all()"},
			{Key: "types", Value: object.Strings([]string{"Ingress"})},
			{Key: "ingress", Value: object.List{object.Map{
				{Key: "action", Value: "Allow"},
				{Key: "source", Value: object.Map{{Key: "nets", Value: object.Strings([]string{"10.0.0.0/8", "::/0"})}}},
				{Key: "destination", Value: object.Map{}},
			}}},
			{Key: "egress", Value: object.List{}},
			{Key: "listsInLists", Value: object.List{object.List{1, 2}, object.List{true}}},
		}},
	}
	const want = `apiVersion: projectcalico.org/v3
kind: NetworkPolicy
spec:
  order: 10
  selector: all()
  types:
  - Ingress
  ingress:
  - action: Allow
    source:
      nets:
      - 10.0.0.0/8
      - "::/0"
    destination: {}
  egress: []
  listsInLists:
  - - 1
    - 2
  - - true
`
	if diff := cmp.Diff(want, string(m.YAML())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := string(object.Map{}.YAML()); got != "{}\n" {
		t.Errorf("an empty Map is %q", got)
	}
}

func TestYAMLReplacesWhatIsNotUTF8(t *testing.T) {
	t.Parallel()
	readBack := object.Map{{Key: "a\xffb", Value: "\xed\xa0\x80"}}.YAML() // a lone surrogate
	var got map[string]string
	if err := yaml.UnmarshalStrict(readBack, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a\ufffdb": "\ufffd\ufffd\ufffd"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMapKnowsItsIdentity(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{
		"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n",
		"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: a\n  namespace: b\n",
		"apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata:\n  name: a\n",
	} {
		objects, found := object.Decode("x.yaml", []byte(doc))
		if len(objects) != 1 || len(found) != 0 {
			t.Fatalf("%d objects, %v", len(objects), found.Err())
		}
		o := objects[0]
		metadata := object.Map{{Key: "name", Value: o.ID.Name}}
		if o.ID.Namespace != "" {
			metadata = append(metadata, object.Field{Key: "namespace", Value: o.ID.Namespace})
		}
		m := object.Map{{Key: "apiVersion", Value: o.APIVersion}, {Key: "kind", Value: o.ID.Kind}, {Key: "metadata", Value: metadata}}
		if m.ID() != o.ID {
			t.Errorf("%v, not %v", m.ID(), o.ID)
		}
		if string(m.YAML()) != doc {
			t.Errorf("%q was written as %q", doc, m.YAML())
		}
	}
}
