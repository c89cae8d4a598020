package resolve_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/resolve"
	"portcullis.dev/policies/diag"
)

// FuzzPlans: what can be read is resolved without a panic, with findings that have a rule,
// a reason to be told, and places that exist. It begins with the repository of each rule,
// all of whose documents stand in one file.
func FuzzPlans(f *testing.F) {
	archives, err := filepath.Glob("../../testdata/rules/*.txtar")
	if err != nil || len(archives) == 0 {
		f.Fatal("there are no archives of rules", err)
	}
	readable := 0
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		var documents []string
		for _, file := range archive.Files {
			if language.Ours(language.File{Path: file.Name, Data: file.Data}) && strings.HasPrefix(file.Name, "wrong/") {
				documents = append(documents, string(file.Data))
			}
		}
		data := []byte(strings.Join(documents, "---\n"))
		if _, found := language.Parse([]language.File{{Path: language.PlatformFile, Data: data}}); !found.Failed() {
			readable++
		}
		f.Add(data)
	}
	if readable < 40 {
		f.Fatalf("%d of the repositories can be read; the law hardly says anything", readable)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		repo, found := language.Parse([]language.File{{Path: language.PlatformFile, Data: data}})
		if found.Failed() {
			return
		}
		_, found = resolve.Plans(repo, options)
		lines := strings.Count(string(data), "\n") + 1
		for _, d := range found {
			if d.Rule == nil || d.Rule.Code == "" || d.Message == "" || d.Severity == 0 {
				t.Errorf("a finding without code, message or severity: %+v", d)
			}
			spans := []diag.Span{d.Span}
			for _, r := range d.Related {
				spans = append(spans, r.Span)
			}
			for _, e := range d.Fix {
				spans = append(spans, e.Span)
			}
			if i := slices.IndexFunc(spans, func(s diag.Span) bool {
				return s.File != language.PlatformFile || int(s.Start.Line) > lines || s.End.Compare(s.Start) < 0
			}); i >= 0 {
				t.Errorf("%s is told at %v, which does not exist", d.Message, spans[i])
			}
		}
	})
}
