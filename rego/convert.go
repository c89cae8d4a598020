package rego

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
)

// valueOf converts a document to OPA's value: JSON text is read, and a Go value becomes what
// encoding/json would write of it, without the text between. Lists of a struct that no rule reads
// are left empty.
func (r reads) valueOf(c *converter, document any) (ast.Value, error) {
	if text, ok := document.([]byte); ok {
		return ast.ValueFromReader(bytes.NewReader(text))
	}
	c.begin()
	v := reflect.ValueOf(document)
	term, err := (*ast.Term)(nil), error(nil)
	if fields, plain := fieldsOf(v.Type()); plain {
		term, err = c.structure(v, fields, r.leaves)
	} else {
		term, err = c.convert(v)
	}
	if err != nil {
		return nil, err
	}
	return term.Value, nil
}

// reads are the fields of documents that rules read.
type reads struct {
	all    bool // or may read
	fields map[string]bool
}

// readsOf collects what modules read of the input, for what they do not read is not converted.
func readsOf(modules []*module) reads {
	r := reads{fields: map[string]bool{}}
	for _, m := range modules {
		inputs := 0 // that are not followed by the name of a field
		ast.WalkVars(m.parsed, func(v ast.Var) bool {
			if v == ast.InputRootDocument.Value {
				inputs++
			}
			return false
		})
		ast.WalkRefs(m.parsed, func(ref ast.Ref) bool {
			if len(ref) > 1 && ref[0].Equal(ast.InputRootDocument) {
				if field, named := ref[1].Value.(ast.String); named {
					r.fields[string(field)] = true
					inputs--
				}
			}
			return false
		})
		r.all = r.all || inputs > 0
	}
	return r
}

// Reads reports whether a rule reads a field of documents, or may read all of them.
func (e *Engine) Reads(field string) bool { return e.reads.all || e.reads.fields[field] }

// leaves reports whether a list of the document need not be converted.
func (r reads) leaves(name string, v reflect.Value) bool {
	return !r.all && !r.fields[name] && v.Kind() == reflect.Slice && !v.IsNil()
}

var (
	rawMessage    = reflect.TypeFor[json.RawMessage]()
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// marshals reports whether a type says itself how it is written.
func marshals(t reflect.Type) bool {
	to := reflect.PointerTo(t)
	return t.Implements(jsonMarshaler) || t.Implements(textMarshaler) || to.Implements(jsonMarshaler) || to.Implements(textMarshaler)
}

// converter makes one term of what documents say more than once: of a value that several pointers
// lead to, of structs that are equal, and of texts that are the same, in one document or in two
// that follow each other. Terms are not changed once they are made, nor is what they are made of.
// It is not for several goroutines at once.
type converter struct {
	values recent[any] // pointers and structs
	texts  recent[string]

	nulls bool           // of this document: some value in it is nil
	pairs [][2]*ast.Term // of the objects that are being made, the innermost one last
	room  []ast.Term     // for terms
}

// newConverter makes a converter that has converted nothing.
func newConverter() *converter {
	return &converter{values: newRecent[any](), texts: newRecent[string]()}
}

// begin begins to convert a document: what the last one did not say is forgotten, and all of it
// where some value in it was nil, for that is told of each document.
func (c *converter) begin() {
	if c.nulls {
		*c = *newConverter()
	}
	c.values.next()
	c.texts.next()
}

// recent holds terms of this document and of the last one.
type recent[K comparable] struct{ now, last map[K]*ast.Term }

// newRecent makes what holds no terms.
func newRecent[K comparable]() recent[K] {
	return recent[K]{now: map[K]*ast.Term{}, last: map[K]*ast.Term{}}
}

// next goes to the next document.
func (r *recent[K]) next() {
	clear(r.last)
	r.now, r.last = r.last, r.now
}

// of finds the term of what was converted.
func (r *recent[K]) of(key K) (*ast.Term, bool) {
	term, known := r.now[key]
	if !known {
		if term, known = r.last[key]; known {
			r.now[key] = term
		}
	}
	return term, known
}

// mostRoom is for how many terms there is room at once.
const mostRoom = 64

// term makes a term of a value.
func (c *converter) term(v ast.Value) *ast.Term {
	if len(c.room) == 0 {
		c.room = make([]ast.Term, mostRoom)
	}
	term := &c.room[0]
	c.room = c.room[1:]
	term.Value = v
	return term
}

// object makes an object of the pairs that were added since there were so many.
func (c *converter) object(since int) *ast.Term {
	made := ast.NewObject(c.pairs[since:]...) // which copies them
	c.pairs = c.pairs[:since]
	return c.term(made)
}

// convert converts a Go value to OPA's. What is written in another way than its kind says goes
// through its text.
func (c *converter) convert(v reflect.Value) (*ast.Term, error) {
	if !v.IsValid() {
		return c.null(), nil
	}
	t := v.Type()
	switch {
	case t == rawMessage && !v.IsNil():
		return termOf(ast.ValueFromReader(bytes.NewReader(v.Bytes())))
	case marshals(t):
		return termOf(ast.InterfaceToValue(v.Interface()))
	}
	switch v.Kind() {
	case reflect.Bool:
		return ast.InternedTerm(v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return ast.InternedTerm(v.Int()), nil
	case reflect.String:
		return c.text(v.String()), nil
	case reflect.Pointer:
		return c.pointer(v)
	case reflect.Interface:
		return c.convert(v.Elem())
	case reflect.Slice:
		if v.IsNil() {
			return c.null(), nil
		}
		if t.Elem().Kind() != reflect.Uint8 {
			return c.list(v)
		}
	case reflect.Map:
		if v.IsNil() {
			return c.null(), nil
		}
		if t.Key().Kind() == reflect.String && !t.Key().Implements(textMarshaler) {
			return c.mapping(v)
		}
	}
	switch fields, plain := fieldsOf(t); {
	case plain && t.Comparable():
		of := v.Interface()
		term, known := c.values.of(of)
		if known {
			return term, nil
		}
		term, err := c.structure(v, fields, nil)
		if err == nil {
			c.values.now[of] = term
		}
		return term, err
	case plain:
		return c.structure(v, fields, nil)
	}
	return termOf(ast.InterfaceToValue(v.Interface()))
}

// null makes the term of what is nil.
func (c *converter) null() *ast.Term {
	c.nulls = true
	return ast.InternedNullTerm
}

// termOf makes a term of a converted value, unless there is an error.
func termOf(v ast.Value, err error) (*ast.Term, error) { return ast.NewTerm(v), err }

// text converts a string, the same one once.
func (c *converter) text(s string) *ast.Term {
	term, known := c.texts.of(s)
	if !known {
		if ast.HasInternedValue(s) {
			term = ast.InternedTerm(s)
		} else {
			term = c.term(ast.String(s))
		}
		c.texts.now[s] = term
	}
	return term
}

// pointer converts what a pointer leads to, the same once.
func (c *converter) pointer(v reflect.Value) (*ast.Term, error) {
	at := v.Interface() // its type too: a struct and its first field have the same address
	if term, known := c.values.of(at); known {
		return term, nil
	}
	to := v.Elem()
	term, err := (*ast.Term)(nil), error(nil)
	if fields, plain := fieldsOf(v.Type().Elem()); plain && to.IsValid() && !marshals(to.Type()) {
		term, err = c.structure(to, fields, nil) // which is found by its pointer
	} else {
		term, err = c.convert(to)
	}
	if err == nil {
		c.values.now[at] = term
	}
	return term, err
}

// list converts a slice to an array.
func (c *converter) list(v reflect.Value) (*ast.Term, error) {
	terms := make([]*ast.Term, v.Len())
	for i := range terms {
		value, err := c.convert(v.Index(i))
		if err != nil {
			return nil, fmt.Errorf("%d: %w", i, err)
		}
		terms[i] = value
	}
	return c.term(ast.NewArray(terms...)), nil
}

// mapping converts a map whose keys are strings to an object.
func (c *converter) mapping(v reflect.Value) (*ast.Term, error) {
	since := len(c.pairs)
	for entries := v.MapRange(); entries.Next(); {
		name := entries.Key().String()
		value, err := c.convert(entries.Value())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		c.pairs = append(c.pairs, [2]*ast.Term{c.text(name), value})
	}
	return c.object(since), nil
}

// structure converts a struct to an object, less the lists that are left empty.
func (c *converter) structure(v reflect.Value, fields []field, leaves func(string, reflect.Value) bool) (*ast.Term, error) {
	since := len(c.pairs)
	for _, f := range fields {
		of := v.Field(f.index)
		if f.omitempty && isEmpty(of) {
			continue
		}
		if leaves != nil && leaves(f.name, of) {
			c.pairs = append(c.pairs, [2]*ast.Term{f.key, ast.InternedEmptyArray})
			continue
		}
		value, err := c.convert(of)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		c.pairs = append(c.pairs, [2]*ast.Term{f.key, value})
	}
	return c.object(since), nil
}

// isEmpty reports whether encoding/json's omitempty leaves a value out.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// field is a field of a struct, as encoding/json writes it.
type field struct {
	index     int
	name      string
	key       *ast.Term
	omitempty bool
}

type structFields struct {
	fields []field
	plain  bool
}

var fieldsByType sync.Map // reflect.Type → structFields

// fieldsOf lists the fields of a struct that are converted; plain: that is all that encoding/json
// does about it.
func fieldsOf(t reflect.Type) (fields []field, plain bool) {
	if t.Kind() != reflect.Struct {
		return nil, false
	}
	if known, ok := fieldsByType.Load(t); ok {
		of := known.(structFields)
		return of.fields, of.plain
	}
	plain = true
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case f.Anonymous, options != "" && options != "omitempty", slices.ContainsFunc(fields, func(of field) bool { return of.name == name }):
			plain = false
		case !f.IsExported() || tag == "-":
			continue
		}
		if name == "" {
			name = f.Name
		}
		fields = append(fields, field{i, name, ast.InternedTerm(name), options == "omitempty"})
	}
	fieldsByType.Store(t, structFields{fields, plain})
	return fields, plain
}
