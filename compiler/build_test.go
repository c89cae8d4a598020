package compiler

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/overlays"
	_ "portcullis.dev/testdata/seed"
)

// TestOrderOfFilesDoesNotMatter compiles the examples with their files in random
// orders: what is emitted is the same to the byte.
func TestOrderOfFilesDoesNotMatter(t *testing.T) {
	t.Parallel()
	type example struct {
		dir   string
		files []language.File
		want  overlays.Tree
	}
	var examples []example
	for _, dir := range repositories(t) {
		files, _, err := sources.ReadTree(dir, sources.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		examples = append(examples, example{dir, files, treeOf(t, files)})
	}
	rapid.Check(t, func(rt *rapid.T) {
		e := examples[rapid.IntRange(0, len(examples)-1).Draw(rt, "example")]
		var files []language.File
		for _, i := range shuffled(rt, len(e.files)) {
			files = append(files, e.files[i])
		}
		if diff := cmp.Diff(e.want, treeOf(rt, files)); diff != "" {
			rt.Fatalf("%s: the order of files shows (-sorted +shuffled):\n%s", e.dir, diff)
		}
	})
}

// TestNothingIsBuiltFromMistakes breaks each file of the demo in turn: no tree may
// come out, whatever stage notices.
func TestNothingIsBuiltFromMistakes(t *testing.T) {
	t.Parallel()
	files, _, err := sources.ReadTree("../examples/zero-trust-demo", sources.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	broken := 0
	for i, f := range files {
		if !language.Ours(f) {
			continue
		}
		broken++
		for what, text := range map[string]string{
			"a misspelt field": strings.Replace(string(f.Data), "metadata:", "metadate:", 1),
			"half a file":      string(f.Data[:len(f.Data)/2]) + "\n  ][",
		} {
			with := slices.Clone(files)
			with[i] = language.File{Path: f.Path, Data: []byte(text)}
			built, err := Build(t.Context(), with, nil)
			if err != nil {
				t.Fatalf("%s in %s: %v", what, f.Path, err)
			}
			if !built.Failed() || built.Tree != nil || built.Environments != nil {
				t.Errorf("%s in %s: something was built", what, f.Path)
			}
			if !built.Report.Findings.Unjudgeable() {
				t.Errorf("%s in %s: judged, although it could not be read", what, f.Path)
			}
		}
	}
	if broken == 0 {
		t.Fatal("the demo has no file to break")
	}
}

// TestLimits reads trees that are larger than what the caller allows.
func TestLimits(t *testing.T) {
	t.Parallel()
	ours := "apiVersion: portcullis.dev/v1alpha1\nkind: NetworkIntent\n"
	write := func(t *testing.T, files map[string]string) string {
		dir := t.TempDir()
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	for name, c := range map[string]struct {
		files  map[string]string
		limits sources.Limits
		fails  bool
		read   int
	}{
		"a large intent":          {map[string]string{"a.yaml": ours + strings.Repeat("#", 100), "b.yaml": ours}, sources.Limits{FileBytes: 100, TotalBytes: 1000, Files: 10}, true, 1},
		"a large file of others":  {map[string]string{"a.yaml": strings.Repeat("#", 101), "b.yaml": ours}, sources.Limits{FileBytes: 100, TotalBytes: 1000, Files: 10}, false, 1},
		"too much in all":         {map[string]string{"a.yaml": ours, "b.yaml": ours}, sources.Limits{FileBytes: 100, TotalBytes: 80, Files: 10}, true, 1},
		"too many files":          {map[string]string{"a.yaml": "", "b.yaml": "", "c.yaml": ""}, sources.Limits{FileBytes: 100, TotalBytes: 100, Files: 2}, true, 2},
		"exactly what is allowed": {map[string]string{"a.yaml": strings.Repeat("#", 100), "b.yaml": ""}, sources.Limits{FileBytes: 100, TotalBytes: 100, Files: 2}, false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files, found, err := sources.ReadRepository(write(t, c.files), c.limits)
			if err != nil {
				t.Fatal(err)
			}
			if found.Failed() != c.fails || len(files) != c.read {
				t.Errorf("read %d files and found %v, want %d files and failed=%v", len(files), found.Err(), c.read, c.fails)
			}
			for _, d := range found {
				if d.Rule.Code != "PC015" || d.Span.File == "" {
					t.Errorf("found %s at %q", d.Rule.Code, d.Span.File)
				}
			}
			if c.read < len(c.files) && len(found) == 0 {
				t.Error("a file was left out in silence")
			}
		})
	}
}

// TestOutputNamesNoPlace builds the demo from two places: no path may show.
func TestOutputNamesNoPlace(t *testing.T) {
	t.Parallel()
	const demo = "../examples/zero-trust-demo"
	want := buildExample(t, demo)
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.CopyFS(elsewhere, os.DirFS(demo)); err != nil {
		t.Fatal(err)
	}
	got := buildExample(t, elsewhere)
	if !maps.EqualFunc(want.Tree, got.Tree, func(a, b []byte) bool { return string(a) == string(b) }) {
		t.Error("the tree depends on where it was built")
	}
	for name, data := range got.Tree {
		if strings.Contains(string(data), "elsewhere") {
			t.Errorf("%s names the place that it was built in", name)
		}
	}
}

// BenchmarkBuildDemo is the whole build of the demo in one process: reading,
// resolving, rendering, judging.
func BenchmarkBuildDemo(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		buildExample(b, "../examples/zero-trust-demo")
	}
}
