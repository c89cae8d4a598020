package yamltext

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Reader reads documents in plain block style, of which most manifests are: mappings and lists in
// lines of their own, and on one line each a word, a number, a boolean or a quoted text without
// escapes. Whatever else there is in YAML it leaves to a parser. Texts that are the same become
// one, whichever of its documents they stand in. It is not for several goroutines at once.
type Reader struct {
	keys    map[string]string // of mappings, by themselves; empty for what is none for sure
	scalars map[string]any    // by their text; nil for what is none for sure

	rest   []byte // of the document, behind the line
	line   []byte // without indentation
	indent int    // of the line; -1 behind the last one
	fields []Field
	items  []any
	depth  int
}

// NewReader makes a reader that has read nothing.
func NewReader() *Reader {
	return &Reader{keys: map[string]string{}, scalars: map[string]any{}}
}

const (
	mostDeep   = 64  // collections in collections that are read
	mostFields = 100 // of one mapping, each of which is compared with the others
)

// Read reads a document that is a mapping. It is sure that every parser, of YAML 1.1 and of 1.2,
// reads the same, or else reads nothing.
func (r *Reader) Read(text []byte) (m Map, sure bool) {
	if !printable(text) {
		return nil, false
	}
	r.rest, r.fields, r.items, r.depth = text, r.fields[:0], r.items[:0], 0
	if r.next(); r.indent == 0 && string(r.line) == "---" {
		r.next()
	}
	if r.indent != 0 {
		return nil, false
	}
	m, sure = r.mapping()
	return m, sure && r.indent < 0
}

// printable reports whether a text is UTF-8 whose characters all parsers take alike: no tab, and
// no break of lines but one.
func printable(text []byte) bool {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= ' ' && c <= '~' || c == '\n' {
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		if c < utf8.RuneSelf || r == utf8.RuneError && size <= 1 || !unicode.IsPrint(r) {
			return false
		}
		i += size - 1
	}
	return true
}

// next goes to the next line that holds more than blanks and a comment.
func (r *Reader) next() {
	for len(r.rest) > 0 {
		line := r.rest
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			line, r.rest = line[:end], line[end+1:]
		} else {
			r.rest = nil
		}
		r.line = bytes.TrimLeft(line, " ")
		r.indent = len(line) - len(r.line)
		if r.line = bytes.TrimRight(r.line, " "); len(r.line) > 0 && r.line[0] != '#' {
			return
		}
	}
	r.indent = -1
}

// item reports whether the line begins an item of a list.
func (r *Reader) item() bool { return r.line[0] == '-' && (len(r.line) == 1 || r.line[1] == ' ') }

// mapping reads a mapping, from the line on with its first key.
func (r *Reader) mapping() (m Map, sure bool) {
	indent, since := r.indent, len(r.fields)
	for r.indent == indent && !r.item() {
		key, rest, is := r.key(r.line)
		same := func(f Field) bool { return f.Key == key }
		if !is || len(r.fields)-since == mostFields || slices.ContainsFunc(r.fields[since:], same) {
			return nil, false
		}
		var value any
		if len(rest) > 0 {
			value = r.scalar(rest)
			r.next()
		} else if r.next(); r.indent > indent || r.indent == indent && r.item() {
			value = r.collection()
		}
		if value == nil || r.indent > indent {
			return nil, false
		}
		r.fields = append(r.fields, Field{key, value})
	}
	m = slices.Clone(r.fields[since:])
	r.fields = r.fields[:since]
	return m, true
}

// collection reads the mapping or the list that begins with the line; nil where it is not sure.
func (r *Reader) collection() any {
	if r.depth++; r.depth > mostDeep {
		return nil
	}
	defer func() { r.depth-- }()
	if r.item() {
		if l, sure := r.list(); sure {
			return l
		}
	} else if m, sure := r.mapping(); sure {
		return m
	}
	return nil
}

// list reads a list, from the line on with its first item.
func (r *Reader) list() (l List, sure bool) {
	indent, since := r.indent, len(r.items)
	for r.indent == indent && r.item() {
		content := bytes.TrimLeft(r.line[1:], " ")
		if len(content) == 0 || content[0] == '#' {
			return nil, false
		}
		var value any
		if _, _, is := r.key(content); is {
			r.indent, r.line = indent+len(r.line)-len(content), content
			value = r.collection()
		} else {
			value = r.scalar(content)
			r.next()
		}
		if value == nil || r.indent > indent {
			return nil, false
		}
		r.items = append(r.items, value)
	}
	l = slices.Clone(r.items[since:])
	r.items = r.items[:since]
	return l, true
}

// key splits a line behind the colon of its key, if it has one for sure, and leaves out a comment
// that stands there alone.
func (r *Reader) key(line []byte) (key string, rest []byte, is bool) {
	end := bytes.Index(line, []byte(": "))
	if end >= 0 {
		rest = bytes.TrimLeft(line[end+1:], " ")
		if rest[0] == '#' {
			rest = nil
		}
	} else if end = len(line) - 1; line[end] != ':' {
		return "", nil, false
	}
	key, known := r.keys[string(line[:end])]
	if !known {
		if key = string(line[:end]); len(key) > longestKey || !Plain(key, Block) {
			key = ""
		}
		r.keys[string(line[:end])] = key
	}
	return key, rest, key != ""
}

// scalar reads a value that stands on one line, behind which a comment may stand; nil where it
// is not sure.
func (r *Reader) scalar(text []byte) any {
	if quote := text[0]; quote == '"' || quote == '\'' {
		n := QuotedLength(text)
		if rest := text[n:]; len(rest) > 0 && !bytes.HasPrefix(bytes.TrimLeft(rest, " "), []byte("#")) || len(rest) > 0 && rest[0] != ' ' {
			return nil
		}
		text = text[:n]
	} else if at := bytes.Index(text, []byte(" #")); at >= 0 {
		text = bytes.TrimRight(text[:at], " ")
	}
	value, known := r.scalars[string(text)]
	if !known {
		s := string(text)
		value = read(s)
		r.scalars[s] = value
	}
	return value
}

// read makes a value of a scalar, or of an empty collection; nil where parsers may differ.
func read(s string) any {
	switch {
	case s == "{}":
		return Map{}
	case s == "[]":
		return List{}
	case s == "true" || s == "false":
		return s == "true"
	case s[0] == '"' || s[0] == '\'':
		inner, closed := strings.CutSuffix(s[1:], s[:1])
		if !closed || strings.Contains(inner, s[:1]) || strings.IndexByte(inner, '\\') >= 0 {
			return nil
		}
		return inner
	}
	if n, err := strconv.Atoi(s); err == nil && len(s) <= longestNumber && strconv.Itoa(n) == s {
		return n
	}
	if Plain(s, Block) {
		return s
	}
	return nil
}

// longestNumber is how long a number is that every parser reads in whole.
const longestNumber = 15
