package object

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/intstr"

	"portcullis.dev/policies/yamltext"
)

// filling sets values of the API's Go types to what a manifest says that is to be written, as
// reading its JSON would, without the text between. Whatever it is not sure about it leaves to
// who reads JSON strictly, which is what knows how to complain. Mappings of texts that are the
// same become one, which nobody changes.
type filling struct {
	texts map[string]map[string]string // by their JSON
}

// fill reports whether the value was set in whole.
func (f filling) fill(to reflect.Value, from any) bool {
	t := to.Type()
	if t == portType {
		return fillPort(to, from)
	}
	if reflect.PointerTo(t).Implements(unmarshaler) {
		return to.Addr().Interface().(json.Unmarshaler).UnmarshalJSON(yamltext.ValueJSON(from)) == nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		to.Set(reflect.New(t.Elem()))
		return f.fill(to.Elem(), from)
	case reflect.Struct:
		m, is := from.(Map)
		return is && f.structure(to, m)
	case reflect.Map:
		m, is := from.(Map)
		return is && t == textsType && f.mapping(to, m)
	case reflect.Slice:
		l, is := from.(List)
		return is && f.list(to, l)
	}
	return scalar(to, from)
}

var (
	portType    = reflect.TypeFor[intstr.IntOrString]()
	textsType   = reflect.TypeFor[map[string]string]()
	unmarshaler = reflect.TypeFor[json.Unmarshaler]()
)

// scalar fills a field of a text, a number or a boolean.
func scalar(to reflect.Value, from any) bool {
	switch v := from.(type) {
	case string:
		if to.Kind() != reflect.String || !utf8.ValidString(v) {
			return false
		}
		to.SetString(v)
	case bool:
		if to.Kind() != reflect.Bool {
			return false
		}
		to.SetBool(v)
	case int:
		switch {
		case to.CanInt() && !to.OverflowInt(int64(v)):
			to.SetInt(int64(v))
		case to.CanUint() && v >= 0 && !to.OverflowUint(uint64(v)):
			to.SetUint(uint64(v))
		case to.Kind() == reflect.Float64 && int64(v) > -mostExact && int64(v) < mostExact:
			to.SetFloat(float64(v))
		default:
			return false
		}
	case json.Number:
		if to.Kind() != reflect.Float64 {
			return false
		}
		number, err := strconv.ParseFloat(string(v), 64)
		to.SetFloat(number)
		return err == nil
	default:
		return false
	}
	return true
}

// mostExact is beyond the whole numbers that a float holds exactly.
const mostExact = 1 << 53

// fillPort sets the number or the name of a port.
func fillPort(to reflect.Value, from any) bool {
	port := to.Addr().Interface().(*intstr.IntOrString)
	switch v := from.(type) {
	case int:
		*port = intstr.FromInt32(int32(v))
		return int(port.IntVal) == v
	case string:
		*port = intstr.FromString(v)
		return utf8.ValidString(v)
	}
	return false
}

// list fills a slice of the Go type, item by item.
func (f filling) list(to reflect.Value, from List) bool {
	all := reflect.MakeSlice(to.Type(), len(from), len(from))
	for i, item := range from {
		if c, is := item.(yamltext.Commented); is {
			item = c.Item
		}
		if !f.fill(all.Index(i), item) {
			return false
		}
	}
	to.Set(all)
	return true
}

// mapping fills a map of texts, such as labels, and shares it with equal ones.
func (f filling) mapping(to reflect.Value, from Map) bool {
	text := string(from.JSON())
	made, known := f.texts[text]
	if !known {
		made = make(map[string]string, len(from))
		for _, member := range from {
			value, is := member.Value.(string)
			if _, twice := made[member.Key]; !is || twice || !utf8.ValidString(value) || !utf8.ValidString(member.Key) {
				return false
			}
			made[member.Key] = value
		}
		f.texts[text] = made
	}
	to.Set(reflect.ValueOf(made))
	return true
}

// structure fills the fields of a struct of the API; a key that it lacks, or twice the same, stops it.
func (f filling) structure(to reflect.Value, from Map) bool {
	fields := fieldsOf(to.Type())
	for i, member := range from {
		index, known := fields[member.Key]
		if !known || from[:i].Get(member.Key) != nil || !f.fill(to.FieldByIndex(index), member.Value) {
			return false
		}
	}
	return true
}

var fieldsByType sync.Map // reflect.Type → map[string][]int

// fieldsOf are the places of a struct's fields by their names in JSON. Those of structs that it
// embeds are its own.
func fieldsOf(t reflect.Type) map[string][]int {
	if known, ok := fieldsByType.Load(t); ok {
		return known.(map[string][]int)
	}
	fields := map[string][]int{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			for inner, index := range fieldsOf(f.Type) {
				fields[inner] = append([]int{i}, index...)
			}
		case name == "":
			fields[f.Name] = []int{i}
		default:
			fields[name] = []int{i}
		}
	}
	fieldsByType.Store(t, fields)
	return fields
}
