package format

import (
	"bytes"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/policies/object"
)

// tree is a document with the extent of everything in it. Offsets are bytes of the
// document's text.
type tree struct {
	doc     object.Document
	text    []byte
	root    *collection
	head    []string // comments above the first item
	scalars []extent // in the order of the text
	blocks  []*item  // the items that stand in no brackets, in the order of the text
}

type extent struct{ start, end int }

// collection is a mapping or a list.
type collection struct {
	node   *yaml.Node
	owner  *item // nil for the root
	items  []*item
	flow   bool
	column int // of the items
	extent
	foot []string // comments after the last item
}

// item is a member of a collection: a key with its value, or a value.
type item struct {
	key, value *yaml.Node // key is nil in a list
	in         *collection
	members    *collection // nil for scalars
	extent
	broken bool     // the scalar runs over several lines
	head   []string // comments above it; an empty string is an empty line
	line   []string // comments behind it
}

// newTree measures a parsed document: where each collection, item and scalar of it begins and
// ends.
func newTree(doc object.Document, root *yaml.Node) *tree {
	t := &tree{doc: doc, text: doc.Text}
	t.root = t.collection(root, nil, false)
	return t
}

// offset returns the offset at which a node of the tree begins.
func (t *tree) offset(n *yaml.Node) int { return t.doc.Offset(t.doc.Span(n).Start) }

// collection measures a mapping or list of the tree with all its items, where each begins and
// ends.
func (t *tree) collection(n *yaml.Node, owner *item, inFlow bool) *collection {
	c := &collection{node: n, owner: owner, flow: n.Style&yaml.FlowStyle != 0 || len(n.Content) == 0, column: n.Column - 1}
	c.start = t.offset(n)
	c.end = c.start
	step := 1
	if n.Kind == yaml.MappingNode {
		step = 2
	}
	for i := 0; i+step <= len(n.Content); i += step {
		it := &item{in: c, value: n.Content[i+step-1]}
		it.start = c.end
		if step == 2 {
			it.key = n.Content[i]
			it.start = t.offset(it.key)
		} else if c.flow {
			it.start = t.offset(it.value)
		} else {
			it.start = t.find(c.end, '-')
		}
		if !c.flow && !inFlow {
			t.blocks = append(t.blocks, it)
		}
		if it.key != nil {
			it.end = t.scalar(it.key).end
		}
		switch it.value.Kind {
		case yaml.ScalarNode:
			if !isNull(it.value) || it.value.Value != "" {
				e := t.scalar(it.value)
				it.end = e.end
				it.broken = bytes.ContainsRune(t.text[e.start:e.end], '\n')
			}
		default:
			it.members = t.collection(it.value, it, inFlow || c.flow)
			it.end = it.members.end
		}
		it.end = max(it.end, it.start)
		c.items = append(c.items, it)
		c.end = it.end
	}
	if open := t.text[min(c.start, len(t.text)-1)]; c.flow && (open == '{' || open == '[') {
		c.end = t.find(max(c.end, c.start+1), open+2) + 1 // ] and } follow their partners so in ASCII
	}
	return c
}

// find finds the offset of the next byte like that in the tree's text, comments left out.
func (t *tree) find(from int, want byte) int {
	for at := from; at < len(t.text); at++ {
		switch t.text[at] {
		case want:
			return at
		case '#':
			for at+1 < len(t.text) && t.text[at+1] != '\n' {
				at++
			}
		}
	}
	return len(t.text)
}

// scalar measures a scalar of the tree, and keeps its extent, within which no comment begins; a
// block text's header may have one behind it.
func (t *tree) scalar(n *yaml.Node) extent {
	span := t.doc.Span(n)
	e := extent{t.doc.Offset(span.Start), t.doc.Offset(span.End)}
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		// A comment may follow the header.
		header := e.start
		for header < e.end && t.text[header] != '\n' && t.text[header] != '#' {
			header++
		}
		t.scalars = append(t.scalars, extent{e.start, header})
		if next := bytes.IndexByte(t.text[header:e.end], '\n'); next >= 0 {
			t.scalars = append(t.scalars, extent{header + next, e.end})
		}
		return e
	}
	t.scalars = append(t.scalars, e)
	return e
}

// isNull reports whether a node of the tree stands for no value.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// comment is one in the text, or an empty line.
type comment struct {
	offset int
	column int
	alone  bool // nothing stands before it in its line
	text   string
}

// comments finds all comments of the tree's text. Outside scalars a number sign can only begin
// one.
func (t *tree) comments() []comment {
	var all []comment
	for _, c := range t.fillers() {
		if c.text != "" {
			all = append(all, c)
		}
	}
	return all
}

// fillers finds the comments and the empty lines of the tree's text, in order.
func (t *tree) fillers() []comment {
	var all []comment
	scalars, line := t.scalars, 0
	inked := false // something stands in the line
	for at := 0; at < len(t.text); at++ {
		if len(scalars) > 0 && at >= scalars[0].start {
			if at < scalars[0].end {
				inked = true
				at = scalars[0].end - 1
				line = bytes.LastIndexByte(t.text[:at+1], '\n') + 1
			} else {
				at--
			}
			scalars = scalars[1:]
			continue
		}
		switch t.text[at] {
		case '\n':
			if !inked {
				all = append(all, comment{offset: at})
			}
			line, inked = at+1, false
		case ' ', '\t':
		case '#':
			end := len(t.text)
			if n := bytes.IndexByte(t.text[at:], '\n'); n >= 0 {
				end = at + n
			}
			text := bytes.TrimRight(t.text[at:end], " \t\r")
			all = append(all, comment{offset: at, column: utf8.RuneCount(t.text[line:at]), alone: !inked, text: string(text)})
			at, inked = end-1, true
		default:
			inked = true
		}
	}
	return all
}
