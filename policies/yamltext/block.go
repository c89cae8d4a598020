package yamltext

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// YAML writes a manifest in its canonical form: block style, two spaces, list items
// under their key. The same Map gives the same bytes.
func (m Map) YAML() []byte {
	var b bytes.Buffer
	if len(m) == 0 {
		return []byte("{}\n")
	}
	writeMap(&b, m, 0)
	return b.Bytes()
}

// YAML writes the items of a list, each in lines of its own, as those of a manifest.
func (l List) YAML() []byte {
	var b bytes.Buffer
	if len(l) == 0 {
		return []byte("[]\n")
	}
	writeList(&b, l, 0)
	return b.Bytes()
}

// longestKey is how many bytes a key may have beside its value: parsers look for
// the colon within 1024 characters (YAML 1.2, 7.4.2).
const longestKey = 1000

// writeMap writes the members of a Map that is not empty in block style; the first line's
// indentation is there already.
func writeMap(b *bytes.Buffer, m Map, indent int) {
	for i, f := range m {
		if i > 0 {
			pad(b, indent)
		}
		key := quoteManifest(f.Key)
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
		b.WriteString(" " + scalar(f.Value, quoteManifest) + "\n")
	}
}

// writeList writes the items of a List that is not empty in block style; the first line's
// indentation is there already.
func writeList(b *bytes.Buffer, l List, indent int) {
	for i, item := range l {
		if i > 0 {
			pad(b, indent)
		}
		if c, is := item.(Commented); is {
			writeComment(b, c.Comment, indent)
			item = c.Item
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
		b.WriteString(scalar(item, quoteManifest) + "\n")
	}
}

// writeComment writes each line of a text as a comment, and the indentation of the line below it.
// No character of it ends a line or is invisible, for whatever reader: what is not printed is
// written as its code point.
func writeComment(b *bytes.Buffer, text string, indent int) {
	for line := range strings.SplitSeq(text, "\n") {
		b.WriteString("# ")
		for _, r := range line {
			if unicode.IsPrint(r) {
				b.WriteRune(r)
			} else {
				fmt.Fprintf(b, "<U+%04X>", r)
			}
		}
		b.WriteByte('\n')
		pad(b, indent)
	}
}

// pad writes the indentation of a line in block style.
func pad(b *bytes.Buffer, n int) {
	for range n {
		b.WriteByte(' ')
	}
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
