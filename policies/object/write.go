package object

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/yamltext"
)

// Map is a manifest, or a mapping in one, with its keys in the order in which they
// are written. A value is a string, int, bool, Map or List. Absent values are left
// out by whoever builds the Map: the writer knows no null.
type Map []Field

// Field is one member of a Map.
type Field struct {
	Key   string
	Value any
}

// List is a sequence of the values that a Map may hold.
type List []any

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
	for _, k := range diag.SortedKeys(m) {
		out = append(out, Field{k, m[k]})
	}
	return out
}

// Get returns the value of a key, or nil.
func (m Map) Get(key string) any {
	for _, f := range m {
		if f.Key == key {
			return f.Value
		}
	}
	return nil
}

// ID is the identity of the manifest.
func (m Map) ID() ID {
	str := func(m Map, key string) string { s, _ := m.Get(key).(string); return s }
	metadata, _ := m.Get("metadata").(Map)
	group, _, hasGroup := strings.Cut(str(m, "apiVersion"), "/")
	if !hasGroup {
		group = ""
	}
	return ID{Group: group, Kind: str(m, "kind"), Namespace: str(metadata, "namespace"), Name: str(metadata, "name")}
}

// YAML is the manifest's canonical text: block style, two spaces, list items
// under their key, strings quoted only where YAML 1.1 or 1.2 would read something
// else. The same Map gives the same bytes, and the API machinery reads back what
// was written; a byte that is not UTF-8 is written as U+FFFD, for YAML cannot
// hold it.
func (m Map) YAML() []byte {
	var b bytes.Buffer
	if len(m) == 0 {
		return []byte("{}\n")
	}
	writeMap(&b, m, 0)
	return b.Bytes()
}

// longestKey is how many bytes a key may have beside its value: parsers look for
// the colon within 1024 characters (YAML 1.2, 7.4.2).
const longestKey = 1000

// writeMap writes the members of a Map that is not empty; the first line's
// indentation is there already.
func writeMap(b *bytes.Buffer, m Map, indent int) {
	for i, f := range m {
		if i > 0 {
			pad(b, indent)
		}
		key := quote(f.Key)
		if len(key) > longestKey {
			b.WriteString("? " + key + "\n")
			pad(b, indent)
			key = ""
		}
		b.WriteString(key + ":")
		switch v := f.Value.(type) {
		case Map:
			if len(v) > 0 {
				b.WriteByte('\n')
				pad(b, indent+2)
				writeMap(b, v, indent+2)
				continue
			}
		case List:
			if len(v) > 0 {
				b.WriteByte('\n')
				pad(b, indent)
				writeList(b, v, indent)
				continue
			}
		}
		b.WriteString(" " + scalar(f.Value) + "\n")
	}
}

// writeList writes the items of a List that is not empty; the first line's
// indentation is there already.
func writeList(b *bytes.Buffer, l List, indent int) {
	for i, item := range l {
		if i > 0 {
			pad(b, indent)
		}
		b.WriteString("- ")
		switch v := item.(type) {
		case Map:
			if len(v) > 0 {
				writeMap(b, v, indent+2)
				continue
			}
		case List:
			if len(v) > 0 {
				writeList(b, v, indent+2)
				continue
			}
		}
		b.WriteString(scalar(item) + "\n")
	}
}

func pad(b *bytes.Buffer, n int) {
	for range n {
		b.WriteByte(' ')
	}
}

// scalar writes what takes no line of its own: an empty collection too.
func scalar(v any) string {
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
		panic(fmt.Sprintf("object: a manifest holds a %T", v))
	}
}

// quote writes a string of a manifest. Other programs read manifests too, and people: only
// what begins with a letter, or is an IPv4 address, goes without quotes.
func quote(s string) string {
	if (startsWord(s) && !floats(s) || isIPv4(s)) && ascii(s) && yamltext.Plain(s, yamltext.Block) {
		return s
	}
	return yamltext.Quoted(s)
}

func startsWord(s string) bool {
	return s != "" && (s[0] >= 'A' && s[0] <= 'Z' || s[0] >= 'a' && s[0] <= 'z' || s[0] == '_' || s[0] == '/')
}

// floats reports whether a word is one that some programs take for a number.
func floats(s string) bool {
	return strings.EqualFold(s, "nan") || strings.EqualFold(s, "inf") || strings.EqualFold(s, "infinity")
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// isIPv4 reports whether a text has the form of an IPv4 address, or of a block of them.
func isIPv4(s string) bool {
	s, length, isBlock := strings.Cut(s, "/")
	if isBlock && !number(length) {
		return false
	}
	parts := 0
	for part := range strings.SplitSeq(s, ".") {
		if parts++; !number(part) {
			return false
		}
	}
	return parts == 4
}

func number(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
