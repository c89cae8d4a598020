// Package differing holds a comparison that is written by hand against every field of what it
// compares, so that a field which somebody adds is not forgotten in it.
//
// Its invariant: two values that differ in one place alone are tried for each place that there
// is, fields that are not exported included. It must not know what is compared.
package differing

import (
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// Anywhere fails where values that differ in one place are said to be equal, or such that differ
// nowhere are not.
func Anywhere[T any](t *testing.T, equal func(a, b *T) bool) {
	t.Helper()
	AnywhereBut(t, equal)
}

// AnywhereBut fails as Anywhere does, but for fields of those names, as Namespaces.Span is that of each
// of the Namespaces: where values that differ in one of these alone are not said to be equal, it fails.
func AnywhereBut[T any](t *testing.T, equal func(a, b *T) bool, ignored ...string) {
	t.Helper()
	for change := 0; ; change++ {
		var a, b T
		name := reflect.TypeFor[T]().String()
		(&filler{change: -1}).fill(reflect.ValueOf(&a).Elem(), name)
		f := &filler{change: change}
		f.fill(reflect.ValueOf(&b).Elem(), name)
		if f.changed == "" {
			if !equal(&a, &b) || f.places < reflect.TypeFor[T]().NumField() {
				t.Errorf("%s: of what differs nowhere in %d places, it is said that it is equal: %v", name, f.places, equal(&a, &b))
			}
			return
		}
		field := strings.TrimPrefix(indexes.ReplaceAllString(f.changed, ""), name+".")
		isIgnored := slices.ContainsFunc(ignored, func(i string) bool { return field == i || strings.HasPrefix(field, i+".") })
		if equal(&a, &b) != isIgnored || equal(&b, &a) != isIgnored {
			t.Errorf("what differs in %s is said to be equal: %v", f.changed, !isIgnored)
		}
	}
}

// indexes are those of lists and maps in the name of a place.
var indexes = regexp.MustCompile(`\[[^]]*\]`)

// filler gives every place of a value something, and the place that is to change something else.
type filler struct {
	change, places int
	changed        string // the name of that place, once it was come by
}

// whole are types of which each value is one place.
var whole = map[reflect.Type][2]any{
	reflect.TypeFor[netip.Prefix](): {netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/9")},
	reflect.TypeFor[netip.Addr]():   {netip.MustParseAddr("10.0.0.0"), netip.MustParseAddr("10.0.0.1")},
}

// fill fills what there is of a value. That a pointer points somewhere, how long a list is and which
// keys a map has, are places too.
func (f *filler) fill(v reflect.Value, name string) {
	v = reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem() // to set what is not exported
	values, isWhole := whole[v.Type()]
	if v.Kind() == reflect.Struct && !isWhole {
		for i := range v.NumField() {
			f.fill(v.Field(i), name+"."+v.Type().Field(i).Name)
		}
		return
	}
	other := f.places == f.change
	if f.places++; other {
		f.changed = name
	}
	choose := func(one, another any) {
		if other {
			one = another
		}
		v.Set(reflect.ValueOf(one).Convert(v.Type()))
	}
	switch kind := v.Kind(); {
	case isWhole:
		choose(values[0], values[1])
	case kind == reflect.String:
		choose("one", "another")
	case kind == reflect.Bool:
		choose(false, true)
	case v.CanInt(), v.CanUint():
		choose(1, 2)
	case kind == reflect.Pointer:
		if !other {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem(), name)
		}
	case kind == reflect.Slice:
		length := 2
		if other {
			length = 1
		}
		v.Set(reflect.MakeSlice(v.Type(), length, length))
		for i := range length {
			f.fill(v.Index(i), fmt.Sprintf("%s[%d]", name, i))
		}
	case kind == reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for _, key := range []string{"some", "more"} {
			value := reflect.New(v.Type().Elem()).Elem()
			f.fill(value, name+"["+key+"]")
			if other {
				key = "else" // of both: the later one is kept
			}
			v.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), value)
		}
	default:
		panic("nothing fills a " + v.Type().String())
	}
}
