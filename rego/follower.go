package rego

import (
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"portcullis.dev/policies/diag"
)

// follower computes values of terms. It is an abstract interpreter without order:
// everything that a variable may hold anywhere in its rule counts.
type follower struct {
	input     *shape
	rules     map[string]values // by path
	arities   map[string]int    // of functions, by path
	params    map[string]values // by path and position
	vars      map[*ast.Rule]map[ast.Var]values
	current   *ast.Rule
	grown     bool
	reporting bool
	misses    map[string]misspelling
}

// rulePath cuts off a rule's name what is not constant: the path by which the follower knows it.
func rulePath(r *ast.Rule) ast.Ref {
	return r.Ref().GroundPrefix()
}

// rule follows a rule: from its arguments through its body to what it may hold.
func (f *follower) rule(r *ast.Rule) {
	for ; r != nil; r = r.Else {
		f.current = r
		if f.vars[r] == nil {
			f.vars[r] = map[ast.Var]values{}
		}
		path := rulePath(r).String()
		for i, arg := range r.Head.Args {
			f.bind(arg, f.params[fmt.Sprint(path, i)])
		}
		f.body(r.Body)
		result := values{}
		if r.Head.Key != nil {
			result.add(f.term(r.Head.Key).wrapped(1))
		}
		if r.Head.Value != nil {
			result.add(f.term(r.Head.Value))
		}
		dynamic := len(r.Head.Ref()) - len(r.Head.Ref().GroundPrefix())
		f.grown = f.rules[path].add(result.wrapped(dynamic)) || f.grown
	}
}

// body follows the expressions of a rule's body.
func (f *follower) body(body ast.Body) {
	for _, expr := range body {
		switch terms := expr.Terms.(type) {
		case *ast.Term:
			f.term(terms)
		case []*ast.Term:
			f.call(terms)
		case *ast.Every:
			domain := f.term(terms.Domain)
			f.bind(terms.Value, domain.elements())
			f.body(terms.Body)
		}
		for _, with := range expr.With {
			f.term(with.Value)
		}
	}
}

// term follows a term to the values that it may hold.
func (f *follower) term(t *ast.Term) values {
	switch v := t.Value.(type) {
	case ast.String:
		return values{{shape: textShape, text: string(v)}: true}
	case ast.Var:
		if v.Equal(ast.InputRootDocument.Value) {
			return values{{shape: f.input}: true}
		}
		return f.vars[f.current][v]
	case ast.Ref:
		return f.ref(v)
	case ast.Call:
		return f.call(v)
	case *ast.Array:
		out := values{}
		v.Foreach(func(item *ast.Term) { out.add(f.term(item)) })
		return out.wrapped(1)
	case ast.Set:
		out := values{}
		v.Foreach(func(item *ast.Term) { out.add(f.term(item)) })
		return out.wrapped(1)
	case ast.Object:
		if v.Len() == 0 { // the default that object.get is usually given
			return values{}
		}
		v.Foreach(func(key, item *ast.Term) { f.term(key); f.term(item) })
		return values{{shape: anything}: true}
	case *ast.ArrayComprehension:
		f.body(v.Body)
		return f.term(v.Term).wrapped(1)
	case *ast.SetComprehension:
		f.body(v.Body)
		return f.term(v.Term).wrapped(1)
	case *ast.ObjectComprehension:
		f.body(v.Body)
		f.term(v.Key)
		return f.term(v.Value).wrapped(1)
	default:
		return values{{shape: anything}: true}
	}
}

// ref follows a reference, key by key, to the values that it may hold.
func (f *follower) ref(ref ast.Ref) values {
	var held values
	rest := ref[1:]
	if ref[0].Equal(ast.DefaultRootDocument) {
		held, rest = f.data(ref)
	} else {
		held = f.term(ref[0])
	}
	for _, key := range rest {
		held = f.index(held, key, key, ref)
	}
	return held
}

// data finds the rule that a reference to data begins with, whose values are followed. There is
// no other data than rules, so that one that names none is misspelt.
func (f *follower) data(ref ast.Ref) (values, ast.Ref) {
	ground := ref.GroundPrefix()
	for n := len(ground); n > 1; n-- {
		if held, ok := f.rules[ground[:n].String()]; ok {
			return held, ref[n:]
		}
	}
	prefix := ground.String()
	var names []string
	for path := range f.rules {
		if strings.HasPrefix(path, prefix+".") || strings.HasPrefix(path, prefix+"[") {
			return values{{shape: anything}: true}, nil
		}
		names = append(names, path)
	}
	f.miss(ref[len(ground)-1], ref, fmt.Sprintf("no rule is called %s", prefix), prefix, names)
	return values{{shape: anything}: true}, nil
}

// index follows a key into values; at is where to report that it does not exist.
func (f *follower) index(held values, key, at *ast.Term, whole ast.Ref) values {
	keys := f.term(key)
	texts, constant := keys.texts()
	if !constant {
		elements := held.elements()
		if v, isVar := key.Value.(ast.Var); isVar {
			made := values{}
			for h := range held {
				if h.wraps > 0 { // perhaps a set: then the key is the element
					made[value{h.shape, h.wraps - 1, h.text}] = true
				}
			}
			f.bindVar(v, made)
		}
		return elements
	}
	out := values{}
	for _, text := range texts {
		under, known, names := held.field(text)
		if !known {
			message := fmt.Sprintf("no document has a field %q here, expected one of %s", text, strings.Join(slices.Compact(slices.Sorted(slices.Values(names))), ", "))
			if len(names) == 0 {
				message = fmt.Sprintf("field %q is read of a list or a plain value, expected an object", text)
			}
			f.miss(at, whole, message, text, names)
			under = values{{shape: anything}: true}
		}
		out.add(under)
	}
	return out
}

// call follows a call of a builtin or a function to the values that it may give back. In compiled
// rules a call may have one more argument than the function: what takes its value.
func (f *follower) call(terms []*ast.Term) values {
	operator, _ := terms[0].Value.(ast.Ref)
	args := terms[1:]
	name := operator.String()
	given := make([]values, len(args))
	for i, arg := range args {
		given[i] = f.term(arg)
	}
	result, arity := f.result(name, args, given)
	if arity > 0 && len(args) == arity+1 {
		f.bind(args[arity], result)
	}
	return result
}

// result tells the values that a call of a builtin or function may give back, and how many
// arguments it takes.
func (f *follower) result(name string, args []*ast.Term, given []values) (result values, arity int) {
	result = values{}
	switch name {
	case ast.Equality.Name, ast.Assign.Name:
		f.bind(args[0], given[1])
		f.bind(args[1], given[0])
		return result, 0
	case ast.Member.Name:
		f.bind(args[0], given[1].elements())
		return result, 2
	case ast.MemberWithKey.Name:
		f.bind(args[1], given[2].elements())
		return result, 3
	case ast.ObjectGet.Name:
		result.add(f.path(given[0], args[1]))
		result.add(given[2])
		return result, 3
	case ast.ObjectFilter.Name, ast.ObjectRemove.Name:
		if keys, ok := given[1].elements().texts(); ok {
			for _, key := range keys {
				f.index(given[0], ast.StringTerm(key), args[1], nil)
			}
		}
		return given[0], 2
	case ast.JSONFilter.Name, ast.JSONRemove.Name:
		if paths, ok := given[1].elements().texts(); ok {
			for _, path := range paths {
				held := given[0]
				for key := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
					held = f.index(held, ast.StringTerm(key), args[1], nil)
				}
			}
		}
		return given[0], 2
	case ast.Sort.Name, ast.ArrayReverse.Name:
		return given[0], 1
	case ast.ArraySlice.Name:
		return given[0], 3
	case ast.ArrayConcat.Name, ast.Or.Name, ast.And.Name, ast.Minus.Name, ast.ObjectUnion.Name:
		result.add(given[0])
		result.add(given[1])
		return result, 2
	case ast.Union.Name, ast.Intersection.Name, ast.Max.Name, ast.Min.Name:
		return given[0].elements(), 1
	}
	held, own := f.rules[name]
	if !own {
		if b := ast.BuiltinMap[name]; b != nil {
			arity = len(b.Decl.FuncArgs().Args)
		}
		return values{{shape: anything}: true}, arity
	}
	arity = f.arities[name]
	for i := range arity {
		f.grown = f.params[fmt.Sprint(name, i)].add(given[i]) || f.grown
	}
	return held, arity
}

// path follows a key, or a list of keys, into values as object.get does.
func (f *follower) path(held values, key *ast.Term) values {
	if list, ok := key.Value.(*ast.Array); ok {
		list.Foreach(func(k *ast.Term) { held = f.index(held, k, k, nil) })
		return held
	}
	return f.index(held, key, key, nil)
}

// bind lets a pattern take values: a variable all of them, the parts of an array
// or object their elements and fields.
func (f *follower) bind(pattern *ast.Term, taken values) {
	switch v := pattern.Value.(type) {
	case ast.Var:
		f.bindVar(v, taken)
	case *ast.Array:
		v.Foreach(func(part *ast.Term) { f.bind(part, taken.elements()) })
	case ast.Object:
		v.Foreach(func(key, part *ast.Term) { f.bind(part, f.index(taken, key, key, nil)) })
	}
}

// bindVar adds values to those that a variable of the current rule may hold.
func (f *follower) bindVar(v ast.Var, taken values) {
	vars := f.vars[f.current]
	if vars[v] == nil {
		vars[v] = values{}
	}
	f.grown = vars[v].add(taken) || f.grown
}

// miss notes a misspelling, once values are followed to report: a name that nothing has, and the
// nearest that there is.
func (f *follower) miss(at *ast.Term, whole ast.Ref, message, name string, names []string) {
	location := at.Location
	if location == nil && len(whole) > 0 {
		location = whole[0].Location
	}
	if location == nil {
		location = f.current.Location
	}
	if !f.reporting {
		return
	}
	f.misses[fmt.Sprint(location.File, ":", location.Offset, ":", name)] = misspelling{at: location, message: message, nearest: diag.Nearest(name, slices.Sorted(slices.Values(names)))}
}
