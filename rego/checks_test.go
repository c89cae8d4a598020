package rego

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/format"
	"github.com/open-policy-agent/opa/v1/tester"
)

// checkFiles are the sources of the checks and of their tests.
func checkFiles(t *testing.T) []string {
	t.Helper()
	files, err := fs.Glob(os.DirFS("."), "checks/*/*.rego")
	if err != nil || len(files) == 0 {
		t.Fatalf("no checks: %v", err)
	}
	return files
}

func readModule(t *testing.T, file string) *ast.Module {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := parse(file, source, capabilities())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The Rego tests of every package run, each as a subtest, and they reach every
// line of what they test.
func TestChecksInRego(t *testing.T) {
	t.Parallel()
	modules := map[string]*ast.Module{}
	for _, file := range checkFiles(t) {
		modules[file] = readModule(t, file)
	}
	coverage := cover.New()
	results, err := tester.NewRunner().
		SetCompiler(ast.NewCompiler().WithCapabilities(capabilities()).WithStrict(true)).
		SetModules(modules).
		SetCoverageQueryTracer(coverage).
		RaiseBuiltinErrors(true).
		RunTests(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	tested := map[string]int{}
	for result := range results {
		tested[filepath.Dir(result.Location.File)]++
		t.Run(result.Package+"/"+result.Name, func(t *testing.T) {
			if !result.Pass() {
				t.Errorf("%s: %s %v", result.Location, result, result.Error)
			}
		})
	}
	report := coverage.Report(modules)
	for file, m := range modules {
		if strings.HasSuffix(file, "_test.rego") {
			continue
		}
		if tested[filepath.Dir(file)] == 0 {
			t.Errorf("%s: package %v has no tests", file, m.Package.Path)
		}
		for _, missed := range report.Files[file].NotCovered {
			t.Errorf("%s:%d: no test reaches this line", file, missed.Start.Row)
		}
	}
}

func TestChecksAreFormatted(t *testing.T) {
	t.Parallel()
	for _, file := range checkFiles(t) {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		formatted, err := format.Source(file, source)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(source, formatted) {
			t.Errorf("%s: not as opa fmt writes it", file)
		}
	}
}

// What Prepare leaves out for the embedded checks holds all the same: they pass
// every stage of the strict compiler with the schema attached, and read no field
// that is not in it.
func TestChecksAreProven(t *testing.T) {
	t.Parallel()
	e := prepared(t, nil)
	schemas, err := schemaSet()
	if err != nil {
		t.Fatal(err)
	}
	compiler, failed := e.compileOnce(capabilities(), schemas)
	for _, err := range failed {
		t.Error(err)
	}
	for _, miss := range e.misspellings(compiler) {
		t.Errorf("%s: %s", miss.at, miss.message)
	}
}

func TestEveryCheckIsRegistered(t *testing.T) {
	t.Parallel()
	var codes []string
	for _, r := range prepared(t, nil).Rules() {
		codes = append(codes, r.Code)
		if r.Title == "" || !strings.HasSuffix(r.Why, ".") || !strings.HasSuffix(r.Mend, ".") || strings.Contains(r.Title, "\n") {
			t.Errorf("%s: title %q, why %q, mend %q", r.Code, r.Title, r.Why, r.Mend)
		}
	}
	if want := []string{"PC201", "PC202", "PC203", "PC204"}; !slices.Equal(codes, want) {
		t.Errorf("rules %v, want %v", codes, want)
	}
}
