package format

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/policies/object"
)

// scalar is a word as it is written: without quotes where every reader of YAML, of
// 1.1 and of 1.2, takes it for the same; else in double quotes. A key without a
// value is an empty mapping.
func scalar(n *yaml.Node, inFlow bool) string {
	switch tag := n.ShortTag(); {
	case tag == "!!null":
		return "{}"
	case tag == "!!bool":
		return strings.ToLower(n.Value)
	case tag != "!!str":
		return n.Value
	case plain(n.Value, inFlow):
		return n.Value
	}
	return object.Quoted(n.Value)
}

var (
	// startsPlain is how a word may begin that needs no quotes.
	startsPlain = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\pL\pN/._(+$^<]`) })
	// trap is what YAML 1.1 takes for something else than a word, in whole or in part.
	trap = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?i:y|n|yes|no|on|off|true|false|null|~|=|<<|[-+]?([0-9][0-9_]*\.?|\.[0-9])[0-9_]*(e[-+]?[0-9]+)?|[-+]?\.(inf|nan)|0[xob][0-9a-f_]+|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*)$`)
	})
)

// plain reports whether a text can do without quotes. A colon is quoted wherever it
// stands: to people it looks like a key.
func plain(s string, inFlow bool) bool {
	if !startsPlain().MatchString(s) || trap().MatchString(s) || strings.HasSuffix(s, " ") ||
		strings.Contains(s, " #") || strings.ContainsRune(s, ':') || inFlow && strings.ContainsAny(s, ",[]{}") {
		return false
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) || strings.HasPrefix(s, "---") || strings.HasPrefix(s, "...") {
		return false
	}
	return (&yaml.Node{Kind: yaml.ScalarNode, Value: s}).ShortTag() == "!!str"
}

// fillable reports whether a text is words with one space between each two, which
// can be broken over lines without changing it.
func fillable(n *yaml.Node) bool {
	return n.ShortTag() == "!!str" && strings.Join(strings.Fields(n.Value), " ") == n.Value &&
		!strings.ContainsFunc(n.Value, func(r rune) bool { return !unicode.IsPrint(r) })
}

// fill breaks a text into lines.
func fill(s string, columns int) []string {
	var lines []string
	current, length := "", 0
	for word := range strings.SplitSeq(s, " ") {
		n := utf8.RuneCountInString(word)
		if length > 0 && length+1+n > columns {
			lines, current, length = append(lines, current), "", 0
		}
		if length > 0 {
			current += " "
			length++
		}
		current, length = current+word, length+n
	}
	return append(lines, current)
}
