package yamltext

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// JSON writes a manifest as encoding/json writes what a reader makes of its YAML: keys in
// order, on one line.
func (m Map) JSON() []byte { return ValueJSON(m) }

// ValueJSON writes what a Map may hold.
func ValueJSON(v any) []byte {
	var room [usual]byte
	return bytes.Clone(appendJSON(room[:0], v))
}

// appendJSON appends a value as JSON, the keys of each Map in order.
func appendJSON(to []byte, v any) []byte {
	switch v := v.(type) {
	case Map:
		sorted := v
		if byKey := func(a, b Field) int { return strings.Compare(a.Key, b.Key) }; !slices.IsSortedFunc(v, byKey) {
			sorted = slices.Clone(v)
			slices.SortFunc(sorted, byKey)
		}
		to = append(to, '{')
		for i, f := range sorted {
			if i > 0 {
				to = append(to, ',')
			}
			to = appendJSON(append(appendText(to, f.Key), ':'), f.Value)
		}
		return append(to, '}')
	case List:
		to = append(to, '[')
		for i, item := range v {
			if i > 0 {
				to = append(to, ',')
			}
			to = appendJSON(to, bare(item))
		}
		return append(to, ']')
	case string:
		return appendText(to, v)
	}
	return append(to, scalar(v, nil)...)
}

// appendText appends a text between JSON's quotes; the library writes those that need an escape.
func appendText(to []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, _ := json.Marshal(s) // a text always encodes
			return append(to, quoted...)
		}
	}
	return append(append(append(to, '"'), s...), '"')
}
