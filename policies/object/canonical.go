package object

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"portcullis.dev/policies/diag"
)

// YAML is the object's canonical text: what Map.YAML writes for it. Heads come
// first (apiVersion, kind, metadata, and in it name and namespace), everything else
// in the order of its keys; nulls are left out.
func (o Object) YAML() ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(o.JSON))
	dec.UseNumber() // as written: 64-bit integers and orders such as 10.5 stay what they are
	var value map[string]any
	if err := dec.Decode(&value); err != nil {
		return nil, fmt.Errorf("%s: %w", o.ID, err)
	}
	m, _ := canonical(value).(Map)
	return m.YAML(), nil
}

// heads are the keys that are read first, in the order in which people expect them.
var heads = []string{"apiVersion", "kind", "metadata", "name", "namespace"}

func canonical(v any) any {
	switch v := v.(type) {
	case map[string]any:
		keys := diag.SortedKeys(v)
		slices.SortStableFunc(keys, func(a, b string) int { return rank(a) - rank(b) })
		m := Map{}
		for _, k := range keys {
			if v[k] != nil {
				m = append(m, Field{k, canonical(v[k])})
			}
		}
		return m
	case []any:
		l := make(List, len(v))
		for i, item := range v {
			l[i] = canonical(item)
		}
		return l
	default:
		return v
	}
}

func rank(key string) int {
	if i := slices.Index(heads, key); i >= 0 {
		return i
	}
	return len(heads)
}
