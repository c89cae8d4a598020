package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	examples "portcullis.dev/testdata/rules"
)

// TestRulePagesShowTheirExamples: every archive gives its rule's page one finding,
// of that rule, whole.
func TestRulePagesShowTheirExamples(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("../../testdata/rules/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		code := strings.TrimSuffix(filepath.Base(name), ".txtar")
		archive, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		finding := examples.Finding(code)
		headline, rest, _ := strings.Cut(finding, "\n")
		if !strings.Contains(headline, " "+code+": ") || strings.TrimSpace(rest) == "" || !strings.Contains(string(archive), finding+"\n") {
			t.Errorf("%s: the page shows %q", code, finding)
		}
		for line := range strings.Lines(rest) {
			if strings.Contains(line, ": error PC") || strings.Contains(line, ": warning PC") || strings.HasPrefix(line, "-- ") {
				t.Errorf("%s: the page shows more than one finding: %q", code, line)
			}
		}
	}
	if got := examples.Finding("PC000"); got != "" {
		t.Errorf("a rule that is not there has the example %q", got)
	}
}
