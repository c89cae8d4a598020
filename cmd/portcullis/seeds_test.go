package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"testing"
)

// TestDrawsAreSeeded finds packages whose tests draw with rapid and do not import what
// fixes its seed: they would try something else in every run.
func TestDrawsAreSeeded(t *testing.T) {
	t.Parallel()
	draws, seeded := map[string]bool{}, map[string]bool{}
	err := fs.WalkDir(os.DirFS("../.."), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		data, err := os.ReadFile("../../" + name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, data, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range file.Imports {
			switch imported, _ := strconv.Unquote(i.Path.Value); imported {
			case "pgregory.net/rapid":
				draws[path.Dir(name)] = true
			case "portcullis.dev/testdata/seed":
				seeded[path.Dir(name)] = true
			}
		}
		return nil
	})
	if err != nil || len(draws) == 0 {
		t.Fatalf("%d packages draw: %v", len(draws), err)
	}
	for pkg := range draws {
		if !seeded[pkg] {
			t.Errorf("the tests of %s draw with rapid, and import no testdata/seed", pkg)
		}
	}
}
