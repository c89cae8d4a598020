package rego

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"portcullis.dev/policies/diag"
)

// misspelling is a key that a rule reads and that nothing has.
type misspelling struct {
	at      *ast.Location
	message string
	nearest string // the name that was meant, if one is near
}

// vocabulary reports every field that some files of the user's read and no document has.
// OPA's type checker sees a misspelt field only where it stands in a reference of
// its own: not in an argument, under every, in object.get, nor behind a function.
func (e *Engine) vocabulary(compiler *ast.Compiler, modules map[string]*module, files func(string) bool) diag.List {
	var found diag.List
	for _, miss := range e.misspellings(compiler) {
		m := moduleAt(modules, miss.at)
		if m == nil || !files(m.file) {
			continue
		}
		d := unknownField.At(m.span(miss.at), "%s", miss.message).
			Because("an undefined field makes a condition fail, and its negation hold, on every document")
		if miss.nearest != "" {
			d = d.Suggest("Write %s.", miss.nearest)
		}
		found = append(found, d)
	}
	return found
}

// misspellings follows what rules read: first what every variable, rule and
// parameter may hold, round by round until nothing new turns up, and then, once,
// which keys are read of it.
func (e *Engine) misspellings(compiler *ast.Compiler) []misspelling {
	f := &follower{
		input:   e.schema,
		rules:   map[string]values{},
		params:  map[string]values{},
		arities: map[string]int{},
		vars:    map[*ast.Rule]map[ast.Var]values{},
		misses:  map[string]misspelling{},
	}
	var all []*ast.Rule
	for _, file := range diag.SortedKeys(compiler.Modules) {
		ast.WalkRules(compiler.Modules[file], func(r *ast.Rule) bool {
			all = append(all, r)
			path := rulePath(r).String()
			f.rules[path], f.arities[path] = values{}, len(r.Head.Args)
			for i := range r.Head.Args {
				f.params[fmt.Sprint(path, i)] = values{}
			}
			return false
		})
	}
	for f.grown = true; f.grown; {
		f.grown = false
		for _, r := range all {
			f.rule(r)
		}
	}
	f.reporting = true
	for _, r := range all {
		f.rule(r)
	}
	var misses []misspelling
	for _, key := range diag.SortedKeys(f.misses) {
		misses = append(misses, f.misses[key])
	}
	slices.SortStableFunc(misses, func(a, b misspelling) int {
		return cmp.Or(cmp.Compare(a.at.File, b.at.File), cmp.Compare(a.at.Offset, b.at.Offset))
	})
	return misses
}

// value is one thing that a term may hold: a place of the schema, inside so many
// collections that rules made, or a constant string.
type value struct {
	shape *shape
	wraps int
	text  string // of a constant; then shape is textShape
}

type values map[value]bool

// anything is what cannot be followed; textShape is that of constants.
var (
	anything  = &shape{}
	textShape = &shape{kind: "string"}
)

// mostWraps bounds the collections in collections that are followed.
const mostWraps = 4

func (vs values) add(others values) (grown bool) {
	for v := range others {
		if !vs[v] {
			vs[v], grown = true, true
		}
	}
	return grown
}

// wrapped is a collection of such values.
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

// texts are the constants that the values are, if they are nothing else.
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

// elements is what iterating over the values, or indexing them by an unknown key,
// may give.
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

// field is what the values hold under a constant key; known is false if none of
// them can have it. Names are those that there are instead.
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
