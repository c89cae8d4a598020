package language

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	_ "portcullis.dev/testdata/seed"
)

// mentioned are the same words and disguises as one expression, which is slow and easily read.
var mentioned = regexp.MustCompile(`(?i:portcullis)|\b(?:` + strings.Join(tellingKinds(), "|") + `)\b|\\[xuU]|\\\r?\n|(?i:![^ \t\r\n]*(?:binary|%)|%TAG)`)

// TestMentions holds the quick look at a text against the expression.
func TestMentions(t *testing.T) {
	t.Parallel()
	parts := append([]string{"portcullis", "PortCullis", "ortcullis", "p", "\\x70", "\\u0070", "\\", "\\\n", "\\\r\n", "!", "!!binary", "!BINARY", "! binary", "!e%70", "%", "%TAG", "%tag", "ag", " ", "\n", "kind: "}, tellingKinds()...)
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 4).Draw(t, "parts"), ""))
		want := mentioned.Match(text)
		if want {
			found++
		}
		if got := mayMention(text); got != want {
			t.Fatalf("%q: %t, and %t by the expression", text, got, want)
		}
	})
	if found == 0 {
		t.Error("nothing mentions anything")
	}
}
