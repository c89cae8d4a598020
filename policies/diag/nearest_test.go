package diag_test

import (
	"strings"
	"testing"

	"portcullis.dev/policies/diag"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"build", "check", "ci", "init", "rules"}
	for word, want := range map[string]string{
		"biuld":      "build",
		"CHECK":      "check", // in another case it is the word itself
		"chekc":      "check",
		"rule":       "rules",
		"kubernetes": "",

		strings.Repeat("a", 1<<16): "",
	} {
		if got := diag.Nearest(word, known); got != want {
			t.Errorf("nearest to %q is %q, expected %q", word, got, want)
		}
	}
	if got := diag.Nearest("build", nil); got != "" {
		t.Errorf("of no words %q is the nearest", got)
	}
}

func TestEnumerate(t *testing.T) {
	t.Parallel()
	letters := strings.Split("abcdefghijklmnopqrstuvwxy", "")
	for _, c := range []struct {
		words []string
		want  string
	}{
		{nil, "nothing"},
		{letters[:1], "a"},
		{letters[:2], "a or b"},
		{letters[:3], "a, b or c"},
		{letters[:24], strings.Join(letters[:23], ", ") + " or x"},
		{letters, strings.Join(letters[:24], ", ") + ", …"},
	} {
		if got := diag.Enumerate(c.words, "or"); got != c.want {
			t.Errorf("%v is %q, expected %q", c.words, got, c.want)
		}
	}
}
