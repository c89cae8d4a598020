package compiler

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis.dev/compiler/language"
	"portcullis.dev/testdata/fleet"
)

// TestCoresDoNotMatter builds a fleet, and one with mistakes in many files, on one core, on two
// and on eight: the bundles and the findings are the same. It is not parallel, for the cores are
// everybody's.
func TestCoresDoNotMatter(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	files := fleet.Size{Namespaces: 10, Environments: 2}.Files()
	wrong := maps.Clone(files)
	for i, name := range slices.Sorted(maps.Keys(files)) {
		if i%3 == 0 && name != language.PlatformFile {
			wrong[name] = strings.Replace(files[name], "inbound:", []string{"inbounds:", "inbound: nobody", "inbound: {"}[i/3%3], 1)
		}
	}
	alone := fleet.Size{Namespaces: 10, Environments: 1}.Files()
	for name, texts := range map[string]map[string]string{"sound": files, "alone": alone, "wrong": wrong} {
		var first string
		for _, cores := range []int{1, 2, 8} {
			runtime.GOMAXPROCS(cores)
			got := builtText(t, texts)
			if first == "" {
				first = got
			}
			if got != first {
				t.Errorf("%s: %d cores show (-one +more):\n%s", name, cores, cmp.Diff(first, got))
			}
		}
		if failed := strings.Contains(first, "error"); failed != (name == "wrong") {
			t.Errorf("%s: %.400s", name, first)
		}
	}
}

// builtText is all that comes of a build, as one text.
func builtText(t *testing.T, texts map[string]string) string {
	t.Helper()
	var files []language.File
	for name, text := range texts {
		files = append(files, language.File{Path: name, Data: []byte(text)})
	}
	built, err := Build(context.Background(), files, nil)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, d := range built.Report.Findings {
		fmt.Fprintf(&b, "%s %s %s: %s %v\n", d.Span, d.Severity, d.Rule.Code, d.Message, d.Environments)
	}
	for _, path := range built.Tree.Paths() {
		fmt.Fprintf(&b, "%s\n%s\n", path, built.Tree[path])
	}
	return b.String()
}
