package scaffold_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"portcullis.dev/compiler"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/scaffold"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

var update = flag.Bool("update", false, "write golden files anew")

const mark = "#: "

// filesOf is a draft as the compiler reads it, each text changed by the function.
func filesOf(d scaffold.Draft, change func(string) string) []language.File {
	var files []language.File
	for _, name := range diag.SortedKeys(d.Files) {
		files = append(files, language.File{Path: name, Data: []byte(change(string(d.Files[name])))})
	}
	return files
}

func asWritten(text string) string { return text }

func withSuggestions(text string) string { return strings.ReplaceAll(text, mark, "") }

// clean fails where the compiler finds anything at all.
func clean(t *testing.T, files []language.File) {
	t.Helper()
	built, err := compiler.Build(t.Context(), files, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range built.Report.Findings {
		t.Errorf("%s: %s: %s", d.Span, d.Rule.Code, d.Message)
	}
}

// TestStart compiles the example as it is, with each of its alternatives alone, and
// with all of them.
func TestStart(t *testing.T) {
	t.Parallel()
	draft, err := scaffold.Start("My Repository")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(draft.Files[language.PlatformFile]), "{name: my-repository}") {
		t.Error("the Platform does not have the directory's name")
	}
	clean(t, filesOf(draft, asWritten))
	clean(t, filesOf(draft, withSuggestions))
	for _, name := range []string{"001", "no"} { // YAML reads them as something else
		draft, err := scaffold.Start(name)
		if err != nil {
			t.Fatal(err)
		}
		clean(t, filesOf(draft, asWritten))
	}
	alternatives := 0
	for name, data := range draft.Files {
		for block := range strings.SplitSeq(string(data), "\n\n") {
			if strings.Contains(block, mark) {
				alternatives++
				clean(t, filesOf(draft, func(text string) string { return strings.Replace(text, block, withSuggestions(block), 1) }))
			}
		}
		if strings.Contains(withSuggestions(string(data)), "#:") {
			t.Errorf("%s has a mark without a blank behind it", name)
		}
	}
	if alternatives < 5 {
		t.Errorf("%d alternatives were tried, expected 5 at least", alternatives)
	}
}

// TestFrom holds drafts to their goldens, and to the compiler: as they are, and with
// every suggestion taken.
func TestFrom(t *testing.T) {
	t.Parallel()
	const name = "testdata/shop.txtar"
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var files []language.File
	var wanted []txtar.File
	in := slices.Clone(archive.Files)
	archive.Files = nil
	for _, f := range in {
		if path, ok := strings.CutPrefix(f.Name, "in/"); ok {
			files = append(files, language.File{Path: path, Data: f.Data})
			archive.Files = append(archive.Files, f)
		} else {
			wanted = append(wanted, f)
		}
	}
	draft, found := scaffold.From("shop", object.DefaultCluster(), files)
	if len(found) > 0 {
		t.Fatal(found.Err())
	}
	var got []txtar.File
	for _, path := range diag.SortedKeys(draft.Files) {
		got = append(got, txtar.File{Name: "out/" + path, Data: draft.Files[path]})
	}
	got = append(got, txtar.File{Name: "notes", Data: []byte(strings.Join(draft.Notes, "\n") + "\n")})
	clean(t, append(filesOf(draft, asWritten), files...))
	suggested := filesOf(draft, withSuggestions)
	for i, f := range suggested {
		if f.Path == language.PlatformFile { // the host network needs to be known
			suggested[i].Data = append(f.Data, "  cluster: {podCIDRs: [10.244.0.0/16], serviceCIDRs: [10.96.0.0/12], nodeCIDRs: [172.18.0.0/16]}\n"...)
		}
	}
	clean(t, append(suggested, files...))
	if *update {
		archive.Files = append(archive.Files, got...)
		if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(texts(wanted), texts(got)); diff != "" {
		t.Errorf("the draft differs (-want +got); -update rewrites it:\n%s", diff)
	}
}

func texts(files []txtar.File) []string {
	all := make([]string, len(files))
	for i, f := range files {
		all[i] = fmt.Sprintf("-- %s --\n%s", f.Name, f.Data)
	}
	return all
}

func TestName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"shop": "shop", "My Repo.git": "my-repo-git", "..": "platform", "": "platform", "/": "platform", "-x-": "x", "café": "caf",
		strings.Repeat("a", 62) + "--b": strings.Repeat("a", 62),
	} {
		if got := scaffold.Name(text); got != want {
			t.Errorf("Name(%q) is %q, expected %q", text, got, want)
		}
	}
}
