package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"portcullis.dev/policies/diag"
)

// upperFirst makes the first letter of words a capital.
func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// plural counts things in words: a number and the word for one or for several.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// either chooses the first word for one thing, and the second for several.
func either(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// shortText cuts the words of a text that does not decide: its place is told beside it.
func shortText(text string) string {
	const most = 120
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// counted puts a number before the word for one thing or for several.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// lines parts words that may be several lines, kept as they are: they may be there to be copied.
func lines(text string) []string {
	if text == "" {
		return nil
	}
	all := strings.Split(strings.TrimRight(text, "\r\n"), "\n")
	for i := range all {
		all[i] = strings.TrimSuffix(all[i], "\r")
	}
	return all
}

// join puts the separator between the words that are there, and none beside an empty one.
func join(separator string, texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), separator)
}

// atMost cuts words to a number of runes.
func atMost(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most-1]) + "…"
}

// joined gives all that a finding says in words, each of its texts inert, to formats without a
// place for each.
func joined(d diag.Diagnostic, separator string) string {
	texts := []string{terminal(d.Message) + environments(d.Environments)}
	for _, line := range lines(d.Why) {
		texts = append(texts, terminal(line))
	}
	for i, line := range help(d) {
		if i == 0 {
			line = "help: " + line
		}
		texts = append(texts, terminal(line))
	}
	return join(separator, texts...)
}

// help gives the words by which a finding is mended, in lines: its own, or those of its rule.
func help(d diag.Diagnostic) []string {
	if d.Why == "" && d.Hint == "" {
		return lines(d.Rule.Help())
	}
	return lines(d.Hint)
}

// shortened cuts words that are too long for a cell or a label: the report has all of them.
func shortened(text string) string {
	const most = 300
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// environments puts the names of environments in brackets, behind the words about a finding or a
// test.
func environments(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " [" + terminal(strings.Join(names, ", ")) + "]"
}
