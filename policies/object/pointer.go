package object

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"portcullis.dev/policies/diag"
)

// Pointer builds a JSON pointer (RFC 6901) out of its tokens.
func Pointer(tokens ...string) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteByte('/')
		b.WriteString(escape(t))
	}
	return b.String()
}

var (
	escaper   = strings.NewReplacer("~", "~0", "/", "~1")
	unescaper = strings.NewReplacer("~1", "/", "~0", "~")
)

// escape writes a token as it stands in a JSON pointer.
func escape(token string) string { return escaper.Replace(token) }

// unescape reads a token as it stands in a JSON pointer.
func unescape(token string) string { return unescaper.Replace(token) }

// pointerToField turns the path of a field as the API machinery writes it, such as
// spec.ingress[0].form, into a JSON pointer and the field's name. Such a path can be
// read in several ways, for keys may hold dots: the document decides.
func pointerToField(raw []byte, path string) (pointer, name string) {
	var root any
	if json.Unmarshal(raw, &root) != nil {
		return "", path
	}
	var walk func(at, path string, v any) bool
	walk = func(at, path string, v any) bool {
		if path == "" {
			pointer = at
			return true
		}
		switch v := v.(type) {
		case map[string]any:
			path = strings.TrimPrefix(path, ".")
			for _, key := range diag.SortedKeys(v) {
				rest, ok := strings.CutPrefix(path, key)
				if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') && walk(at+"/"+escape(key), rest, v[key]) {
					if rest == "" {
						name = key
					}
					return true
				}
			}
		case []any:
			index, rest, ok := strings.Cut(strings.TrimPrefix(path, "["), "]")
			if i, err := strconv.Atoi(index); ok && err == nil && i >= 0 && i < len(v) {
				return walk(at+"/"+index, rest, v[i])
			}
		}
		return false
	}
	if !walk("", "."+path, root) {
		return "", path
	}
	return pointer, name
}

// pointerToMismatch points at the value that has another type than the API's. The error names the
// fields on the way to it and not the items of lists: the first one whose value is of the type
// found is the one at which decoding stopped.
func pointerToMismatch(raw []byte, err *json.UnmarshalTypeError) string {
	var root any
	if json.Unmarshal(raw, &root) != nil {
		return ""
	}
	found, _, _ := strings.Cut(err.Value, " ") // "number 1.5"
	var walk func(at string, fields []string, v any) (string, bool)
	walk = func(at string, fields []string, v any) (string, bool) {
		if len(fields) == 0 && typeName(v) == found {
			return at, true
		}
		switch v := v.(type) {
		case map[string]any:
			if len(fields) == 0 { // the error does not name the keys of a map of strings
				for _, key := range diag.SortedKeys(v) {
					if p, ok := walk(at+"/"+escape(key), nil, v[key]); ok {
						return p, true
					}
				}
			}
			for n := 1; n <= len(fields); n++ { // a key may hold dots
				key := strings.Join(fields[:n], ".")
				if member, ok := v[key]; ok {
					if p, ok := walk(at+"/"+escape(key), fields[n:], member); ok {
						return p, true
					}
				}
			}
		case []any:
			for i, item := range v {
				if p, ok := walk(at+"/"+strconv.Itoa(i), fields, item); ok {
					return p, true
				}
			}
		}
		return "", false
	}
	fields := slices.DeleteFunc(strings.Split(err.Field, "."), func(s string) bool { return s == "" })
	pointer, _ := walk("", fields, root)
	return pointer
}

// typeName names the type of a JSON value as encoding/json's errors do, for a pointer to a
// mismatch.
func typeName(v any) string {
	switch v.(type) {
	case map[string]any:
		return "object"
	case []any:
		return "array"
	case string:
		return "string"
	case bool:
		return "bool"
	case float64:
		return "number"
	default:
		return "null"
	}
}
