package report_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"portcullis.dev/ci/report"
	"portcullis.dev/policies/diag"
	_ "portcullis.dev/testdata/seed"
)

// safe fails where a text could move a cursor, hide a character or start a command.
func safe(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Fatalf("not UTF-8: %q", text)
	}
	for line := range strings.Lines(text) {
		for _, r := range strings.TrimSuffix(line, "\n") {
			if unicode.In(r, unicode.C, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) || r != ' ' && unicode.Is(unicode.Zs, r) {
				t.Fatalf("%U in %q", r, line)
			}
		}
		if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") || strings.Contains(line, "##vso[") {
			t.Fatalf("a command to a build system: %q", line)
		}
	}
}

func TestEveryFormatIsInert(t *testing.T) {
	t.Parallel()
	for _, f := range report.Formats {
		for _, width := range []int{0, 40, 60, 80} {
			for _, got := range [][]byte{
				write(t, f, diag.NewReport(edges(), nil, sources), report.Options{Width: width, Full: width%40 == 0}),
				write(t, f, many(), report.Options{Width: width, Judged: true, NotJudged: width == 60}),
			} {
				if f.Name == "github" { // commands are what it is made of
					got = regexp.MustCompile(`(?m)^::(error|warning|notice) `).ReplaceAll(got, nil)
				}
				safe(t, string(got))
			}
		}
	}
}

// TestColourAddsNothingElse holds the coloured text against the plain one.
func TestColourAddsNothingElse(t *testing.T) {
	t.Parallel()
	f, err := report.Lookup("text")
	if err != nil {
		t.Fatal(err)
	}
	r := diag.NewReport(edges(), nil, sources)
	for _, full := range []bool{false, true} {
		plain, coloured := string(write(t, f, r, report.Options{Full: full})), string(write(t, f, r, report.Options{Full: full, Color: true}))
		stripped := strings.NewReplacer("\x1b[1;31m", "", "\x1b[1;33m", "", "\x1b[1;36m", "", "\x1b[1m", "", "\x1b[34m", "", "\x1b[0m", "").Replace(coloured)
		if plain == coloured {
			t.Error("colour was asked for and there is none")
		}
		if stripped != plain {
			t.Error("the coloured text says something else than the plain one")
		}
	}
}

func TestLastLine(t *testing.T) {
	t.Parallel()
	e, w, i := ruleSpelling.At(diag.Span{}, "e"), ruleHalf.At(diag.Span{}, "w"), ruleNote.At(diag.Span{}, "i")
	e2 := ruleSpelling.At(diag.Span{}, "e2")
	x := ruleSpelling.At(diag.Span{}, "x")
	x.WaivedBy, x.WaivedUntil = "somebody", "2027-01-01"
	f, err := report.Lookup("text")
	if err != nil {
		t.Fatal(err)
	}
	for want, list := range map[string]diag.List{
		"no findings":         nil,
		"1 error":             {e},
		"2 errors, 1 warning": {e, w, e2},
		"1 warning, 1 info":   {i, w},
		"1 waived: 1 PC101 somebody until 2027-01-01":                              {x},
		"2 errors, 1 warning, 1 info. 1 waived: 1 PC101 somebody until 2027-01-01": {x, i, w, e, e2},
	} {
		text := strings.TrimSuffix(string(write(t, f, diag.NewReport(list, nil, nil), report.Options{})), "\n")
		if got := text[strings.LastIndex(text, "\n")+1:]; got != want {
			t.Errorf("%d findings end in %q, not %q", len(list), got, want)
		}
	}
}

// TestCaretStandsUnderItsRune hides a needle in lines of tabs, escapes and runes of
// several bytes, and looks for the caret.
func TestCaretStandsUnderItsRune(t *testing.T) {
	t.Parallel()
	f, err := report.Lookup("text")
	if err != nil {
		t.Fatal(err)
	}
	hay := rapid.SampledFrom([]string{"a", "é", "ключ", "\t", " ", "\x1b", "\u202e", "\xff", "\u00a0", "##[", strings.Repeat("x", 100), strings.Repeat("\t", 30)})
	rapid.Check(t, func(t *rapid.T) {
		before := strings.Join(rapid.SliceOfN(hay, 0, 8).Draw(t, "before"), "")
		after := strings.Join(rapid.SliceOfN(hay, 0, 8).Draw(t, "after"), "")
		const needle = "NEEDLE"
		data := "first\n" + before + needle + after + "\r\nlast\n"
		column := utf8.RuneCountInString(before) + 1
		d := ruleNote.At(span("f", 2, column, 2, column+len(needle)), "here")
		var b strings.Builder
		o := report.Options{Width: rapid.SampledFrom([]int{0, 40, 100}).Draw(t, "width")}
		if err := report.Write(&b, f, diag.NewReport(diag.List{d}, nil, map[string][]byte{"f": []byte(data)}), o); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(b.String(), "\n")
		source, carets := []rune(lines[2]), []rune(lines[3])
		want := strings.Repeat(" ", utf8.RuneCountInString(lines[2][:strings.Index(lines[2], needle)])-3) + "^^^^^^"
		if got := strings.TrimPrefix(string(carets), "  |"); got != want {
			t.Fatalf("the carets are misplaced:\n%s\n%s", string(source), string(carets))
		}
		if len(source) > 1000 {
			t.Fatalf("%d columns are too many for a screen", len(source))
		}
	})
}

// FuzzText writes a finding with any texts at any span of any source.
func FuzzText(f *testing.F) {
	for file, data := range sources {
		if len(data) < 1000 {
			f.Add(file, data, "message", "why\nmore", 1, 3, 1, 9)
		}
	}
	f.Add("x", []byte("\x1b[31m\r\n\t\u202e"), "\x9b\n::error::", "a\n\n  ::b", 2, -5, 1, 0)
	f.Add("\u2028", []byte(strings.Repeat("\u0301", 300)), "##[group]", "\xff\xfe", 1, 200, 3, 1)
	f.Add(":", []byte(" "), "x", "y", -1, -1, -1, 9)
	f.Add("", []byte("0"), "", "", 39, 3, -21, 7)
	f.Add("x", []byte("😀😀\u3164"), ":", "##vso[", -1, 1<<40, 1<<50, 1<<60)
	format, err := report.Lookup("text")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, file string, data []byte, message, long string, line, column, endLine, endColumn int) {
		s := span(file, line, column, endLine, endColumn)
		d := ruleSpelling.At(s, "%s", message).Because("%s", long).Suggest("%s", long).See(s, "%s", message).Replace(s, long)
		d.WaivedBy, d.Environments = "by "+message, []string{long}
		d.Subject = diag.Subject{Object: diag.ObjectID{Kind: message, Namespace: file, Name: long}, Pointer: long}
		all := diag.List{d}
		for range 12 { // enough for a group
			d.WaivedBy = ""
			d.Span.Start.Line++
			all = append(all, d)
		}
		r := diag.NewReport(all, nil, map[string][]byte{file: data})
		r.Survey = &diag.Survey{NotJudged: []diag.NotJudged{{Reason: message, Count: column, Means: long, Examples: []string{file}, Help: long}}}
		for _, o := range []report.Options{{}, {Width: 1}, {Full: true}, {Full: true, Width: 1}, {Judged: true}, {NotJudged: true, Judged: true, Width: 1}} {
			text := string(write(t, format, r, o))
			safe(t, text)
			if !strings.Contains(text, "12 errors. 1 waived:") {
				t.Fatalf("the text does not say how many there are: %q", text[max(0, len(text)-400):])
			}
		}
	})
}
