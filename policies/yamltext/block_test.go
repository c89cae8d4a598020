package yamltext_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	yamlv3 "go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"portcullis.dev/policies/yamltext"
)

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
		rapid.Map(mapGen(depth-1), func(m yamltext.Map) any { return m }),
		rapid.Map(rapid.SliceOfN(rapid.Deferred(func() *rapid.Generator[any] { return valueGen(depth - 1) }), 0, 4),
			func(l []any) any { return yamltext.List(l) }),
		rapid.Custom(func(t *rapid.T) any {
			item := rapid.Deferred(func() *rapid.Generator[any] { return valueGen(depth - 1) }).Draw(t, "item")
			return yamltext.List{item, yamltext.Commented{Comment: stringGen().Draw(t, "comment"), Item: item}, item}
		}),
	)
}

func mapGen(depth int) *rapid.Generator[yamltext.Map] {
	return rapid.Custom(func(t *rapid.T) yamltext.Map {
		keys := rapid.SliceOfNDistinct(stringGen(), 0, 4, rapid.ID).Draw(t, "keys")
		m := yamltext.Map{}
		for _, k := range keys {
			m = append(m, yamltext.Field{Key: k, Value: valueGen(depth).Draw(t, "value")})
		}
		return m
	})
}

// tree is a Map as encoding/json would hold it.
func tree(v any) any {
	switch v := v.(type) {
	case yamltext.Map:
		m := map[string]any{}
		for _, f := range v {
			m[f.Key] = tree(f.Value)
		}
		return m
	case yamltext.List:
		l := make([]any, len(v))
		for i, item := range v {
			if c, is := item.(yamltext.Commented); is {
				item = c.Item
			}
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
	for _, s := range append([]string{strings.Repeat("k", 1025), strings.Repeat("é ", 2000)}, nasty...) { // too long for a key in its line
		readsBack(t, yamltext.Map{{Key: s, Value: s}})
		readsBack(t, yamltext.Map{
			{Key: "list", Value: yamltext.List{s, yamltext.List{s, yamltext.List{s}}, yamltext.Map{{Key: s, Value: yamltext.List{s}}}, yamltext.List{}, yamltext.Map{}}},
			{Key: "map", Value: yamltext.Map{{Key: s, Value: yamltext.Map{{Key: s, Value: s}}}}},
			{Key: "comments", Value: yamltext.List{yamltext.Commented{Comment: s, Item: s}, yamltext.List{yamltext.Commented{Comment: s, Item: yamltext.Map{{Key: s, Value: s}}}}}},
		})
	}
}

func readsBack(t failer, m yamltext.Map) {
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
	case map[any]any:
		m := map[string]any{}
		for key, value := range v {
			m[fmt.Sprint(key)] = normal(value)
		}
		return m
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
	m := yamltext.Map{
		{Key: "apiVersion", Value: "projectcalico.org/v3"},
		{Key: "kind", Value: "NetworkPolicy"},
		{Key: "spec", Value: yamltext.Map{
			{Key: "order", Value: 10},
			{Key: "selector", Value: "all()"},
			{Key: "types", Value: yamltext.Strings([]string{"Ingress"})},
			{Key: "ingress", Value: yamltext.List{yamltext.Map{
				{Key: "action", Value: "Allow"},
				{Key: "source", Value: yamltext.Map{{Key: "nets", Value: yamltext.Strings([]string{"10.0.0.0/8", "::/0"})}}},
				{Key: "destination", Value: yamltext.Map{}},
			}}},
			{Key: "egress", Value: yamltext.List{}},
			{Key: "listsInLists", Value: yamltext.List{yamltext.List{1, 2}, yamltext.List{true}}},
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
	if got := string(yamltext.Map{}.YAML()); got != "{}\n" {
		t.Errorf("an empty Map is %q", got)
	}
}

func TestYAMLReplacesWhatIsNotUTF8(t *testing.T) {
	t.Parallel()
	readBack := yamltext.Map{{Key: "a\xffb", Value: "\xed\xa0\x80"}}.YAML() // a lone surrogate
	var got map[string]string
	if err := yaml.UnmarshalStrict(readBack, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a\ufffdb": "\ufffd\ufffd\ufffd"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestJSON: what is written as JSON is, to the byte, what a reader makes of the YAML.
func TestJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := mapGen(3).Draw(t, "map")
		want, err := yaml.YAMLToJSONStrict(m.YAML())
		if err != nil {
			t.Fatal(err)
		}
		if got := m.JSON(); string(got) != string(want) {
			t.Fatalf("%s\nexpected, by way of YAML, %s", got, want)
		}
	})
}
