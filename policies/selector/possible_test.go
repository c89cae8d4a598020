package selector

import (
	"fmt"
	"testing"
)

// TestPossible tries selectors on every way to fill in what is not known, and holds what
// may be to what is.
func TestPossible(t *testing.T) {
	t.Parallel()
	values := []string{"", "x", "y"} // the first: no label
	for _, text := range []string{
		"all()", "a == 'x'", "a != 'x'", "has(a)", "!has(a)", "a in {}", "a not in {}", "a in {'x', 'y'}", "a not in {'x', 'y'}",
		"b == 'x'", "b != 'x'", "has(b)", "!has(b)", "a == 'x' && b == 'x'", "a == 'x' || b == 'x'", "a == 'x' || b != 'x'", "!(a == 'x' && b == 'y')",
		"a starts with 'x' && !has(b)", "a contains 'y' && has(b)", "b in {'x'} || a in {}", "!(b in {'x'} || a not in {})",
	} {
		s, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range values {
			known := Map{}
			if b != "" {
				known["b"] = b
			}
			holds, fails := false, false
			for _, a := range values {
				l := Map{}
				if b != "" {
					l["b"] = b
				}
				if a != "" {
					l["a"] = a
				}
				matches := s.Matches(l)
				holds, fails = holds || matches, fails || !matches
			}
			mayHold, mayFail := s.Possible(known, func(key string) bool { return key == "a" })
			if got, want := fmt.Sprint(mayHold, mayFail), fmt.Sprint(holds, fails); got != want {
				t.Errorf("%s with b=%q: may hold and may fail: %s, expected %s", text, b, got, want)
			}
		}
	}
}
