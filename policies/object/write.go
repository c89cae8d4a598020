package object

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

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

var (
	// plainString is what block style reads as it stands: printable ASCII that begins
	// with no indicator and holds neither a key's colon nor a comment's mark (quote checks those two).
	plainString = regexp.MustCompile(`^[A-Za-z_/]([ -~]*[!-9;-~])?$`)
	plainCIDR   = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+(/[0-9]+)?$`)
	// resolved are the words that YAML 1.1 reads as something else than a string.
	resolved = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null|nan|\.nan|\.inf|~|\.)$`)
)

// quote writes a string so that YAML 1.1 and 1.2 parsers read that string.
func quote(s string) string {
	if plain := plainString.MatchString(s) && !strings.Contains(s, ": ") && !strings.Contains(s, " #") || plainCIDR.MatchString(s); plain && !resolved.MatchString(s) && !numeric(s) {
		return s
	}
	return Quoted(s)
}

// Quoted is the string in double quotes, as every YAML parser reads it.
func Quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s { // an invalid byte becomes U+FFFD
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xff:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func numeric(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}
