package object

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Value looks up what a JSON pointer names in the object, as decoded JSON.
func (o Object) Value(pointer string) (any, bool) { return o.Values().At(pointer) }

// Values decodes an object's JSON once, for whoever asks for more than one value.
func (o Object) Values() Values { return valuesOf(o.JSON) }

// Values is decoded JSON. The zero Values has none.
type Values struct {
	root  any
	valid bool
}

// valuesOf decodes JSON into Values.
func valuesOf(raw []byte) Values {
	var v Values
	v.valid = json.Unmarshal(raw, &v.root) == nil
	return v
}

// At looks up the value that a JSON pointer names among decoded JSON.
func (values Values) At(pointer string) (any, bool) {
	if !values.valid {
		return nil, false
	}
	v := values.root
	if pointer == "" {
		return v, true
	}
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		switch c := v.(type) {
		case map[string]any:
			member, ok := c[unescape(token)]
			if !ok {
				return nil, false
			}
			v = member
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(c) {
				return nil, false
			}
			v = c[i]
		default:
			return nil, false
		}
	}
	return v, true
}
