package report

import (
	"bytes"
	"strings"
	"testing"

	"portcullis.dev/compiler/delta"
	"portcullis.dev/compiler/reach"
)

// TestEveryFormatIsHadOrRefused: what one command writes, each other one writes too, or says why
// not, and no reason is given for what there is.
func TestEveryFormatIsHadOrRefused(t *testing.T) {
	t.Parallel()
	lookups := map[string]func(string) error{
		ofFindings:    func(name string) error { _, err := Lookup(name); return err },
		ofAnswers:     func(name string) error { _, err := LookupAnswers(name); return err },
		ofMaps:        func(name string) error { _, err := LookupMap(name); return err },
		ofDifferences: func(name string) error { _, err := LookupDiff(name); return err },
	}
	var names []string
	for _, f := range Formats {
		names = append(names, f.Name)
	}
	for _, f := range AnswerFormats {
		names = append(names, f.Name)
	}
	for _, f := range MapFormats {
		names = append(names, f.Name)
	}
	for _, f := range DiffFormats {
		names = append(names, f.Name)
	}
	for of, lookup := range lookups {
		for _, name := range names {
			why, refuses := refused[of][name]
			switch err := lookup(name); {
			case err == nil && refuses:
				t.Errorf("%s has the format %s, and there is a reason why not", of, name)
			case err != nil && (!refuses || !strings.Contains(err.Error(), why)):
				t.Errorf("%s as %s is refused without a reason: %v", of, name, err)
			}
		}
	}
}

// TestRisksAreFindings: each risk of a difference is one finding, at a line that is there now,
// with a fingerprint of its own that outlives its place; and so is what was not compared.
func TestRisksAreFindings(t *testing.T) {
	t.Parallel()
	_, d := trafficOf("x")
	d.Undecided = []string{"too much of it"}
	d.New.Failed = 2
	r := risksOf(d, DiffOptions{})
	if n := len(d.Risks()) + 2; len(r.Findings) != n || len(r.Rules) != len(delta.Risks)+2 {
		t.Errorf("%d findings of %d rules, expected %d", len(r.Findings), len(r.Rules), n)
	}
	seen := map[string]bool{}
	for _, f := range r.Findings {
		if seen[f.Fingerprint] {
			t.Errorf("%s: the fingerprint of another finding", f.Message)
		}
		seen[f.Fingerprint] = true
	}
	for i := range d.Changes {
		for j := range d.Changes[i].Because {
			d.Changes[i].Because[j].Line += 7
		}
	}
	for _, f := range risksOf(d, DiffOptions{}).Findings {
		if !seen[f.Fingerprint] {
			t.Errorf("%s: another fingerprint at another line", f.Message)
		}
	}
	for _, c := range []struct {
		fails    func(delta.Risk) bool
		failures string
	}{
		{nil, `failures="1"`}, // what was not compared
		{func(r delta.Risk) bool { return r.Level == delta.High }, `failures="2"`},
		{func(r delta.Risk) bool { return r.Tag == "no-such" }, `failures="1"`},
	} {
		var b bytes.Buffer
		if err := writeTo(&b, "junit", d, DiffOptions{Fails: c.fails}); err != nil || !strings.Contains(b.String(), c.failures) {
			t.Errorf("expected %s: %v\n%s", c.failures, err, b.String())
		}
	}
	for side, line := range map[string]int32{"old": 0, "new": 3} {
		if at := placeOf([]reach.Source{{Side: side, File: "a.yaml", Line: 3}}); at.Start.Line != line {
			t.Errorf("what the %s side means is at line %d, expected %d", side, at.Start.Line, line)
		}
	}
}

func writeTo(b *bytes.Buffer, format string, d *delta.Diff, o DiffOptions) error {
	f, err := LookupDiff(format)
	if err != nil {
		return err
	}
	return WriteDiff(b, f, d, o)
}
