package report

import (
	"strings"
	"unicode/utf8"
)

// narrowest is the width below which breaking lines makes a text no easier to
// read.
const narrowest = 40

// headlineIndent is how far the further lines of a headline stand in.
const headlineIndent = 4

// Wrap breaks prose of our own at the width.
func Wrap(text string, width int) string {
	return (&textWriter{width: width}).wrap(text, 0, 0)
}

// wrap breaks prose, which is inert already, at its spaces. The first line has used
// so many columns before the text begins; further lines are indented. A word longer
// than a line stays whole, for it may be there to be copied; one that would be a
// command to a build system at the beginning of a line does not come to stand there,
// not even behind the spaces before it.
func (t *textWriter) wrap(text string, used, indent int) string {
	if t.width == 0 {
		return text
	}
	var b strings.Builder
	column := used
	for i, word := range strings.Split(text, " ") {
		n := columns(word)
		switch {
		case column+n+min(i, 1) > t.width && column > indent && word != "" && !strings.HasPrefix(word, "::"):
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		case i > 0:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}

// columns is how many columns of a terminal an inert text takes.
func columns(text string) int {
	n := 0
	for len(text) > 0 {
		_, size := utf8.DecodeRuneInString(text)
		n += runeWidth(text[:size])
		text = text[size:]
	}
	return n
}
