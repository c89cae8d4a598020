package language_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/yamltext"
	_ "portcullis.dev/testdata/seed"
)

// TestAmendAddsAndKeeps: whatever way a document is written, and whatever stands in the file
// beside it, amendments add their entries and nothing else. Every byte is still there, in its
// order, and lines end as they did.
func TestAmendAddsAndKeeps(t *testing.T) {
	t.Parallel()
	inBrackets, inLines, crlf, two := 0, 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		d := drawing{t}
		var docs []string
		for range rapid.IntRange(1, 3).Draw(t, "documents") {
			if len(docs) > 0 && d.coin("the same again") {
				docs = append(docs, docs[0])
				continue
			}
			docs = append(docs, d.document())
		}
		which := rapid.IntRange(0, len(docs)-1).Draw(t, "which")
		before, behind := strings.Join(docs[:which], "---\n"), strings.Join(docs[which+1:], "---\n")
		if before != "" {
			before += "---\n"
		}
		document := docs[which]
		if behind != "" {
			behind = "---\n" + behind
			if d.coin("no last line end") {
				behind = strings.TrimSuffix(behind, "\n")
			}
		} else if d.coin("no last line end") && !strings.ContainsAny(document, "|>") { // it would belong to the text
			document = strings.TrimSuffix(document, "\n")
		}
		at := diag.At(strings.Count(before, "\n")+1, 1)
		if d.coin("byte order mark") {
			before = "\ufeff" + before
		}
		if d.coin("CRLF") {
			for _, s := range []*string{&before, &document, &behind} {
				*s = strings.ReplaceAll(*s, "\n", "\r\n")
			}
			crlf++
		}
		text := before + document + behind
		all := []language.Amendment{
			{At: diag.Span{File: "f", Start: at}, Field: "inbound", Entry: yamltext.Map{{Key: "from", Value: "123"}, {Key: "why", Value: "a: ]"}}},
			{At: diag.Span{File: "f", Start: at}, Field: "ports", Entry: yamltext.Field{Key: "yes", Value: "no"}},
		}
		all = rapid.Permutation(all).Draw(t, "order")[:rapid.IntRange(1, 2).Draw(t, "amendments")]

		changed, where, ok := language.Amend(language.File{Path: "f", Data: []byte(text)}, all...)
		if !ok {
			t.Fatalf("no room in\n%s", text)
		}
		got := string(changed.Data)
		want := values(t, text)
		spec, _ := want[which].(map[string]any)["spec"].(map[string]any)
		for i, a := range all {
			switch old := spec[a.Field].(type) {
			case []any:
				spec[a.Field] = append(old, map[string]any{"from": "123", "why": "a: ]"})
			case map[string]any:
				old["yes"] = "no"
			default:
				spec[a.Field] = map[string]any{"yes": "no"}
				if a.Field == "inbound" {
					spec[a.Field] = []any{map[string]any{"from": "123", "why": "a: ]"}}
				}
			}
			if where[i].Inside {
				inBrackets++
			} else {
				inLines++
			}
			if after := where[i].After.Start.Line; after < at.Line || after > at.Line+int32(strings.Count(docs[which], "\n")) {
				t.Fatalf("it stands after line %d, and the document begins in line %d", after, at.Line)
			}
		}
		if len(all) == 2 {
			two++
		}
		if diff := cmp.Diff(want, values(t, got)); diff != "" {
			t.Fatalf("it says something else (-want +got):\n%s\n%q\n%q", diff, text, got)
		}
		amended, ok := strings.CutPrefix(got, before)
		amended, more := strings.CutSuffix(amended, behind)
		if !ok || !more {
			t.Fatalf("something is changed beside the document:\n%q\n%q", text, got)
		}
		kept := amended
		for _, c := range []byte(strings.Replace(document, "\nspec: {}", "\nspec:", 1)) {
			i := strings.IndexByte(kept, c)
			if i < 0 {
				t.Fatalf("something is gone from\n%q\nin\n%q", document, amended)
			}
			kept = kept[i+1:]
		}
		if n := strings.Count(got, "\n"); strings.Contains(text, "\r") && strings.Count(got, "\r\n") != n || !strings.Contains(text, "\r") && strings.Contains(got, "\r") {
			t.Fatalf("lines end otherwise:\n%q\n%q", text, got)
		}
	})
	if min(inBrackets, inLines, crlf, two) < 10 {
		t.Errorf("%d in brackets, %d in lines, %d with CRLF, %d of two: too few to tell", inBrackets, inLines, crlf, two)
	}
}

// values are what the documents of a file say.
func values(t interface{ Fatalf(string, ...any) }, text string) []any {
	var all []any
	for r := yaml.NewDecoder(bytes.NewReader([]byte(text))); ; {
		var v any
		err := r.Decode(&v)
		if err != nil {
			if err.Error() != "EOF" {
				t.Fatalf("%v:\n%s", err, text)
			}
			return all
		}
		all = append(all, v)
	}
}

// drawing writes documents in the ways in which people do, and in some in which nobody does.
type drawing struct{ t *rapid.T }

func (d drawing) coin(name string) bool { return rapid.Bool().Draw(d.t, name) }

func (d drawing) one(of ...string) string { return rapid.SampledFrom(of).Draw(d.t, "one") }

func (d drawing) document() string {
	if rapid.IntRange(0, 9).Draw(d.t, "braces") == 0 {
		return fmt.Sprintf("{kind: NetworkIntent, metadata: {name: é}, spec: %s}%s\n", d.spec(), d.one("", "  # }"))
	}
	head := d.one("", "# first\n", "\n") + "kind: NetworkIntent\nmetadata: {name: x}\n"
	tail := d.one("", "status: {}\n", "# end\n", "\n")
	if d.coin("a spec in braces") {
		return head + "spec: " + d.spec() + d.one("", " ", "  # }") + "\n" + tail
	}
	indent := d.one("  ", "    ")
	fields := rapid.Permutation([]string{"inbound", "ports", "dns", "selector"}).Draw(d.t, "fields")
	text := "spec:" + d.one("", "  # spec: {}") + "\n"
	for _, f := range fields[:rapid.IntRange(1, 4).Draw(d.t, "how many")] {
		switch f {
		case "inbound":
			text += d.lines(indent, "inbound", "- ", d.one(indent, indent+"  "))
		case "ports":
			text += d.lines(indent, "ports", "", indent+"  ")
		case "dns":
			text += indent + "dns: " + d.one("false", "|\n"+indent+"  # no\n"+indent+"   comment", "\"]\n  '}\"") + "\n"
		default:
			text += indent + "selector: {app: 'it''s ]'}\n"
		}
	}
	return head + text + tail
}

// spec is one in braces, which may be empty.
func (d drawing) spec() string {
	switch d.one("nothing", "a word", "inbound", "ports") {
	case "nothing":
		return "{}"
	case "a word":
		return d.brackets("{", []string{"dns: false", `why: "}"`}, "}")
	case "inbound":
		return d.brackets("{", []string{"dns: false", "inbound: " + d.brackets("[", []string{"{from: a}", "b"}, "]")}, "}")
	}
	return d.brackets("{", []string{"ports: " + d.brackets("{", []string{"a: 1", "b: '}'"}, "}"), "dns: false"}, "}")
}

// brackets writes some entries in one line or in several, with or without a last comma.
func (d drawing) brackets(open string, entries []string, closing string) string {
	entries = entries[:rapid.IntRange(1, len(entries)).Draw(d.t, "entries")]
	if rapid.IntRange(0, 3).Draw(d.t, "empty") == 0 && open == "[" {
		return open + d.one("", " ", "\n    ", "  # ]\n    ") + closing
	}
	text := open
	for i, e := range entries {
		text += d.one("", " ", "\n      ", "  # ] }\n      ") + e
		if i+1 < len(entries) {
			text += d.one(",", ", ", " , ") + d.one("", " # ,\n   ")
		}
	}
	return text + d.one("", "", ",", ", ", ",\n     ", "\n    ", "  # ,]\n    ", ",  # ]\n    ") + closing
}

// lines writes a list, or a mapping, in lines of its own or between brackets.
func (d drawing) lines(indent, key, dash, inner string) string {
	if d.coin("brackets") {
		if dash == "" {
			return indent + key + ": " + d.brackets("{", []string{"a: 1", "b: '}'"}, "}") + d.one("", "  # }") + "\n"
		}
		return indent + key + ": " + d.brackets("[", []string{"{from: a}", "b"}, "]") + d.one("", "  # ]") + "\n"
	}
	text := indent + key + ":\n"
	for i := range rapid.IntRange(1, 3).Draw(d.t, "items") {
		text += d.one("", "", "\n", inner+"# a comment\n", "# another\n")
		if dash == "" {
			text += fmt.Sprintf("%sp%d: ", inner, i)
			text += d.one("1", "'80'", "{a: 1,\n b: 2}", "|\n"+inner+"  # 1\n"+inner+"  2") + "\n"
			continue
		}
		text += inner + dash + d.one("{from: a}", "from: b\n"+inner+"  ports: [c]", "{from: a,\nports: [b]}  # ]",
			"why: |\n"+inner+"    a\n\n"+inner+"    # b", "why: >+\n"+inner+"    a\n\n", "why: two\n"+inner+"    words", "why: 'it''s\n a word'", "- a\n"+inner+"  - b", "é: \"\\\"]\"") + "\n"
	}
	return text
}
