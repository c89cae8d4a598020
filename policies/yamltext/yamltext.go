// Package yamltext is the one eye and the one pen for YAML's text: which strings need
// quotes, how a value is written in lines of its own or between brackets, where what stands
// between quotes or brackets ends, and what a document says that is in plain block style.
//
// Its invariant: whatever is written is read back as the value that was meant, by parsers of
// YAML 1.1 and of 1.2, in block style, between brackets, and as a key. Whoever writes YAML
// builds a value and hands it to this package; no text is put together elsewhere. What is read
// for sure, those parsers read alike.
//
// It must not know what a value says: neither manifests nor the language of intents.
package yamltext

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Context is where a scalar stands (YAML 1.2.2, 7.1).
type Context uint8

const (
	// Block is a line of its own, or its end.
	Block Context = iota
	// Flow is between brackets or braces, where more characters have a meaning.
	Flow
)

// Plain reports whether a text can do without quotes: every parser, of YAML 1.1 and of 1.2,
// takes it for that very text, as a value and as a key. Between brackets a colon and a
// question mark are never plain: parsers disagree about them.
func Plain(s string, in Context) bool {
	if !startsPlain(s) || s[len(s)-1] == ' ' || strings.HasPrefix(s, "...") || Ambiguous(s) {
		return false
	}
	for i, r := range s {
		switch {
		case r == ':':
			if in == Flow || i+1 == len(s) || s[i+1] == ' ' {
				return false
			}
		case r == '#':
			if s[i-1] == ' ' {
				return false
			}
		case r == ',' || r == '?' || r == '[' || r == ']' || r == '{' || r == '}':
			if in == Flow {
				return false
			}
		case !unicode.IsPrint(r), r == utf8.RuneError && !strings.HasPrefix(s[i:], "\ufffd"): // no UTF-8
			return false
		}
	}
	return true
}

// startsPlain reports whether a text that is to stand without quotes begins with a letter, a
// digit, or a mark that means nothing to YAML.
func startsPlain(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	switch r {
	case '/', '.', '_', '(', '+', '$', '^', '<':
		return true
	case utf8.RuneError: // the empty text too
		return false
	}
	return unicode.IsLetter(r) || unicode.IsNumber(r)
}

// Quote writes a string so that it can stand anywhere: in block style, between brackets, and
// as a key.
func Quote(s string) string {
	if Plain(s, Flow) {
		return s
	}
	return Quoted(s)
}

// Quoted writes a string in double quotes, as every YAML parser reads it. A byte that is not
// UTF-8 is written as U+FFFD, for YAML cannot hold it.
func Quoted(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte('"')
	for _, r := range s {
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
