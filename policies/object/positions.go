package object

import (
	"iter"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"

	"portcullis.dev/policies/diag"
)

// Document is one YAML document of a file.
type Document struct {
	Text  []byte
	First int // the lines of the file before it
}

// Documents yields the documents of a file that have content, in order.
func Documents(data []byte) iter.Seq[Document] {
	return func(yield func(Document) bool) {
		for first, text := range documents(data) {
			if !blank(text) && !yield(Document{Text: text, First: first}) {
				return
			}
		}
	}
}

// Positions turns the nodes of one parsed document into spans of its file.
type Positions struct{ spanner }

// Positions of the document's nodes, in the file of that name.
func (d Document) Positions(file string) Positions {
	return Positions{spanner{file: file, lines: strings.Split(string(d.Text), "\n"), first: d.First}}
}

// Of is the span of a node: a scalar's text with its quotes, or the first line of
// a collection.
func (p Positions) Of(n *yamlv3.Node) diag.Span { return p.span(place{value: n}) }

// Line is the text of one line of the document, counted from 1, without its
// indentation. A number outside the document means its nearest line.
func (p Positions) Line(n int) diag.Span {
	last := len(p.lines)
	if last > 1 && p.lines[last-1] == "" {
		last--
	}
	n = min(max(n, 1), last)
	return lineSpan(p.file, p.first+n, p.lines[n-1])
}
