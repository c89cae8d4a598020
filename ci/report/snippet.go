package report

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"portcullis.dev/policies/diag"
)

// windowWidth is how many runes are shown of a line too long for a screen; a third
// of them, at most, stand before the caret.
const windowWidth = 120

// window counts how many runes of a snippet are shown where a terminal leaves that many columns;
// as many as usual where it has no end. Two are for the marks of what is left out.
func window(left int) int {
	if left <= 0 {
		return windowWidth
	}
	return min(windowWidth, left-2)
}

// tabStop is the distance of the columns to which a tab in a source line is
// expanded, so that the caret below needs none.
const tabStop = 4

// sources gives out single lines of the files that findings point into.
type sources struct {
	files map[string][]byte
	lines map[string][]string // of the files asked for so far
}

// line looks up the source line of a snippet, counted from 1, without its line break.
func (s *sources) line(file string, n int32) (string, bool) {
	lines, known := s.lines[file]
	if !known {
		data, ok := s.files[file]
		if !ok {
			return "", false
		}
		// Columns do not count a byte order mark.
		data = bytes.TrimPrefix(data, []byte("\ufeff"))
		lines = strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
		s.lines[file] = lines
	}
	if n < 1 || int(n) > len(lines) {
		return "", false
	}
	return strings.TrimSuffix(lines[n-1], "\r"), true
}

// snippet is a source line and the line of carets under it, both ready for a
// terminal.
type snippet struct{ text, carets string }

// cut makes a snippet: the source line with carets under the part of the span that lies on the
// span's first line. A span past the line's end is put right behind it; one that holds nothing
// gets a single caret.
func cut(line string, span diag.Span, window int) snippet {
	count := utf8.RuneCountInString(line)
	start := min(max(int(span.Start.Column), 1)-1, count)
	end := count
	if span.End.Line == span.Start.Line || span.End.Line == 0 {
		end = min(int(span.End.Column)-1, count)
	}
	end = max(end, start+1)

	var text strings.Builder
	first := 0
	if lead := window / 3; count > window && start > lead {
		first = start - lead
		for range first {
			_, size := utf8.DecodeRuneInString(line)
			line = line[size:]
		}
		text.WriteString("…")
	}
	column := utf8.RuneCountInString(text.String())
	from, to := -1, -1 // columns of the first caret and after the last
	for i := first; len(line) > 0; i++ {
		if i == start {
			from = column
		}
		if i-first == window {
			text.WriteString("…")
			break
		}
		shown, size := visible(line)
		cells := len(shown) // of an escape
		switch {
		case line[0] == '\t':
			cells = tabStop - column%tabStop
			shown = strings.Repeat(" ", cells)
		case shown == line[:size]:
			cells = runeWidth(shown)
		}
		text.WriteString(shown)
		column += cells
		line = line[size:]
		if i < end {
			to = column
		}
	}
	if from < 0 {
		from = column // behind the line
	}
	to = max(to, from+1)
	return snippet{text: text.String(), carets: strings.Repeat(" ", from) + strings.Repeat("^", to-from)}
}
