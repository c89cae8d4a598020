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
