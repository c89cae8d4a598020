package format

import (
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/policies/yamltext"
)

// printer collects the lines of one document.
type printer struct {
	order map[*yaml.Node][]string
	lines []line
}

// line is one of the output, with the comment behind it.
type line struct{ text, comment string }

// add prints one line at an indentation.
func (p *printer) add(indent int, text string) {
	p.lines = append(p.lines, line{text: strings.Repeat(" ", indent) + text})
}

// notes prints the comments above something, each on a line; an empty one is an empty line, of
// which there is never more than one.
func (p *printer) notes(indent int, comments []string) {
	for _, c := range comments {
		switch {
		case c != "":
			p.add(indent, c)
		case len(p.lines) > 0 && p.lines[len(p.lines)-1].text != "":
			p.lines = append(p.lines, line{})
		}
	}
}

// document prints a document: the comments at its top, and its root.
func (p *printer) document(t *tree) {
	p.notes(0, t.head)
	p.block(t.root, 0)
}

// block prints a collection with an item on each line.
func (p *printer) block(c *collection, indent int) {
	for i, it := range p.sorted(c) {
		head := it.head
		for i == 0 && len(head) > 0 && head[0] == "" {
			head = head[1:]
		}
		p.notes(indent, head)
		p.item(it, indent)
	}
	p.notes(indent, c.foot)
}

// sorted puts a collection's items into the order of its kind's keys. Keys that it does not know
// stay behind those that it does.
func (p *printer) sorted(c *collection) []*item {
	order, ok := p.order[c.node]
	if !ok {
		return c.items
	}
	rank := func(it *item) int {
		if i := slices.Index(order, it.key.Value); i >= 0 {
			return i
		}
		return len(order)
	}
	return slices.SortedStableFunc(slices.Values(c.items), func(a, b *item) int { return rank(a) - rank(b) })
}

// item prints a key with its value, or an entry of a list: on one line if that fits, else folded
// or as a block.
func (p *printer) item(it *item, indent int) {
	start := "-"
	if it.key != nil {
		start = scalar(it.key, yamltext.Block) + ":"
	}
	inline, fits := p.inline(it.value, it.members, it.broken, indent+utf8.RuneCountInString(start)+1)
	switch {
	case fits:
		p.begin(it, indent, start+" "+inline)
	case it.members == nil:
		p.begin(it, indent, start+" >-")
		for _, l := range fill(it.value.Value, width-indent-2) {
			p.add(indent+2, l)
		}
	case it.key != nil:
		p.begin(it, indent, start)
		p.block(it.members, indent+2)
	default:
		p.element(it, indent)
	}
}

// begin prints the first line of an item with the comment behind it. Of several comments only the
// last has its place there; the others stand above.
func (p *printer) begin(it *item, indent int, text string) {
	last := len(it.line) - 1
	p.notes(indent, it.line[:max(last, 0)])
	p.add(indent, text)
	if last >= 0 {
		p.lines[len(p.lines)-1].comment = it.line[last]
	}
}

// element prints a collection in a list: its first line follows the dash, and the comments above
// its first item stand above the dash.
func (p *printer) element(it *item, indent int) {
	p.notes(indent, it.line)
	at := len(p.lines)
	p.block(it.members, indent+2)
	for at < len(p.lines) && isNote(p.lines[at].text) {
		p.lines[at].text = strings.TrimPrefix(p.lines[at].text, "  ")
		at++
	}
	text := p.lines[at].text
	p.lines[at].text = text[:indent] + "- " + text[indent+2:]
}

// isNote reports whether a printed line is a comment or empty.
func isNote(text string) bool {
	text = strings.TrimLeft(text, " ")
	return text == "" || text[0] == '#'
}

// inline writes a value on one line, if it may be printed so from that column on.
func (p *printer) inline(n *yaml.Node, c *collection, broken bool, column int) (text string, fits bool) {
	if c != nil {
		if !c.flow || c.noted() {
			return "", false
		}
		text = p.flow(c)
		return text, len(c.items) == 0 || column+utf8.RuneCountInString(text) <= width
	}
	text = scalar(n, yamltext.Block)
	return text, !broken || column+utf8.RuneCountInString(text) <= width || !fillable(n)
}

// noted reports whether there are comments in a collection, which therefore cannot be printed on
// one line.
func (c *collection) noted() bool {
	return len(c.foot) > 0 || slices.ContainsFunc(c.items, func(it *item) bool {
		return len(it.head)+len(it.line) > 0 || it.members != nil && it.members.noted()
	})
}

// flow writes a collection between brackets or braces on one line.
func (p *printer) flow(c *collection) string {
	var all []string
	for _, it := range p.sorted(c) {
		text := ""
		if it.key != nil {
			text = scalar(it.key, yamltext.Flow) + ": "
		}
		if it.members != nil {
			text += p.flow(it.members)
		} else {
			text += scalar(it.value, yamltext.Flow)
		}
		all = append(all, text)
	}
	if c.node.Kind == yaml.MappingNode {
		return "{" + strings.Join(all, ", ") + "}"
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// align puts the comments behind consecutive printed lines below each other.
func (p *printer) align() {
	for i := 0; i < len(p.lines); {
		end, widest := i, 0
		for end < len(p.lines) && p.lines[end].comment != "" {
			widest = max(widest, utf8.RuneCountInString(p.lines[end].text))
			end++
		}
		for ; i < end; i++ {
			l := &p.lines[i]
			l.text += strings.Repeat(" ", widest-utf8.RuneCountInString(l.text)+2) + l.comment
		}
		i++
	}
}
