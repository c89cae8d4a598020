package report

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// narrowest is the width below which breaking lines makes a text no easier to
// read.
const narrowest = 40

// headlineIndent is how far the further lines of a headline stand in.
const headlineIndent = 4

// pageWidth is after how many columns texts break that are no finding by itself, where no
// terminal says otherwise.
const pageWidth = 80

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

// columns counts the columns of a terminal that an inert text takes, which decides where lines
// break.
func columns(text string) int {
	n := 0
	for len(text) > 0 {
		_, size := utf8.DecodeRuneInString(text)
		n += runeWidth(text[:size])
		text = text[size:]
	}
	return n
}

// broken wraps names behind their commas and spaces, so that every line but the first has two
// columns less.
func broken(text string, width int) []string {
	var lines []string
	for columns(text) > width {
		cut, column := -1, 0
		for i, r := range text {
			if column += runeWidth(string(r)); column > width {
				break
			}
			if r == ',' || r == ' ' {
				cut = i + 1
			}
		}
		if cut <= 0 {
			next := strings.IndexAny(text, ", ")
			if next < 0 || next+1 >= len(text) {
				break
			}
			cut = next + 1
		}
		lines = append(lines, strings.TrimRight(text[:cut], " "))
		text = strings.TrimLeft(text[cut:], " ")
		if len(lines) == 1 {
			width -= 2
		}
	}
	return append(lines, text)
}

// runeWidth counts the columns that a terminal gives to the rune that s consists of (Unicode
// Standard Annex 11; combining marks stand on the rune before them).
func runeWidth(s string) int {
	r, _ := utf8.DecodeRuneInString(s)
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	default:
		return 1
	}
}

// flow wraps items, commas between them, in indented lines that break at none but commas.
func flow(items []string, indent int) string {
	var b strings.Builder
	column := 0
	for i, item := range items {
		if i < len(items)-1 {
			item += ","
		}
		switch n := columns(item); {
		case column == 0:
			b.WriteString(strings.Repeat(" ", indent))
			column = indent + n
		case column+1+n > pageWidth:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent + n
		default:
			b.WriteByte(' ')
			column += 1 + n
		}
		b.WriteString(item)
	}
	return b.String() + "\n"
}

// page makes a writer that wraps lines at a page's width even where a terminal's lines have no
// end.
func (t *textWriter) page() *textWriter {
	if t.width > 0 {
		return t
	}
	page := *t
	page.width = pageWidth
	return &page
}
