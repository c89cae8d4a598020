package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// longest is how many runes of one text are shown to people: a message may quote
// a file, and a file may hold a megabyte in one value.
const longest = 4000

// unseen are the runes that count as printable and yet show nothing, or change
// the look of their neighbour.
var unseen = []*unicode.RangeTable{
	unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector,
}

// inert reports whether the first rune of s may be shown as it is. It may not when it is a
// control or formatting character (ESC, bidi overrides, zero width), a space that looks like
// another, not UTF-8, or the beginning of a command to a build system: GitHub's and Azure's
// runners look for ##[ and ##vso[ anywhere in a line.
func inert(s string) (r rune, size int, ok bool) {
	r, size = utf8.DecodeRuneInString(s)
	switch {
	case r == utf8.RuneError && size == 1:
		return rune(s[0]), 1, false
	case r == '#':
		return r, size, !strings.HasPrefix(s, "##[") && !strings.HasPrefix(s, "##vso[")
	default:
		return r, size, unicode.IsPrint(r) && !unicode.In(r, unseen...)
	}
}

// visible writes the first rune of s, which is size bytes long, as a terminal may receive it:
// escaped if it is not inert.
func visible(s string) (text string, size int) {
	r, size, ok := inert(s)
	switch {
	case ok:
		return s[:size], size
	case r >= utf8.RuneSelf && size == 1:
		return fmt.Sprintf(`\x{%x}`, r), size
	default:
		return fmt.Sprintf(`\u{%x}`, r), size
	}
}

// Line escapes a text from somebody else's file, so that it is one inert line of a terminal or of
// a log.
func Line(s string) string { return terminal(s) }

// terminal escapes a text for a terminal and for the log of a build system: one inert line,
// nothing hidden, and not so long that it hides the rest.
func terminal(s string) string {
	var b strings.Builder
	// Runners trim a line before they look for a workflow command.
	if strings.HasPrefix(strings.TrimSpace(s), "::") {
		before, after, _ := strings.Cut(s, ":")
		b.WriteString(terminal(before) + `\u{3a}`)
		s = after
	}
	for shown := 0; len(s) > 0; shown++ {
		if shown == longest {
			fmt.Fprintf(&b, "… (%d more characters)", utf8.RuneCountInString(s))
			break
		}
		text, size := visible(s)
		b.WriteString(text)
		s = s[size:]
	}
	return b.String()
}
