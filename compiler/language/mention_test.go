package language

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	_ "portcullis.dev/testdata/seed"
)

// TestWhatIsOursIsMentioned holds the quick look at a text against the slow one: whatever the
// expressions find, it does not pass over.
func TestWhatIsOursIsMentioned(t *testing.T) {
	t.Parallel()
	parts := append([]string{"portcullis", "PortCullis", "ortcullis", "p", "\\x70", "\\u0070", "\\", "\\\n", "\\\r\n", "!", "!!binary", "!BINARY", "! binary", "!e%70", "%", "%TAG", "%tag", "ag", " ", "\n", "kind: "}, kindNames()...)
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 4).Draw(t, "parts"), ""))
		if mentions.Match(text) || tagged64.Match(text) {
			found++
			if !mayMention(text) {
				t.Fatalf("%q is passed over", text)
			}
		} else if len(text) == 0 && mayMention(text) {
			t.Fatal("the empty text mentions something")
		}
	})
	if found == 0 {
		t.Error("nothing mentions anything")
	}
}
