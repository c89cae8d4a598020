package report

import "testing"

func TestTerminal(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                      "",
		"plain, é, 日本, 😀":       "plain, é, 日本, 😀",
		"e\u0301":               "e\u0301",
		"a\nb\r\tc\x00":         `a\u{a}b\u{d}\u{9}c\u{0}`,
		"\x1b[31m\x7f\u009b":    `\u{1b}[31m\u{7f}\u{9b}`,
		"\u202e\u2066\u200b":    `\u{202e}\u{2066}\u{200b}`,
		"\ufeff\u00ad\u2028":    `\u{feff}\u{ad}\u{2028}`,
		"\u3164\u115f\ufe0f":    `\u{3164}\u{115f}\u{fe0f}`,
		"\U000e0041\ue000":      `\u{e0041}\u{e000}`,
		"\xff\xc3(\xed\xa0\x80": `\x{ff}\x{c3}(\x{ed}\x{a0}\x{80}`,
		"\ufffd":                "\ufffd",
		"::error::x":            `\u{3a}:error::x`,
		"  ::error::x":          `  \u{3a}:error::x`,
		"\t::error":             `\u{9}\u{3a}:error`,
		"a::b: c":               "a::b: c",
		"x ##[group]":           `x \u{23}#[group]`,
		"###[x]##vso[y]":        `#\u{23}#[x]\u{23}#vso[y]`,
		"# ## #[":               "# ## #[",
	} {
		if got := terminal(in); got != want {
			t.Errorf("%q is shown as %s, not %s", in, got, want)
		}
		if got := terminal(want); got != want {
			t.Errorf("%s is not shown as it is, but as %s", want, got)
		}
	}
}
