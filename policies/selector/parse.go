package selector

import (
	"fmt"
	"strings"
)

// SyntaxError says where a selector stops making sense.
type SyntaxError struct {
	Offset   int    // in bytes from the start of the text
	Expected string // what could have stood there
	Found    string // what stands there, shortened; empty at the end of the text
}

// Error says in one clause for people where parsing a selector stopped.
func (e *SyntaxError) Error() string {
	found := "the end"
	if e.Found != "" {
		found = fmt.Sprintf("%q", e.Found)
	}
	return fmt.Sprintf("at offset %d: expected %s, found %s", e.Offset, e.Expected, found)
}

// deepest is how far parentheses and negations may nest: far beyond any selector
// that Calico accepts (1024 characters), and short of exhausting the stack.
const deepest = 1000

// Parse reads a selector in Calico's grammar. Blank text is all(). White
// space is spaces and tabs; a newline is an error, as it is for Calico. The error
// is a *SyntaxError.
//
//	expr  := and ( "||" and )*
//	and   := op ( "&&" op )*
//	op    := "!"* ( "has(" label ")" | "all()" | "global()" | label cmp | "(" expr ")" )
//	cmp   := ( "==" | "!=" | "contains" | "starts with" | "ends with" ) str | ( "in" | "not in" ) set
//	set   := "{" [ str ( "," str )* [ "," ] ] "}"
func Parse(text string) (Selector, error) {
	p := parser{text: text}
	if p.space(); p.at == len(text) {
		return Selector{}, nil
	}
	root, err := p.joined(OpOr, 0)
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

// fail makes the error that parsing stops here: what is expected, and what stands there.
func (p *parser) fail(expected string) error {
	rest := []rune(p.text[p.at:])
	return &SyntaxError{Offset: p.at, Expected: expected, Found: string(rest[:min(len(rest), 12)])}
}

// space skips spaces and tabs, which parse as nothing.
func (p *parser) space() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
}

// take parses a token and the space after it, if it comes next.
func (p *parser) take(token string) bool {
	if !strings.HasPrefix(p.text[p.at:], token) {
		return false
	}
	p.at += len(token)
	p.space()
	return true
}

// word parses words that may or may not be parted by space and end where no letter, digit or
// underscore follows.
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

// joined parses operands of op, which is OpOr or, binding tighter, OpAnd.
func (p *parser) joined(op Operator, depth int) (Node, error) {
	token, operand := "||", func() (Node, error) { return p.joined(OpAnd, depth) }
	if op == OpAnd {
		token, operand = "&&", func() (Node, error) { return p.operation(depth) }
	}
	first, err := operand()
	if err != nil {
		return Node{}, err
	}
	kids := []Node{first}
	for p.take(token) {
		kid, err := operand()
		if err != nil {
			return Node{}, err
		}
		kids = append(kids, kid)
	}
	if len(kids) == 1 {
		return first, nil
	}
	return Node{Op: op, Kids: kids}, nil
}

// operation parses a negation, a parenthesis, a call, or a comparison.
func (p *parser) operation(depth int) (Node, error) {
	if depth > deepest {
		return Node{}, p.fail(fmt.Sprintf("no more than %d levels", deepest))
	}
	if p.take("!") {
		kid, err := p.operation(depth + 1)
		return Node{Op: OpNot, Kids: []Node{kid}}, err
	}
	if p.take("(") {
		inner, err := p.joined(OpOr, depth+1)
		if err == nil && !p.take(")") {
			err = p.fail("&&, || or )")
		}
		return inner, err
	}
	switch {
	case p.take("all("):
		return Node{Op: OpAll}, p.closing()
	case p.take("global("):
		return Node{Op: OpGlobal}, p.closing()
	case p.take("has("):
		key, err := p.label()
		if err == nil {
			err = p.closing()
		}
		return Node{Op: OpHas, Key: key}, err
	}
	key, err := p.label()
	if err != nil {
		return Node{}, err
	}
	return p.comparison(key)
}

// closing parses the parenthesis that closes a call.
func (p *parser) closing() error {
	if !p.take(")") {
		return p.fail(")")
	}
	return nil
}

// comparison parses what follows a label's name: an operator, and a value or a set.
func (p *parser) comparison(key string) (Node, error) {
	n := Node{Key: key}
	switch {
	case p.take("=="):
		n.Op = OpEqual
	case p.take("!="):
		n.Op = OpNotEqual
	case p.word("contains"):
		n.Op = OpContains
	case p.word("starts", "with"):
		n.Op = OpStartsWith
	case p.word("ends", "with"):
		n.Op = OpEndsWith
	case p.word("not", "in"):
		return p.set(OpNotIn, key)
	case p.word("in"):
		return p.set(OpIn, key)
	default:
		return Node{}, p.fail("==, !=, in, not in, contains, starts with or ends with")
	}
	value, err := p.str()
	n.Values = []string{value}
	return n, err
}

// set parses a set of values between braces, in which a comma may come last.
func (p *parser) set(op Operator, key string) (Node, error) {
	if !p.take("{") {
		return Node{}, p.fail("{")
	}
	var values []string
	for !p.take("}") {
		value, err := p.str()
		if err != nil {
			return Node{}, err
		}
		values = append(values, value)
		if p.take(",") {
			continue
		}
		if !p.take("}") {
			return Node{}, p.fail(", or }")
		}
		break
	}
	return Node{Op: op, Key: key, Values: set(values)}, nil
}

// str parses a quoted value. There are no escapes: the value ends at the same quote.
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

// label parses a label's name.
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

// wordByte reports whether a byte may stand in a word, so that a word that is parsed goes on.
func wordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
