package language

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/policies/yamltext"
)

// Most documents are written in a small part of YAML: keys that are plain words, values that
// stand on one line, mappings and lists in block style or between brackets. This file reads that
// part in one pass, into the very nodes that yaml/v3 makes of it, comments apart, which nothing
// here asks for. Whatever it is not sure about it leaves to yaml/v3, with the whole document, and
// so is every mistake.

// subset reads one document of the small part of YAML.
type subset struct {
	text  string
	at    int // offset of what is read next
	line  int // its line, from 1
	start int // offset at which that line begins

	nodes *nodes
}

// nodes is room for those of one document, and then of the next: nobody keeps a node for longer.
type nodes struct {
	all     []yaml.Node
	used    int
	members []*yaml.Node // of the collections that were read, one after the other
	open    []*yaml.Node // of those that are being read
}

// longestLine keeps keys within what YAML allows them beside their values (1.2.2, 7.4.2).
const longestLine = 1000

// readSubset parses a document, or returns nil where it is not of the small part of YAML alone.
// What the room held before is gone.
func readSubset(text []byte, room *nodes) *yaml.Node {
	for _, c := range text {
		if (c < ' ' || c > '~') && c != '\n' {
			return nil
		}
	}
	if bytes.HasPrefix(text, []byte("---")) || bytes.HasPrefix(text, []byte("...")) || bytes.Contains(text, []byte("\n---")) || bytes.Contains(text, []byte("\n...")) {
		return nil
	}
	room.used, room.members, room.open = 0, room.members[:0], room.open[:0]
	s := &subset{text: string(text), line: 1, nodes: room}
	if !s.content() || s.column() != 1 || !s.atKey() {
		return nil
	}
	root := s.block(0)
	if root == nil || s.at < len(s.text) {
		return nil
	}
	return root
}

// column tells in which column the next character stands, from 1.
func (s *subset) column() int { return s.at - s.start + 1 }

// peek returns the next character; zero at the end of the text.
func (s *subset) peek() byte {
	if s.at == len(s.text) {
		return 0
	}
	return s.text[s.at]
}

// blanks skips spaces, and reports whether there were any.
func (s *subset) blanks() bool {
	from := s.at
	for s.peek() == ' ' {
		s.at++
	}
	return s.at > from
}

// endOfLine skips what may stand behind a value, a comment too, and reports whether nothing else
// does.
func (s *subset) endOfLine() bool {
	if blank := s.blanks(); s.peek() == '#' && (blank || s.column() == 1) {
		if end := strings.IndexByte(s.text[s.at:], '\n'); end >= 0 {
			s.at += end
		} else {
			s.at = len(s.text)
		}
	}
	return s.at == len(s.text) || s.text[s.at] == '\n'
}

// content skips the rest of a line, and then lines that hold nothing, up to the first character of
// one that does; false where something stands in the way, or a line is too long.
func (s *subset) content() bool {
	for s.endOfLine() {
		if s.at-s.start > longestLine {
			return false
		}
		if s.at == len(s.text) {
			return true
		}
		s.at++
		s.line, s.start = s.line+1, s.at
	}
	return s.peek() != '#'
}

// node makes a node at the next character.
func (s *subset) node(kind yaml.Kind, style yaml.Style, tag, value string) *yaml.Node {
	of := s.nodes
	if of.used == len(of.all) {
		of.all, of.used = make([]yaml.Node, max(32, 2*len(of.all))), 0
	}
	n := &of.all[of.used]
	of.used++
	*n = yaml.Node{Kind: kind, Style: style, Tag: tag, Value: value, Line: s.line, Column: s.column()}
	return n
}

// close gives a collection the members that were read since it was opened.
func (s *subset) close(n *yaml.Node, opened int) *yaml.Node {
	of := s.nodes
	if before := len(of.members); len(of.open) > opened {
		of.members = append(of.members, of.open[opened:]...)
		n.Content = of.members[before:len(of.members):len(of.members)]
	}
	of.open = of.open[:opened]
	return n
}

// block reads the mapping or the list in block style that begins at the next character, whose
// members stand in that column; nil where it is not sure.
func (s *subset) block(depth int) *yaml.Node {
	if depth > maxDepth {
		return nil
	}
	column, isList := s.column(), s.atDash()
	n := s.node(yaml.MappingNode, 0, "!!map", "")
	if isList {
		n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
	}
	opened := len(s.nodes.open)
	for s.at < len(s.text) && s.column() == column && s.atDash() == isList {
		var value *yaml.Node
		if isList {
			s.at++ // the dash
			s.blanks()
			value = s.item(depth)
		} else {
			key := s.key()
			if key == nil {
				return nil
			}
			s.nodes.open = append(s.nodes.open, key)
			value = s.value(column, depth)
		}
		if value == nil || s.at < len(s.text) && s.column() > column {
			return nil
		}
		s.nodes.open = append(s.nodes.open, value)
	}
	if s.at < len(s.text) && s.column() == column && !isList {
		return nil // a dash among keys
	}
	return s.close(n, opened)
}

// atDash reports whether the next character begins an item of a list.
func (s *subset) atDash() bool { return strings.HasPrefix(s.text[s.at:], "- ") }

// atKey reports whether the next word is a key of a mapping in block style.
func (s *subset) atKey() bool {
	end := s.at
	for end < len(s.text) && inKey(s.text[end]) {
		end++
	}
	if end == s.at || !letter(s.text[s.at]) || end == len(s.text) || s.text[end] != ':' {
		return false
	}
	return end+1 == len(s.text) || s.text[end+1] == ' ' || s.text[end+1] == '\n'
}

// inKey reports whether a character may stand in a key that needs no quotes anywhere.
func inKey(c byte) bool {
	return letter(c) || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c == '/'
}

// letter reports whether a character is a letter of ASCII.
func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// key reads a key with its colon; nil where none stands.
func (s *subset) key() *yaml.Node {
	if !s.atKey() {
		return nil
	}
	end := s.at + strings.IndexByte(s.text[s.at:], ':')
	n := s.plain(s.text[s.at:end])
	s.at = end + 1
	return n
}

// value reads what belongs to a key of a mapping in block style, and goes on to the next content.
func (s *subset) value(column, depth int) *yaml.Node {
	s.blanks()
	if !s.endOfLine() {
		return s.inline(depth)
	}
	if !s.content() || s.at == len(s.text) {
		return nil
	}
	if s.column() > column && (s.atDash() || s.atKey()) || s.column() == column && s.atDash() {
		return s.block(depth + 1)
	}
	return nil
}

// item reads what stands behind a dash, and goes on to the next content.
func (s *subset) item(depth int) *yaml.Node {
	switch {
	case s.atKey():
		return s.block(depth + 1)
	case s.atDash(), s.endOfLine():
		return nil
	}
	return s.inline(depth)
}

// inline reads a value that ends in its line, and goes on to the next content.
func (s *subset) inline(depth int) *yaml.Node {
	n := s.flow(depth+1, false)
	if n == nil || !s.content() {
		return nil
	}
	return n
}

// flow reads a value in one line: between brackets, between quotes, or a plain one, which in
// brackets ends before their marks.
func (s *subset) flow(depth int, bracketed bool) *yaml.Node {
	switch c := s.peek(); {
	case depth > maxDepth:
		return nil
	case c == '{' || c == '[':
		return s.brackets(c, depth)
	case c == '"' || c == '\'':
		return s.quoted(c)
	case letter(c), c >= '0' && c <= '9', c == '/', c == '_':
		return s.words(bracketed)
	}
	return nil
}

// brackets reads a mapping or a list between its brackets.
func (s *subset) brackets(opening byte, depth int) *yaml.Node {
	n, closing := s.node(yaml.MappingNode, yaml.FlowStyle, "!!map", ""), byte('}')
	if opening == '[' {
		n.Kind, n.Tag, closing = yaml.SequenceNode, "!!seq", ']'
	}
	s.at++
	opened := len(s.nodes.open)
	s.blanks()
	for first := true; s.peek() != closing; first = false {
		if !first {
			if s.peek() != ',' {
				return nil
			}
			s.at++
			s.blanks()
		}
		if opening == '{' {
			key := s.key()
			if key == nil || !s.blanks() {
				return nil
			}
			s.nodes.open = append(s.nodes.open, key)
		}
		value := s.flow(depth+1, true)
		if value == nil {
			return nil
		}
		s.nodes.open = append(s.nodes.open, value)
		s.blanks()
	}
	s.at++
	return s.close(n, opened)
}

// quoted reads a text between quotes that holds nothing but itself.
func (s *subset) quoted(quote byte) *yaml.Node {
	length := strings.IndexByte(s.text[s.at+1:], quote)
	if length < 0 {
		return nil
	}
	value := s.text[s.at+1 : s.at+1+length]
	if strings.ContainsAny(value, "\\\n") || strings.HasPrefix(s.text[s.at+1+length+1:], string(quote)) {
		return nil
	}
	style := yaml.DoubleQuotedStyle
	if quote == '\'' {
		style = yaml.SingleQuotedStyle
	}
	n := s.node(yaml.ScalarNode, style, "!!str", value)
	s.at += length + 2
	return n
}

// words reads a plain value up to where its line, a comment, or in brackets their marks end it.
func (s *subset) words(bracketed bool) *yaml.Node {
	end := s.at
scan:
	for ; end < len(s.text); end++ {
		switch c := s.text[end]; {
		case c == '\n', c == '#' && s.text[end-1] == ' ':
			break scan
		case bracketed && (c == ',' || c == ']' || c == '}'):
			break scan
		case bracketed && (c == '[' || c == '{' || c == '?' || c == ':'):
			return nil
		case c == ':' && (end+1 == len(s.text) || s.text[end+1] == ' ' || s.text[end+1] == '\n'):
			return nil
		}
	}
	n := s.plain(strings.TrimRight(s.text[s.at:end], " "))
	s.at = end
	if s.peek() == '#' {
		s.at-- // the blank before a comment
	}
	return n
}

// plain makes the node of a value without quotes.
func (s *subset) plain(value string) *yaml.Node {
	n := s.node(yaml.ScalarNode, 0, "!!str", value)
	if yamltext.Ambiguous(value) {
		n.Tag = "" // it may be something else than text
		n.Tag = n.ShortTag()
	}
	return n
}
