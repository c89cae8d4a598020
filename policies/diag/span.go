package diag

import (
	"cmp"
	"fmt"
)

// Position is a place in a text file. Line and Column count from 1. Column
// counts runes, not bytes, so that a caret stands under the character meant
// whatever the encoding's width. Lines end in LF or CRLF, and a byte order mark is
// not counted, as in editors. The zero Position is no place at all. Both numbers are short:
// every value that was written keeps its place, and no file that is read has 2³¹ lines.
type Position struct {
	Line   int32 `json:"line"`
	Column int32 `json:"column"`
}

// At returns the position in a line and a column.
func At(line, column int) Position { return Position{int32(line), int32(column)} }

// Span is a stretch of one file. End is exclusive: it is the position right
// after the last rune. A Span without a Start points at the file as a whole, and
// the zero Span points nowhere.
//
// File is relative to the directory being judged and uses forward slashes; it is
// never absolute, so that no output tells where the program ran.
type Span struct {
	File  string   `json:"file"`
	Start Position `json:"start,omitzero"`
	End   Position `json:"end,omitzero"`
}

// IsZero reports whether the span points nowhere.
func (s Span) IsZero() bool { return s == Span{} }

// HasPosition reports whether the span points into its file, and not only at it.
func (s Span) HasPosition() bool { return s.Start.Line > 0 }

// String writes the span's start as file:line:column, the form that editors and terminals turn
// into a link.
func (s Span) String() string {
	switch {
	case s.IsZero():
		return ""
	case !s.HasPosition():
		return s.File
	default:
		return fmt.Sprintf("%s:%d:%d", s.File, s.Start.Line, s.Start.Column)
	}
}

// Compare orders spans by file, start and end, so that findings read top to
// bottom. The zero span comes first.
func (s Span) Compare(t Span) int {
	return cmp.Or(
		cmp.Compare(s.File, t.File),
		s.Start.Compare(t.Start),
		s.End.Compare(t.End),
	)
}

// Compare orders positions by line and column.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column))
}
