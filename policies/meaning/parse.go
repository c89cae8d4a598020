package meaning

import (
	"fmt"
	"strings"
)

// SelectorError says where a selector stops making sense.
type SelectorError struct {
	Offset   int    // in bytes from the start of the text
	Expected string // what could have stood there
	Found    string // what stands there, shortened; empty at the end of the text
}

// Error is one clause for people.
func (e *SelectorError) Error() string {
	found := "the end"
	if e.Found != "" {
		found = fmt.Sprintf("%q", e.Found)
	}
	return fmt.Sprintf("at offset %d: expected %s, found %s", e.Offset, e.Expected, found)
}

// deepest is how far parentheses and negations may nest: far beyond any selector
// that Calico accepts (1024 characters), and short of exhausting the stack.
const deepest = 1000

// ParseSelector reads a selector in Calico's grammar. Blank text is all(). White
// space is spaces and tabs; a newline is an error, as it is for Calico. The error
// is a *SelectorError.
//
//	expr  := and ( "||" and )*
//	and   := op ( "&&" op )*
//	op    := "!"* ( "has(" label ")" | "all()" | "global()" | label cmp | "(" expr ")" )
//	cmp   := ( "==" | "!=" | "contains" | "starts with" | "ends with" ) str | ( "in" | "not in" ) set
//	set   := "{" [ str ( "," str )* [ "," ] ] "}"
func ParseSelector(text string) (Selector, error) {
	p := parser{text: text}
	if p.space(); p.at == len(text) {
		return Selector{}, nil
	}
	root, err := p.joined(opOr, 0)
	if err == nil && p.at < len(text) {
		err = p.fail("&&, || or the end")
	}
	if err != nil {
		return Selector{}, err
	}
	return Selector{root: root}, nil
}

type parser struct {
	text string
	at   int
}

func (p *parser) fail(expected string) error {
	rest := []rune(p.text[p.at:])
	return &SelectorError{Offset: p.at, Expected: expected, Found: string(rest[:min(len(rest), 12)])}
}

func (p *parser) space() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
}

// take consumes the token and the space after it, if it comes next.
func (p *parser) take(token string) bool {
	if !strings.HasPrefix(p.text[p.at:], token) {
		return false
	}
	p.at += len(token)
	p.space()
	return true
}

// word consumes words that may or may not be parted by space and end where no
// letter, digit or underscore follows.
func (p *parser) word(words ...string) bool {
	start := p.at
	for i, w := range words {
		if !strings.HasPrefix(p.text[p.at:], w) {
			p.at = start
			return false
		}
		p.at += len(w)
		if i < len(words)-1 {
			p.space()
		}
	}
	if p.at < len(p.text) && wordByte(p.text[p.at]) {
		p.at = start
		return false
	}
	p.space()
	return true
}

// joined reads operands of op, which is opOr or, binding tighter, opAnd.
func (p *parser) joined(op operator, depth int) (node, error) {
	token, operand := "||", func() (node, error) { return p.joined(opAnd, depth) }
	if op == opAnd {
		token, operand = "&&", func() (node, error) { return p.operation(depth) }
	}
	first, err := operand()
	if err != nil {
		return node{}, err
	}
	kids := []node{first}
	for p.take(token) {
		kid, err := operand()
		if err != nil {
			return node{}, err
		}
		kids = append(kids, kid)
	}
	if len(kids) == 1 {
		return first, nil
	}
	return node{op: op, kids: kids}, nil
}

func (p *parser) operation(depth int) (node, error) {
	if depth > deepest {
		return node{}, p.fail(fmt.Sprintf("no more than %d levels", deepest))
	}
	if p.take("!") {
		kid, err := p.operation(depth + 1)
		return node{op: opNot, kids: []node{kid}}, err
	}
	if p.take("(") {
		inner, err := p.joined(opOr, depth+1)
		if err == nil && !p.take(")") {
			err = p.fail("&&, || or )")
		}
		return inner, err
	}
	switch {
	case p.take("all("):
		return node{op: opAll}, p.closing()
	case p.take("global("):
		return node{op: opGlobal}, p.closing()
	case p.take("has("):
		key, err := p.label()
		if err == nil {
			err = p.closing()
		}
		return node{op: opHas, key: key}, err
	}
	key, err := p.label()
	if err != nil {
		return node{}, err
	}
	return p.comparison(key)
}

func (p *parser) closing() error {
	if !p.take(")") {
		return p.fail(")")
	}
	return nil
}

func (p *parser) comparison(key string) (node, error) {
	n := node{key: key}
	switch {
	case p.take("=="):
		n.op = opEqual
	case p.take("!="):
		n.op = opNotEqual
	case p.word("contains"):
		n.op = opContains
	case p.word("starts", "with"):
		n.op = opStartsWith
	case p.word("ends", "with"):
		n.op = opEndsWith
	case p.word("not", "in"):
		return p.set(opNotIn, key)
	case p.word("in"):
		return p.set(opIn, key)
	default:
		return node{}, p.fail("==, !=, in, not in, contains, starts with or ends with")
	}
	value, err := p.str()
	n.values = []string{value}
	return n, err
}

func (p *parser) set(op operator, key string) (node, error) {
	if !p.take("{") {
		return node{}, p.fail("{")
	}
	var values []string
	for !p.take("}") {
		value, err := p.str()
		if err != nil {
			return node{}, err
		}
		values = append(values, value)
		if p.take(",") {
			continue
		}
		if !p.take("}") {
			return node{}, p.fail(", or }")
		}
		break
	}
	return node{op: op, key: key, values: set(values)}, nil
}

// str reads a quoted value. There are no escapes: the value ends at the same quote.
func (p *parser) str() (string, error) {
	if p.at == len(p.text) || p.text[p.at] != '\'' && p.text[p.at] != '"' {
		return "", p.fail("a value in quotes")
	}
	end := strings.IndexByte(p.text[p.at+1:], p.text[p.at])
	if end < 0 {
		return "", p.fail("a value whose quote is closed")
	}
	value := p.text[p.at+1 : p.at+1+end]
	p.at += end + 2
	p.space()
	return value, nil
}

func (p *parser) label() (string, error) {
	start := p.at
	for p.at < len(p.text) && (wordByte(p.text[p.at]) || strings.IndexByte("./-", p.text[p.at]) >= 0) {
		p.at++
	}
	label := p.text[start:p.at]
	if len(label) == 0 || len(label) > 512 {
		p.at = start
		return "", p.fail("a label's name (1 to 512 letters, digits, _ . / -), has(), all(), global(), ! or (")
	}
	p.space()
	return label, nil
}

func wordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
