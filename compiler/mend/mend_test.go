package mend_test

import (
	"testing"

	"portcullis.dev/compiler/mend"
	"portcullis.dev/policies/diag"
)

var rule = &diag.Rule{Code: "PC022", Severity: diag.Error}

// span is some characters of a line.
func span(line, from, to int) diag.Span {
	return diag.Span{File: "a.yaml", Start: diag.At(line, from), End: diag.At(line, to)}
}

func mended(text string, found ...diag.Diagnostic) string {
	files := map[string][]byte{"a.yaml": []byte(text)}
	all := mend.Files(found, files, func(file string) bool { return file == "a.yaml" })
	if string(files["a.yaml"]) != text {
		return "the input was changed"
	}
	if len(all) == 0 {
		return ""
	}
	return string(all[0].After)
}

// TestFiles: what is edited is one scalar, and all else is as it was; or the file is left alone.
func TestFiles(t *testing.T) {
	t.Parallel()
	edit := func(s diag.Span, text string) diag.Diagnostic { return rule.At(s, "x").Mend(s, text) }
	upper := edit(span(1, 4, 7), "TCP")
	waived := upper
	waived.WaivedBy = "legacy"
	for name, c := range map[string]struct {
		text, want string // want is empty where nothing is changed
		found      []diag.Diagnostic
	}{
		"a value":                     {"p: tcp # of it\n", "p: TCP # of it\n", []diag.Diagnostic{upper}},
		"told twice":                  {"p: tcp\n", "p: TCP\n", []diag.Diagnostic{upper, upper}},
		"of two":                      {"p: tcp\nq: udp\n", "p: TCP\nq: UDP\n", []diag.Diagnostic{edit(span(2, 4, 7), "UDP"), upper}},
		"lines that end in CR LF":     {"p: tcp\r\nq: udp", "p: tcp\r\nq: UDP", []diag.Diagnostic{edit(span(2, 4, 7), "UDP")}},
		"behind a byte order mark":    {"\xef\xbb\xbfp: tcp\n", "\xef\xbb\xbfp: TCP\n", []diag.Diagnostic{upper}},
		"behind wide characters":      {"{ü: 好, p: tcp}\n", "{ü: 好, p: TCP}\n", []diag.Diagnostic{edit(span(1, 11, 14), "TCP")}},
		"quotes":                      {"p: y\n", "p: \"y\"\n", []diag.Diagnostic{edit(span(1, 4, 5), `"y"`)}},
		"a key":                       {"Kind: a\n", "kind: a\n", []diag.Diagnostic{edit(span(1, 1, 5), "kind")}},
		"a list of itself":            {"p: a\n", "p: [a]\n", []diag.Diagnostic{edit(span(1, 4, 5), "[a]")}},
		"what did not parse":          {"p: @a\n", "p: \"@a\"\n", []diag.Diagnostic{edit(span(1, 4, 6), `"@a"`)}},
		"a second document":           {"a: b\n---\np: tcp\n", "a: b\n---\np: TCP\n", []diag.Diagnostic{edit(span(3, 4, 7), "TCP")}},
		"an edit that is no safe one": {"p: tcp\n", "", []diag.Diagnostic{rule.At(span(1, 4, 7), "x").Replace(span(1, 4, 7), "TCP")}},
		"what somebody accepted":      {"p: tcp\n", "", []diag.Diagnostic{waived}},
		"two texts for one place":     {"p: tcp\n", "", []diag.Diagnostic{upper, edit(span(1, 4, 7), "UDP")}},
		"a place that is not there":   {"p: tcp\n", "", []diag.Diagnostic{edit(span(7, 4, 7), "TCP")}},
		"past the end of its line":    {"p: tcp\nq: a\n", "", []diag.Diagnostic{edit(span(1, 4, 9), "TCP")}},
		"an insertion":                {"p: tcp\n", "", []diag.Diagnostic{edit(span(1, 4, 4), "TCP")}},
		"a whole file":                {"p: tcp\n", "", []diag.Diagnostic{edit(diag.Span{File: "a.yaml"}, "TCP")}},
		"two values by one edit":      {"{p: a, q: b}\n", "", []diag.Diagnostic{edit(span(1, 5, 12), "x, q: y")}},
		"one more value":              {"p: a\n", "", []diag.Diagnostic{edit(span(1, 4, 5), "a, q: b")}},
		"an anchor that goes":         {"p: &a tcp\nq: *a\n", "", []diag.Diagnostic{edit(span(1, 4, 10), "TCP")}},
		"an alias":                    {"p: &a tcp\nq: *a\n", "", []diag.Diagnostic{edit(span(2, 4, 6), "TCP")}},
		"a comment that goes":         {"p: tcp # a\n", "", []diag.Diagnostic{edit(span(1, 4, 11), "TCP")}},
		"what is no YAML then":        {"p: tcp\n", "", []diag.Diagnostic{edit(span(1, 4, 7), "[")}},
		"the text of a template":      {"p: tcp\nq: \"{{ .Values.a }}\"\n", "", []diag.Diagnostic{upper}},
		"a variable of Flux":          {"p: tcp\nq: ${a}\n", "", []diag.Diagnostic{upper}},
	} {
		if got := mended(c.text, c.found...); got != c.want {
			t.Errorf("%s: %q becomes %q, expected %q", name, c.text, got, c.want)
		}
	}
	if all := mend.Files(diag.List{upper}, map[string][]byte{"a.yaml": []byte("p: tcp\n")}, func(string) bool { return false }); len(all) > 0 {
		t.Error("a file that nobody asked about is changed")
	}
	if all := mend.Files(diag.List{upper}, nil, func(string) bool { return true }); len(all) > 0 {
		t.Error("a file that nobody read is changed")
	}
}
