package object

import (
	"bytes"
	"iter"
	"unicode/utf8"

	yamlv3 "go.yaml.in/yaml/v3"

	"portcullis.dev/policies/diag"
)

// Document is one YAML document of a file, for readers of YAML other than
// manifests: its text, and the places of what a yaml/v3 parser finds in it.
type Document struct {
	Text []byte
	at   textDocument
}

// Documents yields the documents of a file that hold anything, in order.
func Documents(file string, data []byte) iter.Seq[Document] {
	return func(yield func(Document) bool) {
		for d := range newSource(file, data).documents() {
			if !yield(Document{Text: d.text, at: d}) {
				return
			}
		}
	}
}

// Span finds where a node of the document stands: a scalar's text with its quotes, or the first
// line of a collection.
func (d Document) Span(n *yamlv3.Node) diag.Span { return d.at.node(place{value: n}) }

// Line finds where one line of the document stands, counted from 1, without its indentation. A
// number past the end means the last line.
func (d Document) Line(n int) diag.Span { return d.at.lineSpan(d.at.lineOffset(n)) }

// Within finds where some bytes of the document's text stand in its file.
func (d Document) Within(start, end int) diag.Span { return d.at.within(start, end) }

// Keys goes through the document's own keys without parsing it, each with the word behind it,
// which is empty where it is anything but one plain word, until it is told to stop. It reports
// whether it came to the end, and is sure that these are all: of most manifests it is.
func (d Document) Keys(each func(key, word string) bool) (sure bool) {
	return d.at.keys(func(key string, _, whole []byte) bool {
		word := bytes.TrimSpace(whole)
		if !plainWord(word) {
			word = nil
		}
		return each(key, string(word))
	})
}

// Start tells with which byte of the file, counted behind a byte order mark, the document's text
// begins.
func (d Document) Start() int { return d.at.offset }

// Offset finds the byte of the document's text that stands at a position in it: the way back from
// Within.
func (d Document) Offset(p diag.Position) int {
	starts := d.at.starts()
	at := starts[p.Line-1]
	for range p.Column - 1 {
		_, size := utf8.DecodeRune(d.at.data[at:])
		at += size
	}
	return at - d.at.offset
}

// Stray finds what stands between the documents of a file, whose text is UTF-8, and would be
// lost, or read as part of one: text behind an end marker, byte order marks, and characters that
// YAML does not have.
func Stray(file string, data []byte) diag.List { return newSource(file, data).stray() }

// NotUTF8 finds the first byte of a file that is not UTF-8.
func NotUTF8(file string, data []byte) (at diag.Span, c byte, found bool) {
	if utf8.Valid(data) {
		return diag.Span{}, 0, false
	}
	src := newSource(file, data)
	for i := 0; ; {
		r, size := utf8.DecodeRune(src.data[i:])
		if r == utf8.RuneError && size <= 1 {
			return src.span(i, i+1), src.data[i], true
		}
		i += size
	}
}
