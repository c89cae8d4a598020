package object

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"portcullis.dev/policies/diag"
)

// YAML writes the object's canonical text: what Map.YAML writes for it, keys in the order in
// which people expect them, nulls left out.
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

// keyOrder is the order in which people expect the keys of a policy: what it is,
// whom it selects, what it governs, what it does. Other keys follow by name.
var keyOrder = func() map[string]int {
	order := map[string]int{}
	for i, key := range []string{
		"apiVersion", "kind", "metadata", "name", "namespace", "labels", "annotations", "spec",
		"stagedAction", "tier", "order", "defaultAction", "namespaceSelector", "podSelector", "selector", "notSelector", "nets",
		"policyTypes", "types", "ingress", "egress",
		"action", "protocol", "icmp", "source", "destination", "from", "to", "port", "endPort", "ports",
		"matchLabels", "matchExpressions", "key", "operator", "values", "cidr", "except",
	} {
		order[key] = i
	}
	return order
}()

// canonical turns decoded JSON into a Map whose keys are in canonical order, without nulls.
func canonical(v any) any {
	switch v := v.(type) {
	case map[string]any:
		keys := diag.SortedKeys(v)
		slices.SortStableFunc(keys, func(a, b string) int { return rank(a) - rank(b) })
		m := Map{}
		for _, k := range keys {
			if v[k] != nil {
				m = append(m, Field{Key: k, Value: canonical(v[k])})
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

// rank tells a key's place in the canonical order; what is not listed comes last.
func rank(key string) int {
	if i, ok := keyOrder[key]; ok {
		return i
	}
	return len(keyOrder)
}
