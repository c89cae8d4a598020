package rego

import (
	"reflect"
	"slices"
	"sync"
)

// fitting remembers of Go types whether their values are as the schema expects, so that it is
// not asked of each document.
type fitting struct{ known sync.Map } // reflect.Type → bool

// fits reports whether every value of a document's type is accepted by a shape, as long as no
// value in it is nil.
func (f *fitting) fits(s *shape, document any) bool {
	t := reflect.TypeOf(document)
	if known, asked := f.known.Load(t); asked {
		return known.(bool)
	}
	fits := s.fits(t)
	f.known.Store(t, fits)
	return fits
}

// fits reports whether a shape accepts all values of a Go type, less those that are nil. Of a type
// that it does not follow it does not know.
func (s *shape) fits(t reflect.Type) bool {
	switch {
	case s.kind == "":
		return true
	case marshals(t):
		return false
	}
	switch t.Kind() {
	case reflect.String:
		return s.kind == "string"
	case reflect.Bool:
		return s.kind == "boolean"
	case reflect.Int:
		return s.kind == "integer" || s.kind == "number"
	case reflect.Float64:
		return s.kind == "number"
	case reflect.Pointer:
		return s.fits(t.Elem())
	case reflect.Slice:
		return s.kind == "array" && t.Elem().Kind() != reflect.Uint8 && (s.items == nil || s.items.fits(t.Elem()))
	case reflect.Map:
		return s.kind == "object" && t.Key().Kind() == reflect.String && s.fields == nil && len(s.required) == 0 && (s.values == nil || s.values.fits(t.Elem()))
	case reflect.Struct:
		return s.kind == "object" && s.fields != nil && s.fitsStruct(t)
	}
	return false
}

// fitsStruct reports whether a shape has each field of a struct, and accepts it, and whether the
// struct always has those that the shape asks for.
func (s *shape) fitsStruct(t reflect.Type) bool {
	fields, plain := fieldsOf(t)
	if !plain {
		return false
	}
	for _, name := range s.required {
		if !slices.ContainsFunc(fields, func(f field) bool { return f.key.Equal(name) && !f.omitempty }) {
			return false
		}
	}
	for _, f := range fields {
		if of := s.fields[f.name]; of == nil || !of.fits(t.Field(f.index).Type) {
			return false
		}
	}
	return true
}
