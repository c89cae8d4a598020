package report_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"portcullis.dev/ci/report"
	"portcullis.dev/policies/diag"
	_ "portcullis.dev/testdata/seed"
)

func lookup(t interface {
	Helper()
	Fatal(...any)
}, name string) report.Format {
	t.Helper()
	f, err := report.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func textOf(t interface {
	Helper()
	Fatal(...any)
}, format string, r diag.Report, o report.Options) string {
	t.Helper()
	var b strings.Builder
	if err := report.Write(&b, lookup(t, format), r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var code = regexp.MustCompile(`PC[0-9]{3}`)

// manyGen draws reports of any number of rules, causes and places.
var manyGen = rapid.Custom(func(t *rapid.T) diag.Report {
	var all diag.List
	rules := rapid.IntRange(1, 70).Draw(t, "rules")
	most := rapid.SampledFrom([]int{1, 3, 12}).Draw(t, "most")
	for r := range rules {
		rule := &diag.Rule{Code: fmt.Sprintf("PC%d", 200+r), Title: "A title", Why: "Why.", Mend: "Mend.",
			Severity: rapid.SampledFrom([]diag.Severity{diag.Info, diag.Warning, diag.Error}).Draw(t, "severity")}
		for cause := range rapid.IntRange(1, most).Draw(t, "causes") {
			for i := range rapid.IntRange(1, most).Draw(t, "places") {
				d := rule.At(span(fmt.Sprintf("f%d.yaml", i), 1+cause, 1), "message %d", i).CausedBy(fmt.Sprint("cause ", cause))
				if rapid.IntRange(0, 9).Draw(t, "waived") == 0 {
					d.WaivedBy, d.WaivedUntil = "somebody", "2027-01-01"
				}
				all = append(all, d)
			}
		}
	}
	return diag.NewReport(all, nil, nil)
})

// TestBriefShowsEveryCode: whatever there is, fifty lines show each rule that stands, or one
// line each where there are more rules, the gravest first.
func TestBriefShowsEveryCode(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := manyGen.Draw(t, "report")
		standing := map[string]diag.Severity{}
		for _, d := range r.Findings {
			if d.WaivedBy == "" {
				standing[d.Rule.Code] = d.Severity
			}
		}
		shown := map[string]bool{}
		last, lines := diag.Error, 0
		for line := range strings.Lines(textOf(t, "brief", r, report.Options{})) {
			if c := code.FindString(line); c != "" && !strings.HasPrefix(line, "  ") && !strings.Contains(line, "waived: ") {
				shown[c] = true
				if lines++; standing[c] > last {
					t.Fatalf("%s of severity %s stands below %s", c, standing[c], last)
				}
				last = standing[c]
			}
		}
		if diff := cmp.Diff(diag.SortedKeys(standing), diag.SortedKeys(shown)); diff != "" {
			t.Fatalf("codes that stand, and that are shown:\n%s", diff)
		}
		if lines > max(50, len(standing)) {
			t.Fatalf("%d lines for %d rules", lines, len(standing))
		}
	})
}

// TestGroupsCountEveryFinding: what the text shows and what it says that it does not show come
// to all findings, and so do the numbers of the table.
func TestGroupsCountEveryFinding(t *testing.T) {
	t.Parallel()
	more, table := regexp.MustCompile(`^    and ([0-9]+) more$`), regexp.MustCompile(`PC[0-9]{3} (?:error|warning|info) +([0-9]+) in`)
	rapid.Check(t, func(t *rapid.T) {
		r := manyGen.Draw(t, "report")
		standing := 0
		for _, d := range r.Findings {
			if d.WaivedBy == "" {
				standing++
			}
		}
		told, tabled := 0, 0
		number := func(text string) (n int) {
			_, _ = fmt.Sscan(text, &n)
			return n
		}
		for line := range strings.Lines(textOf(t, "text", r, report.Options{})) {
			line = strings.TrimSuffix(line, "\n")
			switch m := more.FindStringSubmatch(line); {
			case m != nil:
				told += number(m[1])
			case strings.HasPrefix(line, "f") || strings.HasPrefix(line, "    f"):
				told++
			}
			for _, m := range table.FindAllStringSubmatch(line, -1) {
				tabled += number(m[1])
			}
		}
		if told != standing || standing > 10 && tabled != standing {
			t.Fatalf("%d findings stand, %d are told, and %d stand in the table", standing, told, tabled)
		}
		full := textOf(t, "text", r, report.Options{Full: true})
		if n := strings.Count(full, ": message "); n != len(r.Findings) {
			t.Fatalf("in full there are %d of %d findings", n, len(r.Findings))
		}
	})
}

// TestPage holds what is told of many findings, and the closing block, to eighty columns.
func TestPage(t *testing.T) {
	t.Parallel()
	for _, o := range []report.Options{{Judged: true}, {Judged: true, NotJudged: true}} {
		for _, format := range []string{"text", "brief"} {
			for line := range strings.Lines(textOf(t, format, many(), o)) {
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 && !strings.HasPrefix(line, "shop/") {
					t.Errorf("%s has %d columns: %s", format, n, line)
				}
			}
		}
	}
}

// TestNarrow: what is left out is gone from each format, and counts in each.
func TestNarrow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		narrow report.Narrow
		total  string
		number int
	}{
		{report.Narrow{Rules: []string{"PC312"}}, "33 of 48 findings: 33 warnings", 33},
		{report.Narrow{Severity: diag.Error, Rules: []string{"PC101", "PC312"}}, "5 of 48 findings: 5 errors", 5},
		{report.Narrow{Severity: diag.Warning}, "44 of 48 findings: 11 errors, 33 warnings. 3 waived:", 47},
		{report.Narrow{In: func(file string) bool { return file == "shop/other-0.yaml" }}, "1 of 48 findings: 1 warning", 1},
		{report.Narrow{Rules: []string{"PC999"}}, "0 of 48 findings", 0},
	} {
		for _, format := range []string{"text", "brief"} {
			if text := textOf(t, format, many(), report.Options{Narrow: c.narrow}); !slices.Contains(strings.Split(text, "\n"), c.total) {
				t.Errorf("%s does not say %q:\n%s", format, c.total, text)
			}
		}
		var back struct {
			Findings []struct{ Rule string }
			Summary  struct{ Errors, Warnings, Infos, Waived int }
		}
		if err := json.Unmarshal([]byte(textOf(t, "json", many(), report.Options{Narrow: c.narrow})), &back); err != nil {
			t.Fatal(err)
		}
		if len(back.Findings) != c.number || back.Summary.Errors != 11 || back.Summary.Warnings != 33 || back.Summary.Waived != 3 {
			t.Errorf("JSON has %d findings, expected %d, and the summary %v", len(back.Findings), c.number, back.Summary)
		}
	}
	if text := textOf(t, "text", diag.NewReport(nil, nil, nil), report.Options{Narrow: report.Narrow{Severity: diag.Error}}); text != "no findings\n" {
		t.Errorf("nothing was found, and the text is %q", text)
	}
}

// TestSurvey: a text ends in what was judged if it is asked to; JSON always says it.
func TestSurvey(t *testing.T) {
	t.Parallel()
	r := diag.NewReport(nil, nil, nil)
	r.Survey = &diag.Survey{Workloads: 1, Policies: 1, Namespaces: 1, Environments: 1}
	for format, want := range map[string]string{
		"text":  "no findings\n\njudged      1 workload and 1 policy in 1 namespace\n",
		"brief": "no findings\n\njudged      1 workload and 1 policy in 1 namespace\n",
	} {
		if got := textOf(t, format, r, report.Options{Judged: true}); got != want {
			t.Errorf("%s: %q", format, got)
		}
		if got := textOf(t, format, r, report.Options{}); got != "no findings\n" {
			t.Errorf("%s, which was not asked: %q", format, got)
		}
	}
	for want, s := range map[string]diag.Survey{
		"judged      nothing\n":                     {},
		"judged      2 policies in 1 namespace\n":   {Policies: 2, Namespaces: 1},
		"judged      2 workloads in 2 namespaces\n": {Workloads: 2, Namespaces: 2},
		"judged      nothing\nnot judged  2 charts, 1 file that is no manifest\n            3 objects of a kind with a long name that nobody would call short\n            --not-judged lists them\n": {NotJudged: []diag.NotJudged{
			{Reason: "objects of a kind with a long name that nobody would call short", Count: 3, Examples: []string{"a"}},
			{Reason: "charts", Count: 2}, {Reason: "files that are no manifests", Count: 1}}},
		"judged      3 namespaces, 2 environments\n": {Namespaces: 3, Environments: 2},
	} {
		r.Survey = &s
		if got := textOf(t, "text", r, report.Options{Judged: true}); got != "no findings\n\n"+want {
			t.Errorf("%q, expected %q", got, want)
		}
	}
	var back struct {
		Coverage struct {
			Judged     map[string]int
			PassedOver []diag.NotJudged
		}
	}
	given := many()
	if err := json.Unmarshal([]byte(textOf(t, "json", given, report.Options{})), &back); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"workloads": 41, "policies": 27, "namespaces": 6, "environments": 4}
	if diff := cmp.Diff(want, back.Coverage.Judged); diff != "" {
		t.Error(diff)
	}
	for i, n := range given.Survey.NotJudged {
		n.Examples = n.Examples[:min(5, len(n.Examples))]
		if diff := cmp.Diff(n, back.Coverage.PassedOver[i]); diff != "" {
			t.Error(diff)
		}
	}
	if full := textOf(t, "text", given, report.Options{Judged: true, NotJudged: true}); !strings.Contains(full, `g\u{1b}.yaml`) || strings.Contains(full, "--not-judged") {
		t.Errorf("not all are listed:\n%s", full)
	}
}
