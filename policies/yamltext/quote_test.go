package yamltext_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	yamlv2 "go.yaml.in/yaml/v2"
	yamlv3 "go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"portcullis.dev/policies/yamltext"
	_ "portcullis.dev/testdata/seed"
)

// nasty are strings that some YAML parser reads as something else, or not at all.
var nasty = []string{
	"", " ", "  x", "x ", "y", "Y", "n", "yes", "No", "on", "OFF", "true", "False", "null", "Null", "~", "nan", ".nan", ".NaN", ".inf", "-.inf", "+.INF", "inf", "Infinity",
	"0", "-0", "+1", "123", "007", "0777", "0o17", "0x1F", "+0x1f", "0x_1f", "0_x1f", "0b101", "1_000", "_1", "+_1", "1e3", "1e_3", "1E3", "1e", "e3", ".5", "._5", "5.", "1.", ".", "+", "+.", "..", "...", "... x", "---", "--- x",
	"12:30", "190:20:30", "1:20.5", "2001-12-14", "2001-1-1", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.10 -5", "2001-12", "1.2.3", "5f6", "1password", "٣", "²",
	"-", "- a", "-a", "?", "? a", "?a", "a?", "a?b", "who calls?", ":", ": a", ":a", "a:", "a: b", "a:b", "a :b", "a #b", "a# b", "#", "#a", "a#b", "&a", "*a", "!a", "!!str", "|", ">", "|-", "%YAML", "@a", "`a", "'", "''", `"`, `\`, `\x41`, `a"b`, "it's", "[", "]", "[]", "{", "}", "{}", ",", "a,b", "a]", "{a", "<<", "<a", "=", "=a", "a, b",
	"10.0.0.0/8", "10.0.0.1", "::/0", "fe80::1", "1.2.3.4/", "53/udp", "8000-8100/tcp", "app.kubernetes.io/name", "k8s-app", "has(x)", "all()", "(a)", "projectcalico.org/v3", "frontend -> checkout:http allow", "*/*", "@internet", "^a", "$a",
	"a\nb", "a\n", "\na", "\n", "\r", "a\r\nb", "a\tb", "\t", "\x00", "\x07", "\x1b[31m", "\x7f", "\u0080", "\u0085", "a\u0085b", "\u009f", "\u00a0", "a\u00a0", "\u00ad", "\u200b", "\u2028", "\u2029", "\u202e", "\ufeff", "a\ufeff", "\ufffd", "a\ufffd", "\ufffe", "\uffff", "\U0001f600", "\U000e0041", "\U0010ffff", "é", "日本語", "e\u0301", "\u0301e",
	strings.Repeat("k", 999), strings.Repeat("k", 1000), strings.Repeat("é ", 300),
}

// stringGen draws strings among which many look like something else.
func stringGen() *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom(nasty), rapid.String(), rapid.StringMatching(`[-+.0-9_xobeE:]{1,6}`), rapid.StringMatching(`[ -~]{0,12}`),
		rapid.StringMatching(`[a-z0-9][ ,:#\[\]{}'"?-]{0,3}[a-z0-9]?`), rapid.StringMatching(`[12][0-9]{3}-[0-9]{1,2}-[0-9]{1,2}[ t0-9:]{0,4}`))
}

// readers are the parsers that read what is written.
var readers = map[string]func(text string) (any, error){
	"sigs.k8s.io/yaml": func(text string) (v any, err error) {
		raw, err := yaml.YAMLToJSONStrict([]byte(text))
		if err == nil {
			err = json.Unmarshal(raw, &v)
		}
		return v, err
	},
	"yaml/v2": func(text string) (v any, err error) { err = yamlv2.UnmarshalStrict([]byte(text), &v); return v, err },
	"yaml/v3": func(text string) (v any, err error) { err = yamlv3.Unmarshal([]byte(text), &v); return v, err },
}

// places are the contexts in which a scalar may stand, as a text with a hole, and what is
// read there for a word.
var places = map[string]func(s any) any{
	"%s\n":           func(s any) any { return s },
	"k: %s\n":        func(s any) any { return mapping("k", s) },
	"- %s\n- x\n":    func(s any) any { return []any{s, "x"} },
	"- - %s\n":       func(s any) any { return []any{[]any{s}} },
	"%s: v\n":        func(s any) any { return mapping(s, "v") },
	"- %s: v\n":      func(s any) any { return []any{mapping(s, "v")} },
	"[%s]\n":         func(s any) any { return []any{s} },
	"[x, %s, x]\n":   func(s any) any { return []any{"x", s, "x"} },
	"{k: %s}\n":      func(s any) any { return mapping("k", s) },
	"{%s: v}\n":      func(s any) any { return mapping(s, "v") },
	"[{k: [%s]}]\n":  func(s any) any { return []any{mapping("k", []any{s})} },
	"k: %s # note\n": func(s any) any { return mapping("k", s) },
}

func mapping(key, value any) map[string]any { return map[string]any{fmt.Sprint(key): value} }

// text makes one type of what parsers return, so that a number is not taken for its text.
func text(v any) string {
	switch v := v.(type) {
	case map[any]any:
		for key, value := range v {
			return fmt.Sprintf("{%s=%s}", text(key), text(value))
		}
	case map[string]any:
		for key, value := range v {
			return fmt.Sprintf("{%s=%s}", text(key), text(value))
		}
	case []any:
		var all []string
		for _, item := range v {
			all = append(all, text(item))
		}
		return "[" + strings.Join(all, ";") + "]"
	case string:
		return fmt.Sprintf("%q", v)
	}
	return fmt.Sprintf("%T %v", v, v)
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func quotedReadsBack(t failer, s string) {
	t.Helper()
	for place, meant := range places {
		written := fmt.Sprintf(place, yamltext.Quote(s))
		for name, read := range readers {
			got, err := read(written)
			if want := text(meant(strings.ToValidUTF8(s, "\ufffd"))); err != nil || text(got) != want {
				t.Fatalf("%s reads %q as %s (%v), not %s", name, written, text(got), err, want)
			}
		}
	}
}

// TestQuoteReadsBack is the law: what is quoted is read as the string that was meant, by
// every reader, wherever it stands.
func TestQuoteReadsBack(t *testing.T) {
	t.Parallel()
	for _, s := range nasty {
		quotedReadsBack(t, s)
	}
	rapid.Check(t, func(t *rapid.T) { quotedReadsBack(t, stringGen().Draw(t, "s")) })
}

// TestQuoteReadsBackIndicators tries every two of the characters that mean something to YAML:
// alone, at the end of a word, and inside one. Those that are put between quotes are alike.
func TestQuoteReadsBackIndicators(t *testing.T) {
	t.Parallel()
	const indicators = "a0 :#,[]{}?-&*!|>'\"%@`\\=~.+_/<\n\t"
	for _, x := range indicators {
		for _, y := range indicators {
			two := string(x) + string(y)
			for _, s := range []string{two, "a" + two, "a" + two + "b"} {
				if yamltext.Plain(s, yamltext.Flow) {
					quotedReadsBack(t, s)
				}
			}
		}
	}
}

// TestAmbiguous holds words against the readers: what any of them takes for something else
// than text is ambiguous.
func TestAmbiguous(t *testing.T) {
	t.Parallel()
	check := func(t failer, s string) {
		t.Helper()
		for name, read := range readers {
			if got, err := read("- " + s + "\n"); err == nil && !yamltext.Ambiguous(s) {
				if list, ok := got.([]any); ok && len(list) == 1 {
					switch list[0].(type) {
					case string, map[string]any, map[any]any, []any:
					default:
						t.Fatalf("%s reads %q as %s, and it is not ambiguous", name, s, text(list[0]))
					}
				}
			}
		}
	}
	word := rapid.OneOf(rapid.StringMatching(`[-+.]?[.0-9_xobeE:a-f-]{1,8}`), rapid.StringMatching(`[1-2][0-9]{3}-[0-9]{1,3}-[0-9]{1,3}`),
		rapid.SampledFrom([]string{"y", "Y", "n", "N", "yes", "Yes", "YES", "no", "No", "on", "ON", "off", "Off", "true", "TRUE", "false", "null", "NULL", "~", "=", "<<", ".nan", ".NaN", ".inf", "-.Inf", "+.INF"}))
	rapid.Check(t, func(t *rapid.T) { check(t, word.Draw(t, "word")) })
}

// TestPlain shows what people and programs read without quotes, and what they do not.
func TestPlain(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]struct{ block, flow bool }{
		"web": {true, true}, "53/udp": {true, true}, "8000-8100": {true, true}, "5f6": {true, true}, "1.2.3": {true, true}, "10.0.0.0/8": {true, true},
		"日本語": {true, true}, "it's": {true, true}, "a b": {true, true}, "a#b": {true, true}, "true-ish": {true, true}, "2001-12": {true, true}, "0xyz": {true, true},
		"a:b": {true, false}, "a,b": {true, false}, "has(x) && y in {'z'}": {true, false},
		"": {}, " a": {}, "a ": {}, "a: b": {}, "a:": {}, "a #b": {}, "- a": {}, "*/*": {}, "@internet": {}, "::/0": {}, "...": {}, "a\nb": {}, "a\u00a0": {},
		"123": {}, "yes": {}, "Off": {}, "1e3": {}, "0x1f": {}, "null": {}, "~": {}, "2001-12-14": {}, "0777": {}, "1_000": {}, ".inf": {}, "12:30": {},
	} {
		if block, flow := yamltext.Plain(s, yamltext.Block), yamltext.Plain(s, yamltext.Flow); block != want.block || flow != want.flow {
			t.Errorf("%q is plain: %t in block style, %t between brackets", s, block, flow)
		}
	}
}

func TestBoolean(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{"Yes": "true", "on": "true", "Y": "true", "TRUE": "true", "no": "false", "OFF": "false", "n": "false", "false": "false", "null": "", "maybe": "", "": ""} {
		says, is := yamltext.Boolean(s)
		if got := fmt.Sprint(says); is != (want != "") || is && got != want {
			t.Errorf("%q says %t, %t", s, says, is)
		}
	}
}

// BenchmarkQuote quotes what most manifests and lines are made of.
func BenchmarkQuote(b *testing.B) {
	all := []string{"web", "app.kubernetes.io/name", "payments/ledger", "10.244.0.0/16", "53/udp", "yes", "123", "kubernetes.io/metadata.name", "projectcalico.org/name == 'shop'"}
	b.ReportAllocs()
	for b.Loop() {
		for _, s := range all {
			yamltext.Quote(s)
		}
	}
}
