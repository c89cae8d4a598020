package compiler

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/policies/diag"
)

// example is a block of YAML in a page, and the file that it says it is.
var example = regexp.MustCompile("(?s)```yaml\n# (\\S+\\.yaml)\n(.*?)```\n")

// TestLanguagePage compiles the examples of docs/language.md as one repository, with
// what they refer to and do not show from testdata/language.
func TestLanguagePage(t *testing.T) {
	t.Parallel()
	built, err := Build(t.Context(), languagePage(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range built.Report.Findings {
		if d.WaivedBy == "" && d.Severity > diag.Info {
			t.Errorf("%s: %s [%s]", d.Span, d.Message, d.Rule.Code)
		}
	}
	if len(built.Environments) != 4 {
		t.Errorf("built %d environments, want 4", len(built.Environments))
	}
}

// languagePage are the files of that repository.
func languagePage(t *testing.T) []language.File {
	t.Helper()
	page, err := os.ReadFile("../docs/language.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := example.FindAllStringSubmatch(string(page), -1)
	if all := strings.Count(string(page), "```yaml"); len(blocks) != all || all < 8 {
		t.Fatalf("%d of the page's %d blocks name their file", len(blocks), all)
	}
	files, found, err := sources.ReadTree("testdata/language", sources.DefaultLimits())
	if err != nil || len(found) > 0 {
		t.Fatal(err, found.Err())
	}
	for _, b := range blocks {
		files = append(files, language.File{Path: b[1], Data: []byte(b[2])})
	}
	return files
}
