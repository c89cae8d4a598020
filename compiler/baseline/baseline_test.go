package baseline_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"portcullis.dev/compiler/baseline"
	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
	_ "portcullis.dev/testdata/seed"
)

var rules = []*diag.Rule{
	{Code: "PC203", Severity: diag.Error}, {Code: "PC201", Severity: diag.Error}, {Code: "PC312", Severity: diag.Warning},
	{Code: "PC308", Severity: diag.Error}, {Code: "PC028", Severity: diag.Warning}, {Code: "PC010", Severity: diag.Error},
	{Code: "PC501", Severity: diag.Error}, {Code: "PC901", Severity: diag.Info},
}

// names are such as people give to files and objects, and such as nobody should.
var names = []string{"web", "y", "1e3", "0x10", "a: b # c", "{x}", "ü", "\x1b[2J", "\u202eevil", "- ", "", "tab\there", "a\nb", "\xff"}

var findingGen = rapid.Custom(func(t *rapid.T) diag.Diagnostic {
	name := rapid.SampledFrom(names)
	d := diag.Diagnostic{
		Rule: rapid.SampledFrom(rules).Draw(t, "rule"), Message: name.Draw(t, "message") + strings.Repeat("long ", rapid.SampledFrom([]int{0, 0, 60}).Draw(t, "long")),
		Span: diag.Span{File: name.Draw(t, "file"), Start: diag.At(rapid.IntRange(1, 9).Draw(t, "line"), 1)},
	}
	d.Severity = d.Rule.Severity
	if rapid.Bool().Draw(t, "object") {
		d.Subject.Object = diag.ObjectID{Kind: "NetworkPolicy", Namespace: "shop", Name: name.Draw(t, "name")}
	}
	if rapid.Bool().Draw(t, "port") {
		d = d.Testify(diag.PortEvidence, name.Draw(t, "value"))
	}
	if rapid.IntRange(0, 5).Draw(t, "waived") == 0 {
		d.WaivedBy = "legacy"
	}
	return d
})

func everywhere(string) bool { return true }

type failer interface{ Fatalf(string, ...any) }

func written(t failer, found diag.List) []byte {
	text, err := baseline.Write(found)
	if err != nil {
		t.Fatalf("nothing is written: %v", err)
	}
	return text
}

func read(t failer, text []byte) baseline.Known {
	known, found := baseline.Read(language.File{Path: "known.yaml", Data: text})
	if len(found) > 0 {
		t.Fatalf("what was written is not read: %v in\n%s", found.Err(), text)
	}
	return known
}

// TestKnowsWhatItWrote: all that may be known is known, all else stands, nothing is gone. Neither
// the order of findings nor their lines make other bytes, and fmt has nothing to change.
func TestKnowsWhatItWrote(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		found := diag.List(rapid.SliceOfN(findingGen, 0, 8).Draw(t, "found"))
		text := written(t, found)
		known := read(t, text)
		marked := known.Mark(found, everywhere)
		for i, d := range marked {
			if i >= len(found) || (d.KnownBy == "known.yaml") != baseline.Knowable(found[i]) {
				t.Fatalf("%s %q is known by %q\n%s", d.Rule.Code, d.Message, d.KnownBy, text)
			}
		}
		formatted, mistakes, err := language.Format(language.File{Path: "known.yaml", Data: text})
		if err != nil || len(mistakes) > 0 || !bytes.Equal(formatted, text) {
			t.Fatalf("fmt makes of it (%v, %v):\n%s\nof\n%s", mistakes, err, formatted, text)
		}
		other := slices.Clone(found)
		slices.Reverse(other)
		for i := range other {
			other[i].Span.Start.Line += 7
		}
		if again := written(t, other); !bytes.Equal(text, again) {
			t.Fatalf("further down it is\n%s\nand was\n%s", again, text)
		}
	})
}

// TestOneMoreIsNew: of findings that are alike, those that are more than were known stand, and of
// those that are fewer the rest is told, once.
func TestOneMoreIsNew(t *testing.T) {
	t.Parallel()
	at := func(file string, line int) diag.Diagnostic {
		return rules[0].At(diag.Span{File: file, Start: diag.At(line, 1)}, "open")
	}
	graver := at("a", 1)
	graver.Severity = diag.Error
	milder := graver
	milder.Severity = diag.Warning
	unread := rules[5].At(diag.Span{File: "z"}, "not read")
	for name, c := range map[string]struct {
		before, after diag.List
		stand         []string // file and line
		gone          []string
	}{
		"the same":              {diag.List{at("a", 1)}, diag.List{at("a", 9)}, nil, nil},
		"moved to another file": {diag.List{at("a", 1)}, diag.List{at("b", 1)}, nil, nil},
		"one more":              {diag.List{at("a", 1)}, diag.List{at("a", 1), at("a", 2)}, []string{"a:2:1"}, nil},
		"one more elsewhere":    {diag.List{at("b", 1)}, diag.List{at("a", 1), at("b", 1)}, []string{"a:1:1"}, nil},
		"one of two":            {diag.List{at("a", 1), at("a", 2)}, diag.List{at("a", 2)}, nil, []string{"known, and not found any more: 1 of 2 times PC203 (open)"}},
		"none":                  {diag.List{at("a", 1), at("a", 2)}, nil, nil, []string{"known, and not found any more: PC203 (open)"}},
		"graver than it was":    {diag.List{milder}, diag.List{graver}, []string{"a:1:1"}, []string{"known, and not found any more: PC203 (open)"}},
		"milder than it was":    {diag.List{graver}, diag.List{milder}, nil, nil},
		"none can be said":      {diag.List{at("a", 1)}, diag.List{unread}, []string{"z"}, nil},
		"nobody looked":         {diag.List{at("elsewhere", 1)}, nil, nil, nil},
	} {
		marked := read(t, written(t, c.before)).Mark(c.after, func(file string) bool { return file != "elsewhere" })
		var stand, gone []string
		for _, d := range marked {
			switch {
			case d.Rule.Code == "PC510":
				gone = append(gone, d.Message)
				if d.Span.File != "known.yaml" || !d.Span.HasPosition() {
					t.Errorf("%s: what is gone is told at %s", name, d.Span)
				}
			case d.Stands():
				stand = append(stand, d.Span.String())
			}
		}
		if !slices.Equal(stand, c.stand) || !slices.Equal(gone, c.gone) {
			t.Errorf("%s: %v stand and %v are gone, expected %v and %v", name, stand, gone, c.stand, c.gone)
		}
	}
}

// TestNobodyKnows holds what may be known to the promise that no mistake in the input, nothing
// undecided and no governance is among it.
func TestNobodyKnows(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bool{"PC203": true, "PC901": true, "PC312": true, "PC308": false, "PC028": false, "PC010": false, "PC501": false} {
		i := slices.IndexFunc(rules, func(r *diag.Rule) bool { return r.Code == code })
		if got := baseline.Knowable(rules[i].At(diag.Span{}, "x")); got != want {
			t.Errorf("%s may be known: %v", code, got)
		}
	}
}

// TestReadRefuses: a number of findings is one at least.
func TestReadRefuses(t *testing.T) {
	t.Parallel()
	text := string(written(t, diag.List{rules[0].At(diag.Span{File: "a"}, "x")})) + "    count: 0\n"
	known, found := baseline.Read(language.File{Path: "known.yaml", Data: []byte(text)})
	if !found.Failed() || found[0].Span.String() != "known.yaml:10:12" {
		t.Errorf("%v", found)
	}
	if marked := known.Mark(diag.List{rules[0].At(diag.Span{File: "a"}, "x")}, everywhere); !marked[0].Stands() {
		t.Error("a file with a mistake excuses findings")
	}
}
