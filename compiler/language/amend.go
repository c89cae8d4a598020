package language

import (
	"bytes"
	"cmp"
	"maps"
	"reflect"
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
	// After is the line after which it stands, or the collection into which it went: a
	// place of the file as it was.
	After diag.Span
	// Inside: it stands before the bracket that closes the collection.
	Inside bool
	Lines  []string // what is new
}

// Amend writes amendments into a file, each of another field of a document, every other byte
// kept. It is not ok where a document is written in a way that leaves no room for one.
func Amend(f File, all ...Amendment) (changed File, where []Amended, ok bool) {
	data := bytes.TrimPrefix(f.Data, bom)
	where = make([]Amended, len(all))
	out := slices.Clone(f.Data[:len(f.Data)-len(data)])
	copied, done := 0, 0
	for doc := range object.Documents(f.Path, data) {
		e := editing{doc: doc, text: string(doc.Text), end: lineEnd(data)}
		for i, a := range all {
			if !a.At.HasPosition() {
				return f, nil, false
			}
			if at := doc.Offset(a.At.Start); at < 0 || at >= len(doc.Text) {
				continue
			}
			if !e.amend(a) {
				return f, nil, false
			}
			where[i] = e.where
			done++
		}
		text, holds := e.written()
		if !holds {
			return f, nil, false
		}
		out = append(append(out, data[copied:doc.Start()]...), text...)
		copied = doc.Start() + len(doc.Text)
	}
	return File{Path: f.Path, Data: append(out, data[copied:]...)}, where, done == len(all)
}

// lineEnd tells CRLF from LF by the first line, so that amended lines end as the file's own do.
func lineEnd(data []byte) string {
	if i := bytes.IndexByte(data, '\n'); i > 0 && data[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// editing is one document on its way.
type editing struct {
	doc   object.Document
	text  string // as it was
	end   string // of a line
	edits []edit
	meant []Amendment // what the edits are to say

	entry string // of the amendment that is being written
	where Amended
}

// edit puts a text in the place of what stands between two offsets.
type edit struct {
	from, to   int
	text, tail string // the tail stands behind what further edits of the same brackets add
	field      bool   // a new one, which stands behind what is new in those before it
}

// compare orders planned edits by offset: where two amend one place, entries of a list come before
// new fields.
func (x edit) compare(y edit) int {
	if x.from == y.from && x.field != y.field {
		if y.field {
			return -1
		}
		return 1
	}
	return cmp.Compare(x.from, y.from)
}

// written applies all planned edits to the document, and reports whether it says what it said and
// the new entries: what is indented in an odd way, or shared by an anchor, may not.
func (e *editing) written() (text string, holds bool) {
	if len(e.edits) == 0 {
		return e.text, true
	}
	slices.SortStableFunc(e.edits, edit.compare)
	var b strings.Builder
	at := 0
	for _, x := range e.edits {
		b.WriteString(e.text[at:max(at, x.from)] + x.text + x.tail) // two may remove the same empty braces
		at = max(at, x.to)
	}
	text = b.String() + e.text[at:]
	var before, after map[string]any
	if yaml.Unmarshal([]byte(e.text), &before) != nil || yaml.Unmarshal([]byte(text), &after) != nil {
		return "", false
	}
	spec, _ := before["spec"].(map[string]any)
	if spec == nil {
		return "", false
	}
	for _, a := range e.meant {
		var entry any
		if yaml.Unmarshal([]byte(yamltext.Line(a.Entry)), &entry) != nil {
			return "", false
		}
		switch old := spec[a.Field].(type) {
		case nil:
			spec[a.Field] = entry
			if _, member := a.Entry.(yamltext.Field); !member {
				spec[a.Field] = []any{entry}
			}
		case map[string]any:
			member, _ := entry.(map[string]any)
			maps.Copy(old, member)
		case []any:
			spec[a.Field] = append(old, entry)
		}
	}
	return text, reflect.DeepEqual(before, after)
}

// amend plans the edits that write one amendment below spec: into its list, or with a new key.
func (e *editing) amend(a Amendment) bool {
	var document yaml.Node
	if strings.ContainsAny(strings.ReplaceAll(e.text, "\r\n", "\n"), "\r\u0085\u2028\u2029") || // lines that only YAML knows
		yaml.Unmarshal([]byte(e.text), &document) != nil || len(document.Content) == 0 {
		return false
	}
	root := document.Content[0]
	key, spec := child(root, "spec")
	if spec == nil || spec.Kind != yaml.MappingNode {
		return false
	}
	e.entry, e.meant = yamltext.Line(a.Entry), append(e.meant, a)
	_, member := a.Entry.(yamltext.Field)
	kind := yaml.SequenceNode
	if member {
		kind = yaml.MappingNode
	}
	switch _, value := child(spec, a.Field); {
	case value != nil && value.Kind != kind:
		return false
	case value != nil && value.Style&yaml.FlowStyle != 0:
		return e.intoBrackets(value, e.entry)
	case value != nil && member:
		return e.afterBlock(value, deeper(value.Column-1), false, strings.Repeat(" ", value.Column-1)+e.entry)
	case value != nil:
		dash := value.Column - 1
		return e.afterBlock(value, func(indent int, content string) bool {
			return indent > dash || indent == dash && strings.HasPrefix(content, "-")
		}, false, strings.Repeat(" ", dash)+"- "+e.entry)
	case root.Style&yaml.FlowStyle != 0, spec.Style&yaml.FlowStyle != 0 && len(spec.Content) > 0:
		brackets := yamltext.Field{Key: a.Field, Value: yamltext.List{a.Entry}}
		if field, ok := a.Entry.(yamltext.Field); ok {
			brackets.Value = yamltext.Map{field}
		}
		return e.intoBrackets(spec, yamltext.Line(brackets))
	}
	indent := key.Column + 1
	if len(spec.Content) > 0 {
		indent = spec.Column - 1
	}
	pad := strings.Repeat(" ", indent)
	lines := []string{pad + a.Field + ":", pad + "  " + e.entry}
	if !member {
		lines[1] = pad + "  - " + e.entry
	}
	if len(spec.Content) == 0 {
		return e.intoNothing(key, spec, lines)
	}
	return e.afterBlock(spec, deeper(indent), true, lines...)
}

// deeper makes the test of which lines belong to a block, for edits behind it: those indented so
// far at least.
func deeper(than int) func(int, string) bool {
	return func(indent int, _ string) bool { return indent >= than }
}

// child looks up a field of a mapping node that is about to be edited, with the node of its key.
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

// offset turns a YAML node's line and column, which counts characters, into the byte offset at
// which edits are made.
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

// intoNothing writes the amended lines in the place of an empty pair of braces.
func (e *editing) intoNothing(key, spec *yaml.Node, lines []string) bool {
	at := e.offset(spec)
	last, closing := yamltext.Inside(e.text[at:])
	if closing < 0 || last != 1 {
		return false
	}
	head := strings.TrimRight(e.text[:at], " ")
	e.edits = append(e.edits, edit{from: len(head), to: at + closing + 1})
	e.insert(at+closing+1, lines, true)
	e.where = Amended{After: e.doc.Span(key), Lines: lines}
	return true
}

// insert plans an edit that adds lines below the one that holds an offset.
func (e *editing) insert(at int, lines []string, field bool) {
	if next := strings.IndexByte(e.text[at:], '\n'); next >= 0 {
		at += next + 1
	} else {
		at = len(e.text)
		if !slices.ContainsFunc(e.edits, func(x edit) bool { return x.from == at }) {
			e.edits = append(e.edits, edit{from: at, to: at, text: e.end})
		}
	}
	e.edits = append(e.edits, edit{from: at, to: at, text: strings.Join(lines, e.end) + e.end, field: field})
}

// afterBlock plans to insert lines after a block that is amended, of which further lines are
// indented so far. Blank lines and comments at its end are left below.
func (e *editing) afterBlock(block *yaml.Node, belongs func(indent int, content string) bool, field bool, insert ...string) bool {
	lines := strings.Split(e.text, "\n")
	last := e.lastLine(block, lines)
	for n := last + 1; n <= len(lines); n++ {
		text := strings.TrimRight(lines[n-1], "\r")
		content := strings.TrimLeft(text, " ")
		if content == "" || content[0] == '#' {
			continue
		}
		if !belongs(len(text)-len(content), content) {
			break
		}
		last = n
	}
	start := 0
	for _, line := range lines[:last-1] {
		start += len(line) + 1
	}
	e.insert(start, insert, field)
	e.where = Amended{After: e.doc.Line(last), Lines: insert}
	return true
}

// lastLine finds the line in which the last value of a block ends, as far as its own marks say:
// brackets and quotes may end at any indentation, and what looks like a comment in a text of
// several lines is none.
func (e *editing) lastLine(n *yaml.Node, lines []string) int {
	outer := n
	for n.Style&yaml.FlowStyle == 0 && len(n.Content) > 0 {
		outer, n = n, n.Content[len(n.Content)-1]
	}
	length := 0
	rest := e.text[e.offset(n):]
	switch {
	case n.Style&yaml.FlowStyle != 0:
		length = max(yamltext.Closing(rest), 0)
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		length = yamltext.QuotedLength(rest)
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return lastOfText(n.Line, outer.Column, lines)
	}
	return n.Line + strings.Count(rest[:length], "\n")
}

// lastOfText finds the last line of a YAML block text (| or >) that begins below the line of its
// mark. Its first line, which is indented so far at least, says how far; where the mark ends in a
// plus, blank lines behind it count.
func lastOfText(mark, least int, lines []string) int {
	head, _, _ := strings.Cut(lines[mark-1], " #")
	keep := strings.HasSuffix(strings.TrimRight(head, " \r"), "+")
	last, indent := mark, -1
	for n := mark + 1; n <= len(lines); n++ {
		content := strings.TrimLeft(lines[n-1], " ")
		has := len(lines[n-1]) - len(content)
		switch {
		case strings.Trim(content, "\r") == "" && n == len(lines): // no line at all
		case strings.Trim(content, "\r") == "":
			if keep {
				last = n
			}
			continue
		case indent < 0 && has >= least:
			indent, last = has, n
			continue
		case indent >= 0 && has >= indent:
			last = n
			continue
		}
		break
	}
	return last
}

// intoBrackets amends a collection by an entry before the bracket that closes it, in a line of its
// own where the bracket has one.
func (e *editing) intoBrackets(n *yaml.Node, entry string) bool {
	start := e.offset(n)
	last, closing := yamltext.Inside(e.text[start:])
	if closing < 0 {
		return false
	}
	last, closing = start+last, start+closing
	comma := e.text[last-1] == ','
	x := edit{from: last, to: last, text: entry}
	if comma {
		x.tail = ","
	}
	separator, between := "", false                                           // whether a comma stands behind what is there, and not before the entry
	if own := strings.LastIndexByte(e.text[:closing], '\n') + 1; own > last { // where the bracket's line begins
		if !comma && len(n.Content) > 0 {
			separator, between = ", ", true
		}
		x.from, x.to, x.text, x.tail = own, own, e.indentation(start, last)+entry, x.tail+e.end
	} else if comma {
		x.text = " " + entry
	} else if len(n.Content) > 0 {
		separator = ", "
		x.text = separator + entry
	}
	if i := slices.IndexFunc(e.edits, func(y edit) bool { return y.from == x.from }); i >= 0 {
		separator = ", "
		e.edits[i].text += separator + entry
	} else {
		if between {
			e.edits = append(e.edits, edit{from: last, to: last, text: ","})
		}
		e.edits = append(e.edits, x)
	}
	e.where = Amended{After: e.doc.Span(n), Inside: true, Lines: []string{separator + entry}}
	return true
}

// indentation copies the indentation for an amended line between brackets that open at one offset
// and hold their last entry before the other one.
func (e *editing) indentation(opening, last int) string {
	begins := strings.LastIndexByte(e.text[:last], '\n') + 1
	line := e.text[begins:]
	pad := line[:len(line)-len(strings.TrimLeft(line, " "))]
	if begins <= opening {
		pad += "  "
	}
	return pad
}
