package yamltext

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Map is a mapping with its keys in the order in which they are written. A value is a
// string, int, bool, json.Number, Map or List. Absent values are left out by whoever builds
// the Map: the pen knows no null.
type Map []Field

// Field is one member of a Map.
type Field struct {
	Key   string
	Value any
}

// List is a sequence of the values that a Map may hold, some of them with a comment.
type List []any

// Commented is an item of a List with a comment above it, one or more lines of text. It stands in
// block style alone: whatever else is made of a List has the item without it.
type Commented struct {
	Comment string
	Item    any
}

// bare takes the comment, if there is one, from an item of a List.
func bare(item any) any {
	if c, is := item.(Commented); is {
		return c.Item
	}
	return item
}

// Strings turns a list of names into a List.
func Strings[S ~string](names []S) List {
	l := make(List, len(names))
	for i, n := range names {
		l[i] = string(n)
	}
	return l
}

// StringMap turns a map into a Map in the order of its keys.
func StringMap(m map[string]string) Map {
	out := make(Map, 0, len(m))
	for k, v := range m {
		out = append(out, Field{k, v})
	}
	slices.SortFunc(out, func(a, b Field) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// Get looks up the value of a key in a Map, or nil.
func (m Map) Get(key string) any {
	for _, f := range m {
		if f.Key == key {
			return f.Value
		}
	}
	return nil
}

// scalar writes a value that takes no line of its own: an empty collection too.
func scalar(v any, quote func(string) string) string {
	switch v := v.(type) {
	case string:
		return quote(v)
	case int:
		return strconv.Itoa(v)
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return v.String()
	case Map:
		return "{}"
	case List:
		return "[]"
	default:
		panic(fmt.Sprintf("yamltext: there is no way to write a %T", v))
	}
}
