package rego

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// TestFits: of a type that fits, a value without nil is accepted, and so it need not be looked at;
// none that is refused is of a type that fits.
func TestFits(t *testing.T) {
	t.Parallel()
	const schema = `{"type": "object", "required": ["name", "list"], "properties": {
		"name": {"type": "string"}, "share": {"type": "number"}, "n": {"type": "integer"}, "yes": {"type": "boolean"}, "any": {},
		"list": {"type": "array", "items": {"$ref": "#/definitions/Item"}}, "map": {"type": "object", "additionalProperties": {"type": "string"}}},
		"definitions": {"Item": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}}}`
	var root schemaNode
	if err := json.Unmarshal([]byte(schema), &root); err != nil {
		t.Fatal(err)
	}
	s, err := schemaReader{root: root, named: map[string]*shape{}}.read(root)
	if err != nil {
		t.Fatal(err)
	}
	type item struct {
		ID string `json:"id"`
	}
	type bare struct {
		Name string `json:"name"`
		List []item `json:"list"`
	}
	type whole struct {
		Name  string            `json:"name"`
		Share float64           `json:"share"`
		N     int               `json:"n"`
		Yes   bool              `json:"yes,omitempty"`
		Any   []json.RawMessage `json:"any"`
		List  []*item           `json:"list"`
		Map   map[string]string `json:"map"`
	}
	for name, c := range map[string]struct {
		document    any
		fits, nulls bool
	}{
		"what is required":    {document: bare{List: []item{{}}}, fits: true},
		"every field":         {document: whole{Share: 0.5, N: 1, Yes: true, Any: []json.RawMessage{}, List: []*item{{ID: "x"}}, Map: map[string]string{"a": "b"}}, fits: true},
		"a list that is nil":  {document: bare{}, fits: true, nulls: true},
		"an item that is nil": {document: whole{Any: []json.RawMessage{}, List: []*item{nil}, Map: map[string]string{}}, fits: true, nulls: true},
		"a map that is nil":   {document: whole{Any: []json.RawMessage{}, List: []*item{}}, fits: true, nulls: true},
		"a field that is not there": {document: struct {
			Name string `json:"name"`
		}{}},
		"a field that may be left out": {document: struct {
			Name string `json:"name,omitempty"`
			List []item `json:"list"`
		}{List: []item{}}},
		"a field that nobody knows": {document: struct {
			bare  `json:"-"`
			Name  string `json:"name"`
			List  []item `json:"list"`
			Other string `json:"other"`
		}{List: []item{}}},
		"text for a number": {document: struct {
			Name  string `json:"name"`
			List  []item `json:"list"`
			Share string `json:"share"`
		}{List: []item{}}},
		"a fraction for a whole number": {document: struct {
			Name string  `json:"name"`
			List []item  `json:"list"`
			N    float64 `json:"n"`
		}{List: []item{}, N: 0.5}},
		"bytes for a list": {document: struct {
			Name string `json:"name"`
			List []byte `json:"list"`
		}{List: []byte("x")}},
		"items of another kind": {document: struct {
			Name string   `json:"name"`
			List []string `json:"list"`
		}{List: []string{"x"}}},
		"values of another kind": {document: struct {
			Name string         `json:"name"`
			List []item         `json:"list"`
			Map  map[string]int `json:"map"`
		}{List: []item{}, Map: map[string]int{"a": 1}}},
		"a map for an object": {document: map[string]string{"name": "x"}},
		"text":                {document: []byte(`{"name": "x"}`)},
	} {
		converter := newConverter()
		for range 2 { // the second time from what is remembered
			v, err := reads{all: true}.valueOf(converter, c.document)
			if err != nil {
				t.Fatal(err)
			}
			fits := (&fitting{}).fits(s, c.document)
			if refused := s.accepts(v); fits != c.fits || fits && converter.nulls != (refused != nil) || !fits && refused == nil && !strings.HasPrefix(name, "a fraction") {
				t.Errorf("%s (%v): fits %v, nulls %v, refused: %v", name, reflect.TypeOf(c.document), fits, converter.nulls, refused)
			}
			if fits && converter.nulls != c.nulls {
				t.Errorf("%s: nulls %v", name, converter.nulls)
			}
		}
	}
}
