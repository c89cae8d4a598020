package report

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var brokenLine = regexp.MustCompile(`\n *`)

// TestWrapOnlyBreaks holds every wrapped text to what it was, and every line of it
// to the width, unless it is one word.
func TestWrapOnlyBreaks(t *testing.T) {
	t.Parallel()
	word := rapid.StringMatching(`[a-z日é]{1,12}`)
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(word, 1, 30).Draw(t, "words")
		width := rapid.IntRange(narrowest, 120).Draw(t, "width")
		indent := rapid.IntRange(0, 20).Draw(t, "indent")
		used := rapid.IntRange(indent, 150).Draw(t, "used")
		text := strings.Join(words, " ")
		got := (&textWriter{width: width}).wrap(text, used, indent)
		if joined := strings.TrimPrefix(brokenLine.ReplaceAllString(got, " "), " "); joined != text {
			t.Fatalf("%q became %q", text, got)
		}
		for i, line := range strings.Split(got, "\n") {
			body := strings.TrimLeft(line, " ")
			n := columns(line)
			if i == 0 {
				n += used
			}
			if n > width && body != "" && strings.Contains(body, " ") {
				t.Fatalf("%q takes %d columns of %d", line, n, width)
			}
			if i > 0 && len(line)-len(body) != indent {
				t.Fatalf("%q stands in by %d, expected %d", line, len(line)-len(body), indent)
			}
		}
	})
}

func TestWithoutWidthNothingBreaks(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("word ", 200)
	if got := (&textWriter{}).wrap(text, 500, 4); got != text {
		t.Errorf("%q was broken", got)
	}
}
