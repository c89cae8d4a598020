package format

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/policies/yamltext"
)

// scalar writes a word, a scalar of YAML: without quotes where every reader of YAML, of 1.1 and of
// 1.2, takes it for the same; else in double quotes. A colon is quoted wherever it stands: to
// people it looks like a key. A key without a value is an empty mapping.
func scalar(n *yaml.Node, in yamltext.Context) string {
	switch tag := n.ShortTag(); {
	case tag == "!!null":
		return "{}"
	case tag == "!!bool":
		return strings.ToLower(n.Value)
	case tag != "!!str":
		return n.Value
	case strings.ContainsRune(n.Value, ':') || !yamltext.Plain(n.Value, in):
		return yamltext.Quoted(n.Value)
	}
	return n.Value
}

// fillable reports whether a scalar's text is words with one space between each two, which can be
// broken over lines without changing it.
func fillable(n *yaml.Node) bool {
	return n.ShortTag() == "!!str" && strings.Join(strings.Fields(n.Value), " ") == n.Value &&
		!strings.ContainsFunc(n.Value, func(r rune) bool { return !unicode.IsPrint(r) })
}

// fill breaks a scalar's text into lines of so many columns.
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
