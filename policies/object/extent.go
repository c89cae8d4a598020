package object

import (
	"bytes"
	"unicode/utf8"

	yamlv3 "go.yaml.in/yaml/v3"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/yamltext"
)

// node finds the extent of a YAML node in the source. The parser's nodes know only where they
// begin: where they end is read off the text.
func (d textDocument) node(at place) diag.Span {
	n := at.value
	switch {
	case n.Kind == yamlv3.AliasNode:
		start := d.begin(n)
		return d.within(start, start+len("*")+len(n.Value))
	case n.Kind == yamlv3.ScalarNode && (at.key == nil || n.Value != "" || n.Style != 0):
		return d.scalar(n, at)
	case at.key != nil && at.key.Kind == yamlv3.ScalarNode:
		return d.scalar(at.key, place{value: at.key})
	default: // a collection in a list, or a whole document: its brackets, or its first line
		start := d.begin(n)
		return d.within(start, start+d.collectionLength(start))
	}
}

// collectionLength measures how far a list or mapping extends in its first line.
func (d textDocument) collectionLength(start int) int {
	line := d.uncommented(start)
	brackets := min(d.properties(start)-start, len(line))
	if end := yamltext.Closing(line[brackets:]); end >= 0 {
		return brackets + end + 1
	}
	return len(line) // in block style, or over several lines
}

// scalar finds the extent of a scalar, without its anchor and tag.
func (d textDocument) scalar(n *yamlv3.Node, at place) diag.Span {
	start := d.properties(d.begin(n))
	rest := d.text[start:]
	switch {
	case n.Style&(yamlv3.SingleQuotedStyle|yamlv3.DoubleQuotedStyle) != 0:
		return d.within(start, start+yamltext.QuotedLength(rest))
	case n.Style&(yamlv3.LiteralStyle|yamlv3.FoldedStyle) != 0:
		return d.within(start, start+d.blockLength(start, at))
	default:
		return d.within(start, start+plainLength(rest, n.Value))
	}
}

// within makes the span between two offsets in the document.
func (d textDocument) within(start, end int) diag.Span {
	start = min(start, len(d.text))
	return d.span(d.offset+start, d.offset+min(max(start, end), len(d.text)))
}

// begin finds the offset in the document at which a node begins.
func (d textDocument) begin(n *yamlv3.Node) int {
	return d.forward(d.lineOffset(n.Line), n.Column-1, d.offset+len(d.text)) - d.offset
}

// uncommented cuts the comment off the rest of the line at an offset in the document: no node
// extends into it. What is written in one line asks for it once for each of its parts.
func (d textDocument) uncommented(at int) []byte {
	if at < d.rest.start || at >= d.rest.end {
		*d.rest = rest{at, at + len(trimComment(d.line(at)))}
	}
	return d.text[at:d.rest.end]
}

// line finds the rest of the line at an offset in the document, without its break.
func (d textDocument) line(at int) []byte {
	line := d.text[at : at+lineLength(d.text[at:])]
	return line[:len(line)-breakLength(line)]
}

// properties skips the anchor and the tag that may stand before a node's content.
func (d textDocument) properties(at int) int {
	for at < len(d.text) && (d.text[at] == '&' || d.text[at] == '!') {
		if end := bytes.IndexAny(d.text[at:], " \t\r\n\u0085\u2028\u2029"); end >= 0 {
			at += end
		} else {
			at = len(d.text)
		}
		for at < len(d.text) {
			if line := d.text[at : at+lineLength(d.text[at:])]; len(trimComment(line)) == 0 {
				at += len(line)
				continue
			}
			if d.text[at] != ' ' && d.text[at] != '\t' {
				break
			}
			at++
		}
	}
	return at
}

// trimComment cuts off a comment, which needs a blank before it, and the blanks
// before that.
func trimComment(line []byte) []byte {
	for i, c := range line {
		if c == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			line = line[:i]
			break
		}
	}
	return bytes.TrimRight(line, " \t\r\n\u0085\u2028\u2029")
}

// plainLength follows an unquoted scalar, which may run over several lines: its
// value holds the same characters but for white space.
func plainLength(text []byte, value string) int {
	end, at := 0, 0
	for _, want := range value {
		if space(want) {
			continue
		}
		for at < len(text) {
			r, size := utf8.DecodeRune(text[at:])
			at += size
			if r == want {
				end = at
				break
			}
			if !space(r) {
				return end
			}
		}
	}
	return end
}

// space reports whether a character may stand where a scalar is folded over lines.
func space(r rune) bool {
	switch r {
	case ' ', '\t', '\n', '\r', '\u0085', '\u2028', '\u2029':
		return true
	}
	return false
}

// blockLength measures a block scalar from its header to the end of its last line that is not
// empty.
func (d textDocument) blockLength(start int, at place) int {
	header := trimComment(d.line(start))
	end := start + len(header)
	indent := 0 // of the content; 0 while unknown
	if i := bytes.IndexAny(header, "123456789"); i >= 0 {
		indent = d.parentIndent(start, at) + int(header[i]-'0')
	}
	for next := start + lineLength(d.text[start:]); next < len(d.text); next += lineLength(d.text[next:]) {
		line := d.line(next)
		lead := len(line) - len(bytes.TrimLeft(line, " "))
		switch {
		case lead == len(line):
			continue
		case indent == 0:
			if lead == 0 {
				return end - start // the block is empty
			}
			indent = lead
		}
		if lead < indent {
			break
		}
		end = next + len(line)
	}
	return end - start
}

// parentIndent finds the indentation of the collection that holds a block scalar: that of its
// key, or of its dash.
func (d textDocument) parentIndent(start int, at place) int {
	if at.key != nil {
		return at.key.Column - 1
	}
	line := d.text[:start]
	return max(bytes.LastIndexByte(line, '-')-bytes.LastIndexAny(line, "\r\n\u0085\u2028\u2029")-1, 0)
}
