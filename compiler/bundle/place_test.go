package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// place is an output, and an input elsewhere.
func place(t testing.TB, parent, name string) *Output {
	t.Helper()
	o, err := At(filepath.Join(parent, name), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func write(t testing.TB, o *Output, b Bundle) {
	t.Helper()
	if err := o.Prepare(); err != nil {
		t.Fatal(err)
	}
	if err := o.Write(b); err != nil {
		t.Fatal(err)
	}
}

// largeBundle has so many files that writing it takes a while.
func largeBundle(t testing.TB, text string) Bundle { return bundleOf(t, 40, text) }

func bundleOf(t testing.TB, files int, text string) Bundle {
	t.Helper()
	tree := map[string][]byte{}
	for i := range files {
		tree[fmt.Sprintf("base/ns%d/policy-%d.yaml", i%4, i)] = []byte(strings.Repeat(fmt.Sprintln(text, i), 100))
	}
	b, err := New(Record{Tool: text}, tree)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// content reads a directory without any of the package's own code.
func content(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		switch mode := info.Mode(); {
		case mode == fs.ModeDir|0o755:
			return nil
		case mode != 0o644:
			t.Errorf("%s has the mode %v", rel, mode)
		}
		data, err := os.ReadFile(name)
		files[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// whole fails unless a directory is exactly one of the bundles, and returns which.
// The index must agree: digests of all files, and of no others.
func whole(t testing.TB, dir string, bundles ...Bundle) int {
	t.Helper()
	files := content(t, dir)
	var index Index
	if err := json.Unmarshal([]byte(files[IndexFile]), &index); err != nil {
		t.Fatalf("%s: %v", IndexFile, err)
	}
	for name, text := range files {
		sum := sha256.Sum256([]byte(text))
		if name != IndexFile && index.Outputs[name] != hex.EncodeToString(sum[:]) {
			t.Errorf("%s is not what the index says", name)
		}
	}
	if len(files) != len(index.Outputs)+1 {
		t.Errorf("there are %d files, and the index lists %d", len(files)-1, len(index.Outputs))
	}
	for i, b := range bundles {
		if string(b[IndexFile]) == files[IndexFile] {
			return i
		}
	}
	t.Fatalf("%s is none of the bundles", dir)
	return -1
}

// alone fails if anything lies beside the names.
func alone(t testing.TB, parent string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{}
	for _, entry := range entries {
		left[entry.Name()] = true
	}
	for _, name := range names {
		if !left[name] {
			t.Errorf("%s is gone", name)
		}
		delete(left, name)
	}
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
