package oracle

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// The labels that Calico sets on what it knows.
const (
	namespaceLabel    = "projectcalico.org/namespace"
	orchestratorLabel = "projectcalico.org/orchestrator"
	accountLabel      = "projectcalico.org/serviceaccount"
	nameLabel         = "projectcalico.org/name" // after a prefix: of a namespace or a service account
	namespacePrefix   = "pcns."
	accountPrefix     = "pcsa."
)

// selector is a condition on labels.
type selector func(labels map[string]string) bool

// everything holds of all labels: it is the oracle's selector all().
func everything(map[string]string) bool { return true }

// has makes the oracle's selector that asks whether a label is there.
func has(key string) selector {
	return func(labels map[string]string) bool { _, ok := labels[key]; return ok }
}

// equals makes the oracle's selector that asks for a value of a label.
func equals(key, value string) selector {
	return func(labels map[string]string) bool { v, ok := labels[key]; return ok && v == value }
}

// not negates a selector of the oracle's.
func not(s selector) selector {
	return func(labels map[string]string) bool { return !s(labels) }
}

// both makes the oracle's selector that holds where two do.
func both(a, b selector) selector {
	return func(labels map[string]string) bool { return a(labels) && b(labels) }
}

// either makes the oracle's selector that holds where one of two does.
func either(a, b selector) selector {
	return func(labels map[string]string) bool { return a(labels) || b(labels) }
}

// dialect is what a selector's text stands for, which depends on the field that it
// is in.
type dialect struct {
	prefix      string   // put before every label
	all, global selector // what all() and global() say
}

// plain is the dialect of an entity's selector.
var plain = dialect{all: everything, global: everything}

// parse parses a selector in Calico's grammar to the oracle's function. The blank text is all().
func parse(text string, d dialect) (selector, error) {
	p := &parser{rest: text, dialect: d}
	if p.space(); p.rest == "" {
		return d.all, nil
	}
	s, err := p.expression()
	if err == nil && p.rest != "" {
		err = fmt.Errorf("%q follows the selector", p.rest)
	}
	return s, err
}

type parser struct {
	rest string
	dialect
}

// space skips what Calico takes for white space in a selector that the oracle parses: no line
// ends.
func (p *parser) space() { p.rest = strings.TrimLeft(p.rest, " \t") }

// take skips a token of a selector that the oracle parses, and the white space behind it, if it
// is there.
func (p *parser) take(token string) bool {
	rest, ok := strings.CutPrefix(p.rest, token)
	if ok {
		p.rest = rest
		p.space()
	}
	return ok
}

// expression parses, for the oracle, conjunctions of a selector with || between them.
func (p *parser) expression() (selector, error) {
	s, err := p.conjunction()
	for err == nil && p.take("||") {
		var right selector
		right, err = p.conjunction()
		s = either(s, right)
	}
	return s, err
}

// conjunction parses, for the oracle, operations of a selector with && between them.
func (p *parser) conjunction() (selector, error) {
	s, err := p.operation()
	for err == nil && p.take("&&") {
		var right selector
		right, err = p.operation()
		s = both(s, right)
	}
	return s, err
}

var (
	call    = regexp.MustCompile(`^(all|global)\([ \t]*\)[ \t]*`)
	hasCall = regexp.MustCompile(`^has\([ \t]*([A-Za-z0-9_./-]{1,512})[ \t]*\)[ \t]*`)
	label   = regexp.MustCompile(`^([A-Za-z0-9_./-]{1,512})[ \t]*`)
	compare = regexp.MustCompile(`^(==|!=|contains|starts[ \t]*with|ends[ \t]*with|in|not[ \t]*in)[ \t]*`)
	literal = regexp.MustCompile(`^('[^']*'|"[^"]*")[ \t]*`)
)

// match takes what the pattern finds at the beginning of what the oracle has left of a selector,
// and gives the pattern's first group.
func (p *parser) match(pattern *regexp.Regexp) (string, bool) {
	m := pattern.FindStringSubmatch(p.rest)
	if m == nil {
		return "", false
	}
	p.rest = p.rest[len(m[0]):]
	return m[1], true
}

// operation parses, for the oracle, a negation, a parenthesis, a call, or a comparison in a
// selector.
func (p *parser) operation() (selector, error) {
	if p.take("!") {
		s, err := p.operation()
		return not(s), err
	}
	if p.take("(") {
		s, err := p.expression()
		if err == nil && !p.take(")") {
			err = errors.New("a parenthesis is not closed")
		}
		return s, err
	}
	if name, ok := p.match(call); ok {
		if name == "all" {
			return p.all, nil
		}
		return p.global, nil
	}
	if key, ok := p.match(hasCall); ok {
		return has(p.prefix + key), nil
	}
	key, ok := p.match(label)
	if !ok {
		return nil, fmt.Errorf("%q is no operand", p.rest)
	}
	operator, ok := p.match(compare)
	if !ok {
		return nil, fmt.Errorf("%q is no comparison", p.rest)
	}
	return p.comparison(p.prefix+key, strings.Join(strings.Fields(operator), ""))
}

// comparison parses, for the oracle, what follows a label and an operator in a selector: a text,
// or a set.
func (p *parser) comparison(key, operator string) (selector, error) {
	if operator == "in" || operator == "notin" {
		member, err := p.set(key)
		if operator == "notin" {
			member = not(member)
		}
		return member, err
	}
	text, ok := p.match(literal)
	if !ok {
		return nil, fmt.Errorf("%q is no text in quotes", p.rest)
	}
	value := text[1 : len(text)-1]
	compares := map[string]func(string, string) bool{
		"contains": strings.Contains, "startswith": strings.HasPrefix, "endswith": strings.HasSuffix,
	}
	switch operator {
	case "==":
		return equals(key, value), nil
	case "!=":
		return not(equals(key, value)), nil
	default:
		return func(labels map[string]string) bool { v, ok := labels[key]; return ok && compares[operator](v, value) }, nil
	}
}

// set parses, for the oracle, a set in a selector, {'a', 'b'}; a comma may end it, and it may be
// empty.
func (p *parser) set(key string) (selector, error) {
	if !p.take("{") {
		return nil, fmt.Errorf("%q is no set", p.rest)
	}
	member := not(everything)
	for {
		if p.take("}") {
			return member, nil
		}
		text, ok := p.match(literal)
		if !ok {
			return nil, fmt.Errorf("%q is no text in quotes", p.rest)
		}
		member = either(member, equals(key, text[1:len(text)-1]))
		if !p.take(",") && !strings.HasPrefix(p.rest, "}") {
			return nil, fmt.Errorf("%q follows an element", p.rest)
		}
	}
}
