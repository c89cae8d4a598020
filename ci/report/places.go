package report

import (
	"cmp"
	"path"
	"strings"
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

// of is the place of a span: that of the main file for none, the first line for a whole file.
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

// units is the column of a position in UTF-16 units, at most one behind the line.
func (p *places) units(file string, at diag.Position) int {
	line, ok := p.sources.line(file, at.Line)
	if !ok {
		return at.Column
	}
	column := 1
	for runes := 1; runes < at.Column && len(line) > 0; runes++ {
		r, size := utf8.DecodeRuneInString(line)
		column += max(1, utf16.RuneLen(r))
		line = line[size:]
	}
	return column
}

func (s spot) sarif() sarifPhysical {
	return sarifPhysical{sarifArtifact{uri(s.file)}, sarifRegion{s.start.Line, s.start.Column, s.end.Line, s.end.Column}}
}

// uri writes a relative path as a reference of RFC 3986: a colon would make a scheme of what
// stands before it.
func uri(file string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(file) {
		switch c := file[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~/", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}
