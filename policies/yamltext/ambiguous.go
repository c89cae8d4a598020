package yamltext

import "strings"

// words are those that a parser of YAML 1.1, or of 1.2, takes for something else than text
// when they stand without quotes, in whatever case.
var words = [...]struct {
	text          string
	boolean, sign bool // sign is what the boolean says
}{
	{"y", true, true}, {"yes", true, true}, {"on", true, true}, {"true", true, true},
	{"n", true, false}, {"no", true, false}, {"off", true, false}, {"false", true, false},
	{text: "null"}, {text: "~"}, {text: "="}, {text: "<<"},
}

const longestWord = len("false")

// Ambiguous reports whether a parser, of YAML 1.1 or of 1.2, takes a text without quotes for
// something else than text: a boolean, nothing, a number in any notation, a day.
func Ambiguous(s string) bool {
	if s == "" || numeric(s) {
		return true
	}
	if len(s) <= longestWord {
		for _, w := range words {
			if strings.EqualFold(s, w.text) {
				return true
			}
		}
	}
	return false
}

// Boolean tells what an ambiguous word says that YAML 1.1 takes for true or false.
func Boolean(s string) (says, is bool) {
	for _, w := range words {
		if w.boolean && strings.EqualFold(s, w.text) {
			return w.sign, true
		}
	}
	return false, false
}

// numeric reports whether a text looks like a number or a day of YAML 1.1 or 1.2. Parsers
// differ about underscores, signs and bases; what any of them reads is one.
func numeric(s string) bool {
	if c := s[0]; (c < '0' || c > '9') && c != '+' && c != '-' && c != '.' {
		return false
	}
	s = strings.ReplaceAll(s, "_", "")
	signed := s[0] == '+' || s[0] == '-'
	if signed {
		s = s[1:]
	}
	switch {
	case s == ".", strings.EqualFold(s, ".inf"), strings.EqualFold(s, ".nan"):
		return true
	case len(s) > 2 && s[0] == '0' && strings.IndexByte("xXoObB", s[1]) >= 0:
		return strings.Trim(s[2:], "0123456789abcdefABCDEF") == ""
	}
	whole := digits(s)
	rest := s[whole:]
	if strings.HasPrefix(rest, ":") {
		return whole > 0 && strings.Trim(rest, "0123456789:.") == "" // of base 60
	}
	if strings.HasPrefix(rest, "-") && whole == 4 && !signed {
		return day(rest)
	}
	part := 0
	if strings.HasPrefix(rest, ".") {
		part = digits(rest[1:])
		rest = rest[1+part:]
	}
	if whole+part == 0 {
		return false
	}
	if rest != "" && (rest[0] == 'e' || rest[0] == 'E') {
		rest = rest[1:]
		if rest != "" && (rest[0] == '+' || rest[0] == '-') {
			rest = rest[1:]
		}
		n := digits(rest)
		return n > 0 && n == len(rest)
	}
	return rest == ""
}

// day reports whether what follows a year is a month and a day, so that a text is ambiguous,
// whatever stands behind.
func day(s string) bool {
	for range 2 {
		if s == "" || s[0] != '-' {
			return false
		}
		n := digits(s[1:])
		if n == 0 {
			return false
		}
		s = s[1+min(n, 2):]
	}
	return true
}

// digits counts the digits with which a text begins that may be a number.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
