package language

import (
	"fmt"

	"portcullis.dev/policies/diag"
)

// scalar is a type that is written as one word. parse gets the word and the YAML
// tag that it resolves to (!!str, !!int, …).
type scalar interface {
	parse(word, tag string) *mistake
}

// mistake is what is wrong with a word; its place is added by the decoder.
type mistake struct {
	rule    *diag.Rule
	message string
	hint    string
	replace string // the word that was meant, where that is likely
	sure    bool   // and certain
}

// tagged says in a mistake what YAML takes a word for: a number, true or false, nothing.
func tagged(word, tag string) string {
	kind := map[string]string{
		"!!bool": "the boolean", "!!int": "the number", "!!float": "the number",
		"!!null": "nothing", "!!timestamp": "the date", "!!str": "the word",
	}[tag]
	if kind == "" {
		kind = "the value"
	}
	return fmt.Sprintf("%s %.60s", kind, word)
}
