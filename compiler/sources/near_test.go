//go:build unix

package sources

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
)

// byRoot is a disk that is read in the way that every system has.
type byRoot struct{ *disk }

func (d byRoot) FS() fs.FS                                     { return d.Root.FS() }
func (d byRoot) read(name string, limit int64) ([]byte, error) { return d.readByRoot(name, limit) }

// secret lies outside of what is read.
const secret = "kind: NetworkIntent # of somebody else"

// hostile makes a directory of whatever may lie in one, and beside it what must not be read.
func hostile(t *testing.T) (dir string) {
	t.Helper()
	top := t.TempDir()
	dir = filepath.Join(top, "in")
	files := map[string]string{
		"outside/secret.yaml": secret, "in/a.yaml": "a: 1\n", "in/z.yaml": "z: 1\n", "in/empty.yaml": "", "in/rule.rego": "package x\n",
		"in/long.yaml": strings.Repeat("#", 200), "in/just.yaml": strings.Repeat("#", 100), "in/intent.json": `{"apiVersion": "portcullis.dev/v1alpha1", "kind": "NetworkIntent"}`,
		"in/closed.yaml": "c: 1\n", "in/closed/a.yaml": "a: 1\n", "in/deep/er/and/deeper.yaml": "d: 1\n", "in/deep/b.yaml": "b: 1\n", "in/deep-/c.yaml": "c: 1\n",
		"in/bundle/bundle.json": `{"schema": "portcullis.dev/bundle/v1alpha2", "outputs": {"x.yaml": "0"}}`, "in/bundle/x.yaml": "x: 1\n",
		"in/.git/config.yaml": "g: 1\n", "in/no\nname.yaml": "n: 1\n", "in/changing/a.yaml": "a: 1\n", "in/changing/b.yaml": "b: 1\n", "in/changing/c.yaml": "c: 1\n",
	}
	for name, text := range files {
		name = filepath.Join(top, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{
		"link-out.yaml": "../outside/secret.yaml", "link-in.yaml": "a.yaml", "link-out": "../outside", "link-in": "deep", "link-nowhere.yaml": "nowhere",
		"link-round": ".", "link-itself.yaml": "link-itself.yaml", "link.json": "intent.json", "link-out.json": "../outside/secret.yaml", "absolute.yaml": filepath.Join(top, "in", "a.yaml"),
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(syscall.Mkfifo(filepath.Join(dir, "pipe.yaml"), 0o644), syscall.Mkfifo(filepath.Join(dir, "pipe.json"), 0o644), os.Mkdir(filepath.Join(dir, "directory.yaml"), 0o755),
		os.Chmod(filepath.Join(dir, "closed.yaml"), 0), os.Chmod(filepath.Join(dir, "closed"), 0)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(dir, "closed"), 0o755) })
	return dir
}

// TestNearIsByRoot reads a hostile directory in both ways, as it is and while it changes between
// the moment at which an entry is seen and that at which it is read.
func TestNearIsByRoot(t *testing.T) {
	t.Parallel()
	put := func(change func(file string) error) func(string) error {
		return func(file string) error { return errors.Join(os.RemoveAll(file), change(file)) }
	}
	link := func(target string) func(string) error {
		return put(func(file string) error { return os.Symlink(target, file) })
	}
	for name, c := range map[string]struct {
		at     string // what changes, when it is seen
		change func(file string) error
	}{
		"nothing changes":                {},
		"a file goes":                    {"changing/b.yaml", os.Remove},
		"a file grows":                   {"changing/b.yaml", func(file string) error { return os.WriteFile(file, bytes.Repeat([]byte("#"), 200), 0o644) }},
		"a file shrinks":                 {"just.yaml", func(file string) error { return os.Truncate(file, 3) }},
		"a file becomes a link out":      {"changing/b.yaml", link("../../outside/secret.yaml")},
		"a file becomes a link in":       {"changing/b.yaml", link("../a.yaml")},
		"a file becomes a pipe":          {"changing/b.yaml", put(func(file string) error { return syscall.Mkfifo(file, 0o644) })},
		"a file becomes a directory":     {"changing/b.yaml", put(func(file string) error { return os.Mkdir(file, 0o755) })},
		"a directory goes":               {"changing", os.RemoveAll},
		"a directory becomes a link out": {"changing", link("../outside")},
		"a directory becomes a link in":  {"changing", link("deep")},
		"a directory becomes a file":     {"changing", put(func(file string) error { return os.WriteFile(file, nil, 0o644) })},
		"the way to it becomes a link": {"deep/er/and", func(file string) error {
			return errors.Join(os.RemoveAll(filepath.Dir(file)), os.Symlink("../../outside", filepath.Dir(file)))
		}},
	} {
		for kind, visit := range map[string]func(*reader, string, fs.DirEntry, error) error{"a repository": (*reader).visitRepository, "manifests": (*reader).visitManifests} {
			t.Run(name+" in "+kind, func(t *testing.T) {
				t.Parallel()
				limits := Limits{FileBytes: 100, TotalBytes: 10_000, Files: 100}
				read := func(in func(*disk) place) (files []language.File, found diag.List, err error) {
					d, err := openDisk(hostile(t))
					if err != nil {
						t.Fatal(err)
					}
					defer d.Close()
					return walk(in(d), limits, func(r *reader, name string, entry fs.DirEntry, err error) error {
						if name == c.at {
							if err := c.change(filepath.Join(d.Name(), name)); err != nil {
								t.Error(err)
							}
						}
						return visit(r, name, entry, err)
					})
				}
				files, found, err := read(func(d *disk) place { return d })
				filesByRoot, foundByRoot, errByRoot := read(func(d *disk) place { return byRoot{d} })
				if err != nil || errByRoot != nil {
					t.Fatal(err, errByRoot)
				}
				if d := cmp.Diff(filesByRoot, files); d != "" {
					t.Errorf("files (-by root +near):\n%s", d)
				}
				if d := cmp.Diff(foundByRoot, found); d != "" {
					t.Errorf("findings (-by root +near):\n%s", d)
				}
				if len(files) < 10 || len(found) < 8 {
					t.Errorf("read %d files and found %d things: the directory is not hostile", len(files), len(found))
				}
				if i := slices.IndexFunc(files, func(f language.File) bool { return string(f.Data) == secret }); i >= 0 {
					t.Errorf("%s was read, which lies outside", files[i].Path)
				}
			})
		}
	}
}

// TestNearReadsNothingTwice lists and reads in any order: a directory that stays open must not be
// at its end when it is listed again.
func TestNearReadsNothingTwice(t *testing.T) {
	t.Parallel()
	d, err := openDisk(hostile(t))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, dir := range []string{".", "deep", "deep", ".", ".", "deep/er", "deep"} {
		near, err := fs.ReadDir(d.FS(), dir)
		plain, wrong := fs.ReadDir(d.Root.FS(), dir)
		if err != nil || wrong != nil || !slices.EqualFunc(near, plain, func(a, b fs.DirEntry) bool { return a.Name() == b.Name() && a.Type() == b.Type() }) {
			t.Errorf("%s: %v %v, and by the root %v %v", dir, near, err, plain, wrong)
		}
	}
}
