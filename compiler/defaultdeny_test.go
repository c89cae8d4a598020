package compiler

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"portcullis.dev/policies/diag"
)

// TestPastedDefaultDeny: the help of PC201, pasted, leaves nothing red. Over every set of
// manifests among the examples and scripts, with the pasted policies each finding about an open
// namespace is gone, and no error is new: names are asked for as before.
func TestPastedDefaultDeny(t *testing.T) {
	t.Parallel()
	pasted := 0
	for _, set := range manifestSets(t) {
		before := judge(t, set.archive, set.prefix).Findings
		var help []string
		for _, d := range before {
			if d.Rule.Code == "PC201" && d.Among != nil {
				for _, p := range d.Among.Paste {
					for _, name := range p.Names {
						help = append(help, p.For(name))
						if !strings.Contains(d.Hint, name) {
							t.Errorf("%s: the help does not say %s: %s", set.name, name, d.Hint)
						}
					}
				}
				if !strings.HasSuffix(d.Hint, d.Among.Paste[0].For(d.Among.Names[0])) && len(d.Among.Paste) == 1 {
					t.Errorf("%s: the help does not end in what is pasted: %s", set.name, d.Hint)
				}
			}
		}
		if len(help) == 0 {
			continue
		}
		pasted += len(help)
		with := *set.archive
		with.Files = append(slices.Clip(with.Files), txtar.File{Name: set.prefix + "pasted.yaml", Data: []byte(strings.Join(help, "\n---\n") + "\n")})
		known := errorsOf(before)
		for _, e := range errorsOf(judge(t, &with, set.prefix).Findings) {
			if strings.HasPrefix(e, "PC201") || !slices.Contains(known, e) {
				t.Errorf("%s: with the help of PC201 pasted:\n%s\n%s", set.name, e, strings.Join(help, "\n---\n"))
			}
		}
	}
	if pasted < 15 {
		t.Errorf("the law saw %d policies, expected at least 15", pasted)
	}
}

func errorsOf(found diag.List) []string {
	var all []string
	for _, d := range found {
		if d.Severity == diag.Error {
			all = append(all, d.Rule.Code+" "+d.Message)
		}
	}
	return all
}

// manifestSet is the files of an archive below a prefix: manifests of somebody else's.
type manifestSet struct {
	name, prefix string
	archive      *txtar.Archive
}

// manifestSets are those of the rules' examples, and those that the scripts about reading and
// about alarms bring.
func manifestSets(t *testing.T) []manifestSet {
	t.Helper()
	files, err := filepath.Glob(rulesDir + "/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, "../testdata/script/reading.txtar", "../testdata/script/alarms.txtar")
	var all []manifestSet
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var prefixes, repositories []string
		for _, f := range archive.Files {
			directory, rest, nested := strings.Cut(f.Name, "/")
			if prefix := directory + "/"; nested && !slices.Contains(prefixes, prefix) {
				prefixes = append(prefixes, prefix)
			}
			if base := filepath.Base(rest); base == "portcullis.yaml" || base == "intents.yaml" || f.Name == "test" {
				repositories = append(repositories, directory+"/", "right/", "wrong/")
			}
		}
		for _, prefix := range prefixes {
			if !slices.Contains(repositories, prefix) {
				all = append(all, manifestSet{filepath.Base(file) + " " + prefix, prefix, archive})
			}
		}
	}
	return all
}
