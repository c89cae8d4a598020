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
	"portcullis.dev/policies/object"
)

// options are those of a run that may emit for both kinds of policy.
var options = resolve.Options{Targets: []string{"calico", "kubernetes"}}

// TestFixesMend applies every fix that the archives of rules show, each by itself:
// the finding is gone, and what is left still parses.
func TestFixesMend(t *testing.T) {
	t.Parallel()
	archives, err := filepath.Glob("../../testdata/rules/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("there are no archives of rules", err)
	}
	tried := 0
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var files []language.File
		for _, f := range archive.Files {
			if path, wrong := strings.CutPrefix(f.Name, "wrong/"); wrong {
				files = append(files, language.File{Path: path, Data: f.Data})
			}
		}
		for _, f := range judged(files) {
			if len(f.Fix) == 0 {
				continue
			}
			tried++
			mended := slices.Clone(files)
			for i := range mended {
				mended[i].Data = applied(t, mended[i], f.Fix)
			}
			for _, left := range judged(mended) {
				same := left.Rule == f.Rule && left.Message == f.Message && left.Span.File == f.Span.File && left.Span.Start == f.Span.Start
				if same || left.Is(object.NotYAML) && !f.Is(object.NotYAML) {
					t.Errorf("%s: mending %v %q leaves %v %q", filepath.Base(name), f.Span, f.Message, left.Span, left.Message)
				}
			}
		}
	}
	if tried < 20 {
		t.Errorf("%d fixes were tried; the law hardly says anything", tried)
	}
}

func judged(files []language.File) diag.List {
	repo, found := language.Parse(files)
	_, resolved := resolve.Plans(repo, options)
	return append(found, resolved...)
}

// applied returns the text of a file after the edits that concern it, the last ones first.
func applied(t *testing.T, f language.File, edits []diag.Edit) []byte {
	t.Helper()
	lines := strings.SplitAfter(strings.TrimPrefix(string(f.Data), "\ufeff"), "\n")
	offset := func(p diag.Position) int {
		at := 0
		for _, l := range lines[:p.Line-1] {
			at += len(l)
		}
		return at + len(string([]rune(lines[p.Line-1])[:p.Column-1]))
	}
	text := strings.Join(lines, "")
	edits = slices.SortedFunc(slices.Values(edits), func(a, b diag.Edit) int { return b.Span.Compare(a.Span) })
	for _, e := range edits {
		if e.Span.File == f.Path {
			text = text[:offset(e.Span.Start)] + e.NewText + text[offset(e.Span.End):]
		}
	}
	return []byte(text)
}
