package language

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/yamltext"
)

// At is a value with its place in the file. A value that was not written has the
// zero Span.
type At[T any] struct {
	Value T
	Span  diag.Span
}

// Given reports whether the value was written.
func (a At[T]) Given() bool { return !a.Span.IsZero() }

// isAt reports whether a type is one of values, and not of documents' parts.
func isAt(t reflect.Type) bool { return strings.HasPrefix(t.Name(), "At[") }

// decoder is the one walk over a document's nodes: it fills Go values and says of
// every node that does not fit where it stands, what was found and what fits.
//
// Struct fields are named by the tag `key:"name"`, with ",required" for those
// without a default. A field called Span takes the place of the whole mapping.
type decoder struct {
	at    object.Document
	found diag.List
	nodes *nodes // room for the document's; nil: of its own
}

// nodeDecoder is a type with a notation of its own.
type nodeDecoder interface {
	decodeNode(d *decoder, n *yaml.Node)
}

// decodeNode fills the value from a YAML node, and keeps the node's place beside it.
func (a *At[T]) decodeNode(d *decoder, n *yaml.Node) {
	a.Span = d.at.Span(n)
	d.value(n, reflect.ValueOf(&a.Value).Elem())
}

// add keeps a finding about the document that is being decoded.
func (d *decoder) add(f diag.Diagnostic) { d.found = append(d.found, f) }

// value decodes a YAML node into a Go value, which is addressable: by a notation of its own, as a
// word, a struct, a list, or behind a pointer.
func (d *decoder) value(n *yaml.Node, v reflect.Value) {
	switch target := v.Addr().Interface().(type) {
	case nodeDecoder:
		target.decodeNode(d, n)
		return
	case scalar:
		d.scalar(n, target)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem())
	case reflect.Struct:
		d.mapping(n, v)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			f := WrongType.At(d.at.Span(n), "expected a list, found %s", describe(n))
			if n.Kind == yaml.MappingNode {
				f = f.Suggest("begin it with a dash: it is the first of a list")
			} else {
				f = f.Suggest("write it as %s", listOf(n)).Mend(d.at.Span(n), listOf(n))
			}
			d.add(f)
			return
		}
		if isAt(v.Type().Elem()) && d.tooLong(n.Content) {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))) // an empty list is written all the same
		for i, item := range n.Content {
			d.value(item, v.Index(i))
		}
	case reflect.String:
		d.scalar(n, (*text)(v.Addr().Interface().(*string)))
	case reflect.Bool:
		d.scalar(n, (*flag)(v.Addr().Interface().(*bool)))
	default:
		panic("language: no decoder for " + v.Type().String()) // a mistake in the types of this package
	}
}

// listOf writes a word as a list of one, for advice on how to mend it; it stays what it is: text,
// or a number.
func listOf(n *yaml.Node) string {
	if n.ShortTag() == "!!str" {
		return yamltext.Line(yamltext.List{n.Value})
	}
	return "[" + n.Value + "]"
}

// scalar decodes a node that must be one word, by the target type's own parse.
func (d *decoder) scalar(n *yaml.Node, target scalar) {
	if n.Kind != yaml.ScalarNode {
		d.add(WrongType.At(d.at.Span(n), "expected one word, found %s", describe(n)))
		return
	}
	if m := target.parse(n.Value, n.ShortTag()); m != nil {
		m.sure = m.sure || m.replace == yamltext.Quoted(n.Value) // which says what is written
		d.mistake(d.at.Span(n), m)
	}
}

// mistake turns what is wrong with a word into a finding at its place, with the word to write
// instead: as a mend that is sure, or as a guess.
func (d *decoder) mistake(span diag.Span, m *mistake) {
	f := m.rule.At(span, "%s", m.message)
	if m.hint != "" {
		f = f.Suggest("%s", m.hint)
	}
	switch {
	case m.replace != "" && m.sure:
		f = f.Mend(span, m.replace)
	case m.replace != "":
		f = f.Replace(span, m.replace)
	}
	d.add(f)
}

// mapping decodes a YAML mapping into a struct's fields, and finds those that are unknown, without
// a value, or missing.
func (d *decoder) mapping(n *yaml.Node, v reflect.Value) {
	known := structureOf(v.Type())
	fields := known.fields
	if known.span != nil {
		*v.FieldByIndex(known.span).Addr().Interface().(*diag.Span) = d.at.Span(n)
	}
	if n.Kind != yaml.MappingNode {
		d.add(WrongType.At(d.at.Span(n), "expected a mapping with %s, found %s", diag.Enumerate(names(fields), "or"), describe(n)).
			Suggest("write it as {%s: …}", fields[0].name))
		return
	}
	given := make([]bool, len(fields))
	for key, value := range pairs(n) {
		i := known.field(key.Value)
		if i < 0 {
			if meant := known.field(d.unknown(key, names(fields))); meant >= 0 {
				given[meant] = true // a misspelt field is not missing as well
			}
			continue
		}
		given[i] = true
		if value.Kind == yaml.ScalarNode && value.ShortTag() == "!!null" {
			d.add(WrongType.At(d.at.Span(key), "%s has no value", key.Value).Suggest("write the value, or remove the key"))
			continue
		}
		d.value(value, v.FieldByIndex(fields[i].index))
	}
	for i, f := range fields {
		if f.required && !given[i] {
			d.add(MissingField.At(d.at.Span(n), "%s is missing here", f.name).
				Because("it has no default, which would be a guess").Suggest("add %s", f.name))
		}
	}
}

// unknown complains of a field that no struct has where it stands, and returns the one that was
// probably meant.
func (d *decoder) unknown(key *yaml.Node, known []string) (near string) {
	span := d.at.Span(key)
	f := unknownField.At(span, "there is no field %q here", key.Value)
	if near = diag.Nearest(key.Value, known); near != "" {
		f = f.Suggest("did you mean %s? The fields are %s", near, diag.Enumerate(known, "and")).Replace(span, near)
	} else {
		f = f.Suggest("the fields are %s", diag.Enumerate(known, "and"))
	}
	d.add(f)
	return near
}

// field is a member of a struct by the name it has in YAML.
type field struct {
	name     string
	required bool
	index    []int
}

// structure is what YAML fills in a struct.
type structure struct {
	fields []field
	span   []int // index of the field Span; nil if there is none
}

// field finds the field of a name; -1 if there is none.
func (s *structure) field(name string) int {
	return slices.IndexFunc(s.fields, func(f field) bool { return f.name == name })
}

// structures remembers what structureOf found out: the types are few, and asking
// reflection anew for each mapping of a file is a sixth of the work.
var structures sync.Map

// structureOf reads a struct's `key` tags into its YAML fields, once for each type.
func structureOf(t reflect.Type) *structure {
	if known, ok := structures.Load(t); ok {
		return known.(*structure)
	}
	s := &structure{}
	for _, f := range reflect.VisibleFields(t) {
		name, option, _ := strings.Cut(f.Tag.Get("key"), ",")
		if name != "" {
			s.fields = append(s.fields, field{name: name, required: option == "required", index: f.Index})
		}
	}
	if f, has := t.FieldByName("Span"); has {
		s.span = f.Index
	}
	structures.Store(t, s)
	return s
}

// fieldsOf returns a struct's YAML fields.
func fieldsOf(t reflect.Type) []field { return structureOf(t).fields }

// names lists the YAML names of a struct's fields, for what fits where an unknown one was found.
func names(fields []field) []string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.name
	}
	return all
}

// pairs yields a mapping node's keys and values.
func pairs(n *yaml.Node) func(yield func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

// describe says what kind of YAML node was found, where a finding tells what was expected.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	return tagged(n.Value, n.ShortTag())
}

// tooLong refuses a list with more entries than anybody wrote by hand, before they are decoded.
func (d *decoder) tooLong(items []*yaml.Node) bool {
	if len(items) <= mostValues {
		return false
	}
	d.add(TooMuch(d.at.Span(items[mostValues]), fmt.Sprintf("%d values in one list, expected %d at most", len(items), mostValues),
		"say what they have in common: a selector, a set, or a range"))
	return true
}
