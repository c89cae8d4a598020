package object

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"portcullis.dev/policies/diag"
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
// was written.
func (m Map) YAML() []byte {
	var b bytes.Buffer
	writeMap(&b, m, 0)
	return b.Bytes()
}

func writeMap(b *bytes.Buffer, m Map, indent int) {
	for i, f := range m {
		if i > 0 {
			pad(b, indent)
		}
		b.WriteString(quote(f.Key))
		b.WriteByte(':')
		switch v := f.Value.(type) {
		case Map:
			if len(v) == 0 {
				b.WriteString(" {}\n")
				continue
			}
			b.WriteByte('\n')
			pad(b, indent+2)
			writeMap(b, v, indent+2)
		case List:
			if len(v) == 0 {
				b.WriteString(" []\n")
				continue
			}
			b.WriteByte('\n')
			writeList(b, v, indent)
		default:
			b.WriteByte(' ')
			b.WriteString(scalar(v))
			b.WriteByte('\n')
		}
	}
}

func writeList(b *bytes.Buffer, l List, indent int) {
	for _, item := range l {
		pad(b, indent)
		b.WriteString("- ")
		switch v := item.(type) {
		case Map:
			if len(v) == 0 {
				b.WriteString("{}\n")
				continue
			}
			writeMap(b, v, indent+2)
		case List:
			// Policies hold no list in a list; a flow sequence keeps it correct.
			raw, err := json.Marshal(v)
			if err != nil {
				panic(fmt.Sprintf("object: a list holds %T", item))
			}
			b.Write(raw)
			b.WriteByte('\n')
		default:
			b.WriteString(scalar(v))
			b.WriteByte('\n')
		}
	}
}

func pad(b *bytes.Buffer, n int) {
	for range n {
		b.WriteByte(' ')
	}
}

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
	default:
		panic(fmt.Sprintf("object: a manifest holds a %T", v))
	}
}

var (
	// plain strings need no quotes in any position: letters, digits and the marks
	// of names, paths and addresses, not beginning with an indicator.
	plainString = regexp.MustCompile(`^[A-Za-z_./][A-Za-z0-9_./()-]*$`)
	plainCIDR   = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+(/[0-9]+)?$`)
	// resolved are the words that YAML 1.1 reads as something else than a string.
	resolved = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null|nan|\.nan|\.inf|~|\.)$`)
)

// quote writes a string so that YAML 1.1 and 1.2 parsers read that string.
func quote(s string) string {
	if (plainString.MatchString(s) || plainCIDR.MatchString(s)) && !resolved.MatchString(s) && !numeric(s) {
		return s
	}
	// JSON's escapes are a subset of YAML's double-quoted ones.
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic(err) // a string always encodes
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func numeric(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}
