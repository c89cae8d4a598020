// Package format lays out YAML text: every comment kept, the rest in one form
// whoever wrote it.
//
// Its invariant: what it writes is a fixed point, parses to the same values, and
// holds the same comments.
//
// It must not know the language: which keys a mapping has, and in which order, is
// told by its caller.
package format

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/policies/object"
)

// width is the column up to which a collection may stand on one line.
const width = 100

// Writer writes a file document by document.
type Writer struct {
	text     []byte // of the whole file, with LF alone
	at, line int    // up to where it is written: the byte, and the line that begins there
	out      bytes.Buffer
	begun    bool // a document has been written
	marked   bool // the last line is ---
	comments []string
}

// NewWriter begins a file whose text has LF alone as line breaks.
func NewWriter(text []byte) *Writer { return &Writer{text: text, line: 1} }

// Document writes one document of the file; those before it have been written. order
// has, for mappings whose keys have an order of their own, those keys.
func (w *Writer) Document(doc object.Document, root *yaml.Node, order map[*yaml.Node][]string) {
	first := int(doc.Within(0, 0).Start.Line)
	start := w.at + lineStart(w.text[w.at:], first-w.line+1)
	w.between(w.text[w.at:start])
	w.at, w.line = start+len(doc.Text), first+bytes.Count(doc.Text, []byte("\n"))
	if bytes.HasPrefix(doc.Text, []byte("---")) || w.begun {
		w.marker()
	}
	t := newTree(doc, root)
	for _, c := range t.comments() {
		w.comments = append(w.comments, c.text)
	}
	t.attach()
	p := printer{order: order}
	p.document(t)
	p.align()
	for _, l := range p.lines {
		w.write(l.text)
	}
	w.begun = true
}

// Close writes what follows the last document, and returns the text of the whole and
// its comments.
func (w *Writer) Close() (text []byte, comments []string) {
	w.between(w.text[w.at:])
	return w.out.Bytes(), slices.Sorted(slices.Values(w.comments))
}

// write writes one line of the file, which is then no marker.
func (w *Writer) write(text string) {
	w.out.WriteString(text)
	w.out.WriteByte('\n')
	w.marked = false
}

// marker writes the marker between documents, unless one was just written.
func (w *Writer) marker() {
	if !w.marked {
		w.write("---")
		w.marked = true
	}
}

// between writes the comments between two documents, and the markers around them.
// Documents without anything in them are left out.
func (w *Writer) between(text []byte) {
	var lines []string
	for line := range strings.SplitSeq(string(text), "\n") {
		line = strings.TrimSpace(line)
		rest, marker := strings.CutPrefix(line, "---")
		if !marker {
			rest, _ = strings.CutPrefix(line, "...")
		}
		if marker {
			lines = append(lines, "---")
		}
		switch rest = strings.TrimSpace(rest); {
		case rest != "":
			lines = append(lines, rest)
			w.comments = append(w.comments, rest)
		case !marker && len(lines) > 0:
			lines = append(lines, "")
		}
	}
	if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "#") }) {
		return
	}
	blank := false
	for _, line := range lines {
		switch {
		case line == "---":
			w.marker()
			blank = false
		case line == "":
			blank = !w.marked
		default:
			if blank {
				w.write("")
			}
			w.write(line)
			blank = false
		}
	}
}

// lineStart finds the offset at which the nth line of the written file's source begins.
func lineStart(text []byte, n int) int {
	at := 0
	for ; n > 1; n-- {
		next := bytes.IndexByte(text[at:], '\n')
		if next < 0 {
			return len(text)
		}
		at += next + 1
	}
	return at
}
