package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

var glossaryRow = regexp.MustCompile("(?m)^\\| ([^|`]+) \\| `([a-z]+)\\.([A-Za-z]+)` \\|")

// TestGlossaryNamesTypes finds terms of docs/how-verdicts-are-computed.md whose type is not
// where the page says, or not at all.
func TestGlossaryNamesTypes(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/how-verdicts-are-computed.md")
	if err != nil {
		t.Fatal(err)
	}
	_, glossary, _ := strings.Cut(string(page), "## Glossary")
	rows := glossaryRow.FindAllStringSubmatch(glossary, -1)
	if terms := strings.Count(glossary, "\n| ") - 1; len(rows) == 0 || len(rows) != terms {
		t.Fatalf("%d of %d rows of the glossary name a type", len(rows), terms)
	}
	types := map[string]map[string]bool{} // by package
	for _, dir := range []string{"policies/packet", "policies/selector", "policies/meaning", "policies/relation", "compiler/plan", "compiler/proof"} {
		types[path.Base(dir)] = typesOf(t, dir)
	}
	for _, row := range rows {
		if term, pkg, name := row[1], row[2], row[3]; !types[pkg][name] {
			t.Errorf("the glossary says that %q is %s.%s, and there is no such type", term, pkg, name)
		}
	}
}

// typesOf collects the names of the types that a package declares outside its tests.
func typesOf(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := fs.Glob(os.DirFS("../.."), dir+"/*.go")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path.Join("../..", file), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if of, ok := n.(*ast.TypeSpec); ok {
				names[of.Name.Name] = true
			}
			return true
		})
	}
	return names
}
