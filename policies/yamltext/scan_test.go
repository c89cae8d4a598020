package yamltext_test

import (
	"testing"

	"pgregory.net/rapid"

	"portcullis.dev/policies/yamltext"
)

// TestClosing shows where a bracket is none: between quotes, in comments, and where an
// apostrophe is part of a word.
func TestClosing(t *testing.T) {
	t.Parallel()
	const rest = ", more: ]}"
	for _, s := range []string{
		`[]`, `{}`, `[[a], {b: [c]}]`, `["]"]`, `[']']`, `['it''s ]']`, `["\"]"]`, `["\\"]`, `[it's, "]"]`, `[a"b, ']']`, `{"a":']'}`, `{'a':"}"}`, `{a:'b}`, `[a 'b]`,
		"[  # ]\n  a]", "[a,\n# ]\nb]", "[a#b]", `[!!str "]"]`, `[&a ']']`, "[\n]", `["a" , ']']`, `[a,'}']`, `[{a: ']'}]`,
	} {
		if got := yamltext.Closing(s + rest); got != len(s)-1 {
			t.Errorf("%s is closed at %d", s, got)
		}
		if got := yamltext.Closing([]byte(s[:len(s)-1])); got != -1 {
			t.Errorf("%s is closed at %d", s[:len(s)-1], got)
		}
	}
	if got := yamltext.Closing("a]"); got != -1 {
		t.Errorf("a word is closed at %d", got)
	}
}

// TestInside finds what stands last between brackets, with blanks and comments behind it.
func TestInside(t *testing.T) {
	t.Parallel()
	for inside, behind := range map[string]string{
		"[": " ", "{": "\n  # a, b\n", "[a": "", "[a,": "  ", `["a, "`: " ", "[{a: b}": "\r\n", "[a, 'b'": " # ] c\n", "[a,b#c": "\t\n  ", "[[a,]": "\n# 'd\n",
	} {
		closing := "]"
		if inside[0] == '{' {
			closing = "}"
		}
		last, at := yamltext.Inside(inside + behind + closing + " # ]")
		if max(last, 1) != len(inside) || at != len(inside+behind) {
			t.Errorf("%q is closed at %d behind %d; expected %d, and %d", inside+behind+closing, at, last, len(inside+behind), len(inside))
		}
	}
	if got := yamltext.Closing(" []"); got != -1 {
		t.Errorf("a blank is closed at %d", got)
	}
}

// TestClosingOfLines finds the end of whatever the pen writes between brackets.
func TestClosingOfLines(t *testing.T) {
	t.Parallel()
	check := func(t failer, v any) {
		t.Helper()
		line := yamltext.Line(yamltext.List{v})
		if got := yamltext.Closing(line + "}]"); got != len(line)-1 {
			t.Fatalf("%s is closed at %d, not %d", line, got, len(line)-1)
		}
	}
	for _, s := range nasty {
		check(t, yamltext.Map{{Key: s, Value: yamltext.List{s, s}}})
	}
	rapid.Check(t, func(t *rapid.T) { check(t, valueGen(3).Draw(t, "value")) })
}
