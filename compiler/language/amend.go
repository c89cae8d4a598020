package language

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/yamltext"
)

// Amendment is one more entry of a list, or of a mapping, below spec of a document.
type Amendment struct {
	At    diag.Span // somewhere in the document
	Field string    // inbound, outbound, ports or flows
	Entry any       // of a list, or a yamltext.Field of a mapping
}

// Amended is where an amendment was written.
type Amended struct {
	After diag.Span // the line after which it stands, or the collection into which it went
	// Inside: it stands before the bracket that closes the collection.
	Inside bool
	Lines  []string // what is new
}

// Amend writes an amendment into a file, every other byte kept. It is not ok where the
// document is written in a way that leaves no room for it.
func Amend(f File, a Amendment) (changed File, where Amended, ok bool) {
	data := bytes.TrimPrefix(f.Data, bom)
	for doc := range object.Documents(f.Path, data) {
		first := doc.Within(0, 0).Start.Line
		if a.At.Start.Line < first || a.At.Start.Line >= first+bytes.Count(doc.Text, []byte("\n"))+1 {
			continue
		}
		var root yaml.Node
		if yaml.Unmarshal(doc.Text, &root) != nil || len(root.Content) == 0 {
			return f, where, false
		}
		e := editing{doc: doc, text: string(doc.Text), field: a.Field, entry: yamltext.Line(a.Entry)}
		if !e.amend(root.Content[0]) {
			return f, where, false
		}
		start := bytes.Index(data, doc.Text)
		text := slices.Concat(data[:start], []byte(e.text), data[start+len(doc.Text):])
		return File{Path: f.Path, Data: text}, Amended{After: e.after, Inside: e.inside, Lines: e.lines}, true
	}
	return f, where, false
}

// editing is one document on its way.
type editing struct {
	doc          object.Document
	text         string
	field, entry string
	after        diag.Span
	inside       bool
	lines        []string
}

func (e *editing) amend(root *yaml.Node) bool {
	list := e.field != "ports"
	key, spec := child(root, "spec")
	if spec == nil {
		return false
	}
	deeper := func(than int) func(int, string) bool {
		return func(indent int, _ string) bool { return indent >= than }
	}
	switch _, value := child(spec, e.field); {
	case value != nil && value.Style&yaml.FlowStyle != 0:
		return e.intoBrackets(value, e.entry)
	case value != nil && len(value.Content) == 0:
		return false
	case value != nil && list:
		dash := value.Column - 1
		return e.afterBlock(value.Line, func(indent int, content string) bool {
			return indent > dash || indent == dash && strings.HasPrefix(content, "-")
		}, strings.Repeat(" ", dash)+"- "+e.entry)
	case value != nil:
		return e.afterBlock(value.Line, deeper(value.Column-1), strings.Repeat(" ", value.Column-1)+e.entry)
	case spec.Style&yaml.FlowStyle != 0 && len(spec.Content) > 0:
		return e.intoBrackets(spec, e.field+": "+e.bracketed(list))
	}
	indent := key.Column + 1
	if len(spec.Content) > 0 {
		indent = spec.Column - 1
	}
	pad := strings.Repeat(" ", indent)
	lines := []string{pad + e.field + ":", pad + "  " + e.entry}
	if list {
		lines[1] = pad + "  - " + e.entry
	}
	if len(spec.Content) == 0 { // spec: {}
		at := e.offset(spec)
		if !strings.HasPrefix(e.text[at:], "{}") {
			return false
		}
		e.after = e.doc.Span(key)
		e.lines = lines
		head := strings.TrimRight(e.text[:at], " ")
		e.text = head + "\n" + strings.Join(lines, "\n") + e.text[at+len("{}"):]
		return true
	}
	return e.afterBlock(spec.Line, deeper(indent), lines...)
}

func (e *editing) bracketed(list bool) string {
	if list {
		return "[" + e.entry + "]"
	}
	return "{" + e.entry + "}"
}

func child(n *yaml.Node, name string) (key, value *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for k, v := range pairs(n) {
		if k.Value == name {
			return k, v
		}
	}
	return nil, nil
}

func (e *editing) offset(n *yaml.Node) int {
	at := 0
	for range n.Line - 1 {
		at += strings.IndexByte(e.text[at:], '\n') + 1
	}
	for range n.Column - 1 {
		_, size := utf8.DecodeRuneInString(e.text[at:])
		at += size
	}
	return at
}

// afterBlock inserts lines after the block that begins on a line, and of which further
// lines are indented so far. Blank lines and comments at its end are left below.
func (e *editing) afterBlock(from int, belongs func(indent int, content string) bool, insert ...string) bool {
	lines := strings.SplitAfter(e.text, "\n")
	last := from
	for n := from + 1; n <= len(lines); n++ {
		text := strings.TrimRight(lines[n-1], "\r\n")
		content := strings.TrimLeft(text, " ")
		if content == "" || content[0] == '#' {
			continue
		}
		if !belongs(len(text)-len(content), content) {
			break
		}
		last = n
	}
	if !strings.HasSuffix(lines[last-1], "\n") {
		lines[last-1] += "\n"
	}
	e.after, e.lines = e.doc.Line(last), insert
	e.text = strings.Join(slices.Insert(lines, last, strings.Join(insert, "\n")+"\n"), "")
	return true
}

// intoBrackets adds an entry before the bracket that closes a collection.
func (e *editing) intoBrackets(n *yaml.Node, entry string) bool {
	at := e.offset(n)
	end := yamltext.Closing(e.text[at:])
	if end < 0 {
		return false
	}
	separator := ", "
	if len(n.Content) == 0 {
		separator = ""
	}
	e.after, e.inside = e.doc.Span(n), true
	e.lines = []string{separator + entry}
	before := strings.TrimRight(e.text[:at+end], " ")
	e.text = before + separator + entry + e.text[at+end:]
	return true
}
