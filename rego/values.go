package rego

import (
	"slices"

	"portcullis.dev/policies/diag"
)

// anything is what cannot be followed; textShape is that of constants.
var (
	anything  = &shape{}
	textShape = &shape{kind: "string"}
)

// mostWraps bounds the collections in collections that are followed.
const mostWraps = 4

// value is one thing that a term may hold: a place of the schema, inside so many
// collections that rules made, or a constant string.
type value struct {
	shape *shape
	wraps int
	text  string // of a constant; then shape is textShape
}

type values map[value]bool

// add adds values to others, and reports whether any is new.
func (vs values) add(others values) (grown bool) {
	for v := range others {
		if !vs[v] {
			vs[v], grown = true, true
		}
	}
	return grown
}

// wrapped puts values into so many collections that rules make of them.
func (vs values) wrapped(by int) values {
	out := values{}
	for v := range vs {
		if v.wraps += by; v.wraps > mostWraps {
			v = value{shape: anything}
		}
		out[v] = true
	}
	return out
}

// texts tells the constants that the values are, if they are nothing else.
func (vs values) texts() ([]string, bool) {
	var all []string
	for v := range vs {
		if v.shape != textShape || v.wraps > 0 || v.text == "" {
			return nil, false
		}
		all = append(all, v.text)
	}
	slices.Sort(all)
	return all, len(all) > 0
}

// elements tells what iterating over the values, or indexing them by an unknown key, may give.
func (vs values) elements() values {
	out := values{}
	for v := range vs {
		switch {
		case v.wraps > 0:
			out[value{v.shape, v.wraps - 1, v.text}] = true
		case v.shape.kind == "":
			out[v] = true
		case v.shape.items != nil:
			out[value{shape: v.shape.items}] = true
		case v.shape.values != nil:
			out[value{shape: v.shape.values}] = true
		default:
			for _, field := range v.shape.fields {
				out[value{shape: field}] = true
			}
		}
	}
	return out
}

// field tells what the values hold under a constant key; known is false if none of them can have
// it. Names are those that there are instead.
func (vs values) field(key string) (held values, known bool, names []string) {
	held = values{}
	known = len(vs) == 0
	for v := range vs {
		switch {
		case v.wraps > 0 || v.shape.kind == "" || v.shape.values != nil:
			held.add(values{v: true}.elements())
			known = true
		case v.shape.fields[key] != nil:
			held[value{shape: v.shape.fields[key]}] = true
			known = true
		default:
			names = append(names, diag.SortedKeys(v.shape.fields)...)
		}
	}
	return held, known, names
}
