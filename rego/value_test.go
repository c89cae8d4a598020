package rego

import (
	"encoding/json"
	"math"
	"net/netip"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"pgregory.net/rapid"

	_ "portcullis.dev/testdata/seed"
)

// TestValueOf holds the conversion of Go values against their way through JSON, which is OPA's.
func TestValueOf(t *testing.T) {
	t.Parallel()
	type inner struct {
		Name string `json:"name,omitempty"`
		N    int    `json:"n"`
	}
	type embedding struct {
		inner
		More string
	}
	type holding struct {
		First inner `json:"first"`
	}
	type doubled struct {
		One   string            `json:"one"`
		Lists [][]inner         `json:"lists"`
		Map   map[string]inner  `json:"map"`
		Set   map[int]string    `json:"set"`
		Share float64           `json:"share"`
		Big   int64             `json:"big"`
		Raw   json.RawMessage   `json:"raw"`
		Raws  []json.RawMessage `json:"raws,omitempty"`
		Addr  netip.Addr        `json:"addr"`
		To    *inner            `json:"to,omitempty"`
		Any   any               `json:"any"`
		Bytes []byte            `json:"bytes"`
		Embed embedding         `json:"embed"`
		Text  int               `json:"text,string"`
		Same  *inner
		Whole *holding
		First *inner // of what is held whole, at the same address
		Left  string `json:"-"`
		Yes   bool   `json:"yes,omitempty"`
		own   string
	}
	inners := rapid.Custom(func(t *rapid.T) inner {
		return inner{rapid.String().Draw(t, "name"), rapid.IntRange(-3, 600).Draw(t, "n")}
	})
	converter := newConverter() // what is the same in two documents is made once
	raws := rapid.SampledFrom([]string{`null`, `{"a": [1, 2.50, "x"], "b": {}}`, `"text"`, `1e3`, `[]`})
	rapid.Check(t, func(t *rapid.T) {
		d := doubled{
			One:   rapid.String().Draw(t, "one"),
			Lists: rapid.SliceOfN(rapid.SliceOfN(inners, 0, 2), 0, 2).Draw(t, "lists"),
			Map:   rapid.MapOfN(rapid.String(), inners, 0, 3).Draw(t, "map"),
			Set:   rapid.MapOfN(rapid.Int(), rapid.String(), 0, 3).Draw(t, "set"),
			Share: rapid.SampledFrom([]float64{0, 1, 0.25, 1e21, 1e-7, math.Pi, -3}).Draw(t, "share"),
			Big:   rapid.Int64().Draw(t, "big"),
			Raw:   json.RawMessage(raws.Draw(t, "raw")),
			Addr:  rapid.SampledFrom([]netip.Addr{{}, netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}).Draw(t, "addr"),
			Any:   rapid.SampledFrom([]any{nil, 1, "x", []any{true}, map[string]any{"a": nil}, inner{Name: "x"}}).Draw(t, "any"),
			Bytes: rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "bytes"),
			Embed: embedding{inner: inners.Draw(t, "embedded"), More: "more"},
			Text:  7, Left: "left", own: "own", Yes: rapid.Bool().Draw(t, "yes"),
		}
		if rapid.Bool().Draw(t, "some") {
			one := inners.Draw(t, "to")
			d.To, d.Same = &one, &one
			d.Whole = &holding{First: one}
			d.First = &d.Whole.First
			d.Raws = []json.RawMessage{json.RawMessage(raws.Draw(t, "raws")), json.RawMessage(`7`)}
		}
		if rapid.Bool().Draw(t, "nil") {
			d.Lists, d.Map, d.Set, d.Bytes, d.Raw = nil, nil, nil, nil, nil
		}
		got, err := reads{all: true}.valueOf(converter, d)
		if err != nil {
			t.Fatal(err)
		}
		want, err := ast.InterfaceToValue(d)
		if err != nil {
			t.Fatal(err)
		}
		if got.Compare(want) != 0 {
			t.Fatalf("%s\nexpected, by its way through JSON, %s", got, want)
		}
	})
}

// TestReads: a list that no rule reads is left empty, and where a rule may read anything, none
// is.
func TestReads(t *testing.T) {
	t.Parallel()
	type document struct {
		Scope   string            `json:"scope"`
		Objects []json.RawMessage `json:"objects"`
	}
	d := document{"namespace", []json.RawMessage{json.RawMessage(`{"kind": "Pod"}`)}}
	for _, test := range []struct {
		rule string
		some bool
	}{
		{`found if input.scope == "x"`, false},
		{`found if input.objects[_].kind == "Pod"`, true},
		{`found if input["objects"]`, true},
		{`found if input[name]`, true},
		{`found if count(input) > 3`, true},
		{`found if { document := input; document.objects }`, true},
		{`found if walk(input, [["objects"], _])`, true},
		{`found if object.get(input, "objects", []) != []`, true},
		{`found if { some o in input.objects; o.kind }`, true},
	} {
		m := &module{parsed: ast.MustParseModuleWithOpts("package x\n\nname := \"objects\"\n\n"+test.rule+"\n", ast.ParserOptions{RegoVersion: ast.RegoV1})}
		got, err := readsOf([]*module{m}).valueOf(newConverter(), d)
		if err != nil {
			t.Fatal(err)
		}
		want, err := ast.InterfaceToValue(d)
		if err != nil {
			t.Fatal(err)
		}
		if !test.some {
			want = ast.MustInterfaceToValue(document{"namespace", []json.RawMessage{}})
		}
		if got.Compare(want) != 0 {
			t.Errorf("%s: %s, expected %s", test.rule, got, want)
		}
	}
	m := &module{parsed: ast.MustParseModuleWithOpts("package x\n\nimport input.objects as all\n\nfound if all[_].kind\n", ast.ParserOptions{RegoVersion: ast.RegoV1})}
	if r := readsOf([]*module{m}); !r.all && !r.fields["objects"] {
		t.Errorf("an import of objects is not read: %+v", r)
	}
}
