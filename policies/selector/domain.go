package selector

// Domain is a set of strings to which the API server holds something that selectors ask
// for (apimachinery, pkg/util/validation).
type Domain uint8

// The domains.
const (
	LabelValue    Domain = iota // at most 63 characters, letters and digits at both ends; may be empty
	NamespaceName               // a DNS label of at most 63
	AccountName                 // a DNS subdomain of at most 253
)

// Holds reports whether the string is in the domain.
func (d Domain) Holds(value string) bool {
	if len(value) > d.longest() {
		return false
	}
	at := beginning
	for i := range len(value) {
		if at = d.next(at, value[i]); at == nowhere {
			return false
		}
	}
	return d.accepts(at)
}

// longest tells how long a string of the domain may be.
func (d Domain) longest() int {
	if d == AccountName {
		return 253
	}
	return 63
}

// position is a state of a domain's automaton: what the last character was.
type position int8

const (
	nowhere position = iota - 1
	beginning
	afterLetter // or digit
	afterMark   // dash, underscore, and the dot of label values
	afterDot    // of a subdomain
)

// next steps the domain's automaton over a character.
func (d Domain) next(at position, c byte) position {
	switch {
	case 'a' <= c && c <= 'z', '0' <= c && c <= '9', 'A' <= c && c <= 'Z' && d == LabelValue:
		return afterLetter
	case at == beginning || at == afterDot:
		return nowhere
	case c == '-', (c == '_' || c == '.') && d == LabelValue:
		return afterMark
	case c == '.' && d == AccountName && at == afterLetter:
		return afterDot
	}
	return nowhere
}

// accepts reports whether a string of the domain may end where its automaton is.
func (d Domain) accepts(at position) bool {
	return at == afterLetter || at == beginning && d == LabelValue
}
