package yamltext

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// usual is how many bytes are room enough for most manifests.
const usual = 2048

// YAML writes a manifest in its canonical form: block style, two spaces, list items
// under their key. The same Map gives the same bytes.
func (m Map) YAML() []byte {
	var room [usual]byte
	return bytes.Clone(m.AppendYAML(room[:0]))
}

// AppendYAML appends what [Map.YAML] writes.
func (m Map) AppendYAML(to []byte) []byte {
	if len(m) == 0 {
		return append(to, "{}\n"...)
	}
	return appendMap(to, m, 0)
}

// YAML writes the items of a list, each in lines of its own, as those of a manifest.
func (l List) YAML() []byte {
	if len(l) == 0 {
		return []byte("[]\n")
	}
	return appendList(nil, l, 0)
}

// longestKey is how many bytes a key may have beside its value: parsers look for
// the colon within 1024 characters (YAML 1.2, 7.4.2).
const longestKey = 1000

// appendMap appends the members of a Map that is not empty in block style; the first line's
// indentation is there already.
func appendMap(to []byte, m Map, indent int) []byte {
	for i, f := range m {
		if i > 0 {
			to = pad(to, indent)
		}
		key := quoteManifest(f.Key)
		if len(key) > longestKey {
			to = pad(append(append(append(to, "? "...), key...), '\n'), indent)
			key = ""
		}
		to = append(append(to, key...), ':')
		switch v := f.Value.(type) {
		case Map:
			if len(v) > 0 {
				to = appendMap(pad(append(to, '\n'), indent+2), v, indent+2)
				continue
			}
		case List:
			if len(v) > 0 {
				to = appendList(pad(append(to, '\n'), indent), v, indent)
				continue
			}
		}
		to = append(append(append(to, ' '), scalar(f.Value, quoteManifest)...), '\n')
	}
	return to
}

// appendList appends the items of a List that is not empty in block style; the first line's
// indentation is there already.
func appendList(to []byte, l List, indent int) []byte {
	for i, item := range l {
		if i > 0 {
			to = pad(to, indent)
		}
		if c, is := item.(Commented); is {
			to = appendComment(to, c.Comment, indent)
			item = c.Item
		}
		to = append(to, "- "...)
		switch v := item.(type) {
		case Map:
			if len(v) > 0 {
				to = appendMap(to, v, indent+2)
				continue
			}
		case List:
			if len(v) > 0 {
				to = appendList(to, v, indent+2)
				continue
			}
		}
		to = append(append(to, scalar(item, quoteManifest)...), '\n')
	}
	return to
}

// appendComment appends each line of a text as a comment, and the indentation of the line below it.
// No character of it ends a line or is invisible, for whatever reader: what is not printed is
// written as its code point.
func appendComment(to []byte, text string, indent int) []byte {
	for line := range strings.SplitSeq(text, "\n") {
		to = append(to, "# "...)
		for _, r := range line {
			if unicode.IsPrint(r) {
				to = utf8.AppendRune(to, r)
			} else {
				to = fmt.Appendf(to, "<U+%04X>", r)
			}
		}
		to = pad(append(to, '\n'), indent)
	}
	return to
}

// pad appends the indentation of a line in block style.
func pad(to []byte, n int) []byte {
	for range n {
		to = append(to, ' ')
	}
	return to
}

// quoteManifest writes a string of a manifest. Other programs read manifests too, and people: only
// what begins with a letter, or is an IPv4 address, goes without quotes.
func quoteManifest(s string) string {
	if (startsWord(s) && !floats(s) || isIPv4(s)) && ascii(s) && Plain(s, Block) {
		return s
	}
	return Quoted(s)
}

// startsWord reports whether a string of a manifest begins with a letter, an underscore or a
// slash.
func startsWord(s string) bool {
	return s != "" && (s[0] >= 'A' && s[0] <= 'Z' || s[0] >= 'a' && s[0] <= 'z' || s[0] == '_' || s[0] == '/')
}

// floats reports whether a word is one that some programs take for a number.
func floats(s string) bool {
	return strings.EqualFold(s, "nan") || strings.EqualFold(s, "inf") || strings.EqualFold(s, "infinity")
}

// ascii reports whether a string of a manifest has no other characters than those of ASCII.
func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// isIPv4 reports whether a string of a manifest has the form of an IPv4 address, or of a block of
// them.
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

// number reports whether a text is digits alone, as the parts of an IPv4 address are.
func number(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
