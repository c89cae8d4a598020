package report

import (
	"cmp"
	"path"
	"unicode/utf16"
	"unicode/utf8"

	"portcullis.dev/policies/diag"
)

// mainFile is the file that stands for its repository where a finding has no other place.
const mainFile = "portcullis.yaml"

// places turns spans into places that every program can open: a file and a line at least.
type places struct {
	sources sources
	main    string
}

// newPlaces prepares the places of a report's findings: those without one get the repository's
// main file.
func newPlaces(r diag.Report) *places {
	p := places{sources: sources{files: r.Sources, lines: map[string][]string{}}}
	for _, name := range diag.SortedKeys(r.Sources) {
		if path.Base(name) == mainFile && (p.main == "" || len(name) < len(p.main)) {
			p.main = name
		}
	}
	return &p
}

// spot is a place whose columns count UTF-16 units, as programs count that show files. A column
// of 0 is none; without a file there is no place.
type spot struct {
	file       string
	start, end diag.Position
}

// of finds the place of a span: that of the main file for none, the first line for a whole file.
// The end is left out where it is not behind the start.
func (p *places) of(s diag.Span) spot {
	at := spot{file: cmp.Or(s.File, p.main), start: diag.Position{Line: 1}}
	if s.File == "" || !s.HasPosition() {
		return at
	}
	at.start = diag.Position{Line: s.Start.Line, Column: p.units(s.File, s.Start)}
	if s.End.Line > 0 && s.End.Compare(s.Start) >= 0 {
		at.end = diag.Position{Line: s.End.Line, Column: p.units(s.File, s.End)}
	}
	return at
}

// units counts the column of a place in UTF-16 units, at most one behind the line.
func (p *places) units(file string, at diag.Position) int32 {
	line, ok := p.sources.line(file, at.Line)
	if !ok {
		return at.Column
	}
	column := int32(1)
	for runes := int32(1); runes < at.Column && len(line) > 0; runes++ {
		r, size := utf8.DecodeRuneInString(line)
		column += int32(max(1, utf16.RuneLen(r)))
		line = line[size:]
	}
	return column
}

// place names where a finding points: a place in a file or, failing that, in an object.
func place(span diag.Span, s diag.Subject) string {
	if !span.IsZero() {
		return span.String()
	}
	return subject(s)
}

// subject names the object that a finding is about, and the place in it, a JSON pointer.
func subject(s diag.Subject) string {
	if s.Object.IsZero() {
		return s.Pointer
	}
	return join(" at ", s.Object.String(), s.Pointer)
}
