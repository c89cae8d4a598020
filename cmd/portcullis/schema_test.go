package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"portcullis.dev/compiler/language"
)

// TestSchemasAreCurrent holds the copies that editors and people read to the types.
func TestSchemasAreCurrent(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "docs", "schema")
	if *update {
		if err := writeSchemas(dir, dir); err != nil {
			t.Fatal(err)
		}
	}
	files := language.Schemas()
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not that of the types (%v); write it anew: go test ./cmd/portcullis -run %s -update", name, err, t.Name())
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(files) {
		t.Errorf("%s holds %d files, expected %d (%v)", dir, len(entries), len(files), err)
	}
}
