package object

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"sort"
	"unicode/utf8"

	"portcullis.dev/policies/diag"
)

// source is the text of one file. Two notions of a line meet in it: an editor's,
// which ends in LF or CRLF and which positions are told in, and YAML's, which also
// ends in CR, NEL, LS and PS (YAML 1.1, 4.2) and which the parsers count in. Byte
// offsets lead from one to the other.
type source struct {
	file  string
	data  []byte        // without a byte order mark
	lines []int         // offsets at which an editor's lines begin; computed when asked for
	runes map[int][]int // offset at which a long line begins → those of every 256th of its characters
}

// stride is how many characters lie between two of the offsets that are remembered of a
// line: all that is written may stand in a single one.
const stride = 256

// mostFindings is how many mistakes of one kind are told of a document: a file of
// nothing else would keep the reader busy for hours.
const mostFindings = 100

// strides finds the offsets of every 256th character between an offset in the source and the end
// of its line, the offset itself first.
func (s *source) strides(start int) []int {
	if known, ok := s.runes[start]; ok {
		return known
	}
	all := []int{start}
	count := 0
	for at := start; at < len(s.data) && s.data[at] != '\n'; {
		_, size := utf8.DecodeRune(s.data[at:])
		at += size
		if count++; count%stride == 0 {
			all = append(all, at)
		}
	}
	if s.runes == nil {
		s.runes = map[int][]int{}
	}
	s.runes[start] = all
	return all
}

// forward finds the offset in the source so many characters behind another one, and no further
// than the limit.
func (s *source) forward(start, characters, limit int) int {
	at := start
	if characters >= stride {
		known := s.strides(start)
		i := min(characters/stride, len(known)-1)
		at, characters = min(known[i], limit), characters-i*stride
	}
	for ; characters > 0 && at < limit; characters-- {
		_, size := utf8.DecodeRune(s.data[at:limit])
		at += size
	}
	return at
}

// characters counts the characters between the beginning of a line of the source and an offset in
// it.
func (s *source) characters(start, offset int) int {
	if offset-start < stride {
		return utf8.RuneCount(s.data[start:offset])
	}
	known := s.strides(start)
	i := sort.SearchInts(known, offset+1) - 1
	return i*stride + utf8.RuneCount(s.data[known[i]:offset])
}

// mark is a byte order mark.
const mark = "\ufeff"

// newSource makes the source of a file's text, without its byte order mark.
func newSource(file string, data []byte) *source {
	return &source{file: file, data: bytes.TrimPrefix(data, []byte(mark))}
}

// starts finds the offsets at which an editor's lines of the source begin.
func (s *source) starts() []int {
	if s.lines == nil {
		s.lines = append(make([]int, 0, bytes.Count(s.data, []byte("\n"))+1), 0)
		for i, c := range s.data {
			if c == '\n' && i+1 < len(s.data) {
				s.lines = append(s.lines, i+1)
			}
		}
	}
	return s.lines
}

// position tells at which line and column the byte at an offset in the source stands.
func (s *source) position(offset int) diag.Position {
	starts := s.starts()
	line := sort.SearchInts(starts, offset+1)
	return diag.At(line, s.characters(starts[line-1], offset)+1)
}

// span makes the span between two offsets in the source.
func (s *source) span(start, end int) diag.Span {
	return diag.Span{File: s.file, Start: s.position(start), End: s.position(end)}
}

// lineSpan finds the text of the editor's line of the source that holds the offset, without its
// indentation.
func (s *source) lineSpan(offset int) diag.Span {
	starts := s.starts()
	line := sort.SearchInts(starts, offset+1)
	start, end := starts[line-1], len(s.data)
	if line < len(starts) {
		end = starts[line]
	}
	text := bytes.TrimRight(s.data[start:end], " \t\r\n")
	start += len(text) - len(bytes.TrimLeft(text, " \t"))
	return s.span(start, max(start, starts[line-1]+len(text)))
}

// textDocument is one YAML document of a source: text, which begins at the offset.
type textDocument struct {
	*source
	offset int
	text   []byte
	breaks *[]int // offsets in text at which lines in YAML's sense begin; computed when asked for
	rest   *rest  // of the line that was last asked about
}

// rest is a stretch of a document's text without a break or a comment, up to the last
// character before either.
type rest struct{ start, end int }

// documents yields the YAML documents that hold anything. A line that begins with
// three dashes or three dots can only be a marker between two of them (YAML 1.2.2,
// 9.1.2), so no parse is needed. A line of dashes belongs to the document that it
// begins; a line of dots to none, so that nothing in it is read as part of one.
func (s *source) documents() iter.Seq[textDocument] {
	return func(yield func(textDocument) bool) {
		start := 0
		emit := func(end, next int) bool {
			d := textDocument{source: s, offset: start, text: s.data[start:end], breaks: new([]int), rest: new(rest)}
			start = next
			return content(d.text) == len(d.text) || yield(d)
		}
		for at := 0; at < len(s.data); {
			next := at + lineLength(s.data[at:])
			switch line := s.data[at:next]; {
			case marker(line, "---"):
				if !emit(at, at) {
					return
				}
			case marker(line, "..."):
				if !emit(at, next) {
					return
				}
			}
			at = next
		}
		emit(len(s.data), len(s.data))
	}
}

// manifests yields the documents of the source, and those of a stream of JSON each by itself:
// kubectl reads such a stream (k8s.io/apimachinery/pkg/util/yaml), which as YAML is none.
func (s *source) manifests() iter.Seq[textDocument] {
	return func(yield func(textDocument) bool) {
		for doc := range s.documents() {
			start := 0
			for _, end := range values(doc.text) {
				part := textDocument{source: s, offset: doc.offset + start, text: doc.text[start:end], breaks: new([]int), rest: new(rest)}
				if start = end; !yield(part) {
					return
				}
			}
			if start == 0 && !yield(doc) {
				return
			}
		}
	}
}

// values finds the offsets behind each of several values of JSON that make a source's text; none
// where it is anything else.
func values(text []byte) (ends []int) {
	if !bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) {
		return nil
	}
	reader := json.NewDecoder(bytes.NewReader(text))
	for {
		var value json.RawMessage
		switch err := reader.Decode(&value); {
		case err == nil && value[0] == '{':
			ends = append(ends, int(reader.InputOffset()))
		case errors.Is(err, io.EOF) && len(ends) > 1:
			return ends
		default:
			return nil
		}
	}
}

// stray finds what no parser is asked about, for it stands between the documents of the source:
// text behind an end marker, byte order marks, which files leave behind that were put together,
// and characters that YAML does not have.
func (s *source) stray() diag.List {
	if at, c := s.unprintable(); at < len(s.data) {
		return diag.List{NotYAML.At(s.span(at, at+utf8.RuneLen(c)), "the text holds a control character (%q)", c).
			Because("YAML does not have it, in comments either").Suggest("remove it; in a value, write it between double quotes as an escape")}
	}
	if !bytes.Contains(s.data, []byte("...")) && !bytes.Contains(s.data, []byte(mark)) {
		return nil
	}
	var found diag.List
	for at := 0; at < len(s.data) && len(found) < mostFindings; {
		next := at + lineLength(s.data[at:])
		switch line := s.data[at:next]; {
		case at > 0 && bytes.HasPrefix(line, []byte(mark)):
			found = append(found, NotYAML.At(s.span(at, at+len(mark)), "a byte order mark inside the file").
				Because("nobody sees it, and a parser takes it for part of the word or the marker behind it").
				Suggest("remove the character: files that were put together have one where each began"))
		case marker(line, "..."):
			text := bytes.TrimRight(line, " \t\r\n\u0085\u2028\u2029")
			rest := bytes.TrimLeft(text[len("..."):], " \t")
			if len(rest) > 0 && rest[0] != '#' {
				end := at + len(text)
				found = append(found, NotYAML.At(s.span(end-len(rest), end), "expected nothing but a comment behind the end of a document (...), found %.80q", rest).
					Because("a parser stops at the end, and what stands there is lost without a word").
					Suggest("begin a document with a line of three dashes (---), or write a number sign before a comment"))
			}
		}
		at = next
	}
	return found
}

// unprintable finds the first character of the source that may not stand in YAML (1.2.2, 5.1),
// and its offset, or the length of the text, which is UTF-8.
func (s *source) unprintable() (offset int, c rune) {
	for i := 0; i < len(s.data); i++ {
		if b := s.data[i]; b >= ' ' && b <= '~' || b == '\n' || b == '\r' || b == '\t' {
			continue
		}
		c, size := utf8.DecodeRune(s.data[i:])
		if c < '\u00a0' && c != '\u0085' || c == '\ufffe' || c == '\uffff' {
			return i, c
		}
		i += size - 1
	}
	return len(s.data), 0
}

// lineLength measures the first line of a source's text in YAML's sense, its break included.
func lineLength(text []byte) int {
	if end := bytes.IndexByte(text, '\n'); end >= 0 {
		text = text[:end+1]
	}
	if bytes.IndexByte(text, '\r') < 0 && bytes.IndexByte(text, 0xc2) < 0 && bytes.IndexByte(text, 0xe2) < 0 {
		return len(text) // as almost every line: no other break begins in it
	}
	for i, c := range text {
		switch c {
		case '\n':
			return i + 1
		case '\r':
			if i+1 < len(text) && text[i+1] == '\n' {
				return i + 2
			}
			return i + 1
		case 0xc2:
			if bytes.HasPrefix(text[i:], []byte("\u0085")) {
				return i + 2
			}
		case 0xe2:
			if bytes.HasPrefix(text[i:], []byte("\u2028")) || bytes.HasPrefix(text[i:], []byte("\u2029")) {
				return i + 3
			}
		}
	}
	return len(text)
}

// marker reports whether a line of the source consists of a document's mark, or begins with it
// and a blank.
func marker(line []byte, mark string) bool {
	rest, ok := bytes.CutPrefix(line, []byte(mark))
	return ok && (len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t' || lineLength(rest) == breakLength(rest))
}

// breakLength measures the line break that ends a line of the source, or 0.
func breakLength(line []byte) int {
	return len(line) - len(bytes.TrimRight(line, "\r\n\u0085\u2028\u2029"))
}

// content finds the offset of the first line of a document's source that holds more than blanks,
// comments and markers, or the text's length. Other white space than YAML's is content.
func content(text []byte) int {
	for at := 0; at < len(text); {
		line := text[at : at+lineLength(text[at:])]
		if marker(line, "---") || marker(line, "...") {
			line = line[3:]
		}
		if rest := bytes.Trim(line, " \t\r\n\u0085\u2028\u2029"); len(rest) > 0 && rest[0] != '#' {
			return at
		}
		at += lineLength(text[at:])
	}
	return len(text)
}

// lineOffset finds the offset in the source of the document's nth line, counted from 1 in YAML's
// sense; one past the end is the last.
func (d textDocument) lineOffset(n int) int {
	if len(*d.breaks) == 0 {
		*d.breaks = append(make([]int, 0, bytes.Count(d.text, []byte("\n"))+1), 0)
		for at := lineLength(d.text); at < len(d.text); at += lineLength(d.text[at:]) {
			*d.breaks = append(*d.breaks, at)
		}
	}
	return d.offset + (*d.breaks)[min(max(n, 1), len(*d.breaks))-1]
}

// start finds the first line of the document's source with content.
func (d textDocument) start() diag.Span { return d.lineSpan(d.offset + content(d.text)) }
