package report_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis.dev/ci/report"
	"portcullis.dev/policies/diag"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// reports are what every format must be able to write.
func reports() map[string]diag.Report {
	return map[string]diag.Report{
		"edges": diag.NewReport(edges(), []*diag.Rule{ruleSpelling, ruleHalf, ruleNote, ruleSilent}, sources),
		"clean": diag.NewReport(nil, []*diag.Rule{ruleSpelling}, nil),
		"tests": tested(),
		"many":  many(),
	}
}

// TestGolden writes the list of every edge, and the empty one, in every format of
// the table. A format without golden files fails.
func TestGolden(t *testing.T) {
	t.Parallel()
	reports := reports()
	var expected []string
	check := func(name string, f report.Format, r diag.Report, o report.Options) {
		expected = append(expected, name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compare(t, filepath.Join("testdata", name), write(t, f, r, o))
		})
	}
	for _, f := range report.Formats {
		for name, r := range reports {
			check(name+"."+f.Name, f, r, report.Options{Judged: true})
		}
	}
	text, err := report.Lookup("text")
	if err != nil {
		t.Fatal(err)
	}
	check("edges.text.full", text, reports["edges"], report.Options{Full: true})
	check("edges.text.color", text, reports["edges"], report.Options{Color: true, Full: true})
	check("tests.text.color", text, reports["tests"], report.Options{Color: true})
	check("edges.text.narrow", text, reports["edges"], report.Options{Width: 60, Full: true})
	check("many.text.narrow", text, reports["many"], report.Options{Width: 60, Judged: true})
	check("many.text.notjudged", text, reports["many"], report.Options{Judged: true, NotJudged: true, Narrow: report.Narrow{Rules: []string{"PC904"}}})

	files, err := filepath.Glob("testdata/*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !slices.Contains(expected, filepath.Base(file)) {
			t.Errorf("%s belongs to no format", file)
		}
	}
}

func write(t *testing.T, f report.Format, r diag.Report, o report.Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write(&b, f, r, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func compare(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got); -update rewrites it:\n%s", file, diff)
	}
}

func TestOrderOfTheInputChangesNothing(t *testing.T) {
	t.Parallel()
	rules := []*diag.Rule{ruleSpelling, ruleHalf, ruleNote, ruleSilent}
	reversed, reversedRules := edges(), slices.Clone(rules)
	slices.Reverse(reversed)
	slices.Reverse(reversedRules)
	for _, f := range report.Formats {
		a := write(t, f, diag.NewReport(edges(), rules, sources), report.Options{})
		b := write(t, f, diag.NewReport(reversed, reversedRules, sources), report.Options{})
		if diff := cmp.Diff(string(a), string(b)); diff != "" {
			t.Errorf("%s depends on the order of its input:\n%s", f.Name, diff)
		}
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	for _, f := range report.Formats {
		found, err := report.Lookup(f.Name)
		if err != nil || found.Name != f.Name || found.Description != f.Description {
			t.Errorf("Lookup(%q) = %q, %v", f.Name, found.Name, err)
		}
		if f.Description == "" || strings.HasSuffix(f.Description, ".") {
			t.Errorf("%s: a description is a clause without a full stop, not %q", f.Name, f.Description)
		}
	}
	_, err := report.Lookup("txet")
	if err == nil {
		t.Fatal("an unknown format was found")
	}
	for _, f := range report.Formats {
		if !strings.Contains(err.Error(), f.Name) {
			t.Errorf("%q does not name %s", err, f.Name)
		}
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestWriterErrorsReachTheCaller(t *testing.T) {
	t.Parallel()
	for _, f := range report.Formats {
		if err := report.Write(brokenPipe{}, f, diag.NewReport(edges(), nil, sources), report.Options{}); err == nil {
			t.Errorf("%s: a failed write went unnoticed", f.Name)
		}
	}
}
