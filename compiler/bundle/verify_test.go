package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sealed is a small bundle.
func sealed(t *testing.T) Bundle {
	t.Helper()
	b, err := New(Record{Tool: "v1.2.3", Inputs: map[string][]byte{"a.yaml": []byte("a"), "empty.yaml": {}}}, map[string][]byte{
		"base/shop/allow.yaml": []byte("kind: NetworkPolicy\n"), "base/shop/deny.yaml": []byte("kind: None\n"), "overlays/dev/kustomization.yaml": []byte("resources: [../../base/shop]\n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestAltered changes a bundle in every way, one at a time, as a directory and as an archive:
// each is named, and nothing else.
func TestAltered(t *testing.T) {
	t.Parallel()
	const allow = "base/shop/allow.yaml"
	relisted := func(b Bundle, change func(outputs map[string]any)) {
		var index map[string]any
		if err := json.Unmarshal(b[IndexFile], &index); err != nil {
			t.Fatal(err)
		}
		change(index["outputs"].(map[string]any))
		b[IndexFile], _ = json.Marshal(index)
	}
	for name, c := range map[string]struct {
		change func(Bundle)
		want   []string // the changes with their paths and beginnings of notes
	}{
		"nothing":       {func(Bundle) {}, nil},
		"one byte":      {func(b Bundle) { b[allow] = []byte("kind: networkPolicy\n") }, []string{"changed: " + allow + " (its SHA-256 begins with"}},
		"no byte left":  {func(b Bundle) { b[allow] = nil }, []string{"changed: " + allow + " (its SHA-256 begins with"}},
		"a file more":   {func(b Bundle) { b["base/shop/open.yaml"] = []byte("x") }, []string{"extra: base/shop/open.yaml"}},
		"a file less":   {func(b Bundle) { delete(b, allow) }, []string{"missing: " + allow}},
		"another name":  {func(b Bundle) { b["base/shop/b.yaml"] = b[allow]; delete(b, allow) }, []string{"missing: " + allow, "extra: base/shop/b.yaml (it is what " + allow + " should be"}},
		"two exchanged": {func(b Bundle) { b[allow], b["base/shop/deny.yaml"] = b["base/shop/deny.yaml"], b[allow] }, []string{"changed: " + allow, "changed: base/shop/deny.yaml"}},
		"a path that leads out": {func(b Bundle) {
			relisted(b, func(outputs map[string]any) { outputs["../x.yaml"] = Digest(nil) })
		}, []string{`changed: bundle.json (it lists "../x.yaml", which no bundle holds`}},
		"the index itself": {func(b Bundle) {
			relisted(b, func(outputs map[string]any) { outputs[IndexFile] = Digest(nil) })
		}, []string{`changed: bundle.json (it lists "bundle.json"`}},
		"a digest in the index": {func(b Bundle) {
			relisted(b, func(outputs map[string]any) { outputs[allow] = Digest(nil) })
		}, []string{"changed: " + allow}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := maps.Clone(sealed(t))
			c.change(b)
			dir := t.TempDir()
			for name, data := range b {
				lay(t, filepath.Join(dir, "deploy", filepath.FromSlash(name)), data)
			}
			packed, err := b.Archive()
			if err != nil {
				t.Fatal(err)
			}
			lay(t, filepath.Join(dir, "deploy.tar.gz"), packed)
			for _, place := range []string{"deploy", "deploy.tar.gz"} {
				found, err := Find(filepath.Join(dir, place))
				if err != nil {
					t.Fatal(err)
				}
				begins(t, found.Altered(), c.want)
			}
		})
	}
}

func lay(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, data, 0o644)); err != nil {
		t.Fatal(err)
	}
}

// begins holds what is said of differences against how each line has to begin.
func begins(t *testing.T, got []Difference, want []string) {
	t.Helper()
	var lines []string
	for _, d := range got {
		lines = append(lines, fmt.Sprintf("%s: %s (%s", d.Change, d.Path, d.Note))
	}
	slices.Sort(lines)
	slices.Sort(want)
	if !slices.EqualFunc(lines, want, strings.HasPrefix) {
		t.Errorf("it is said that\n%s\nexpected\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

// TestAlteredDirectory holds what only a directory can have.
func TestAlteredDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, data := range sealed(t) {
		lay(t, filepath.Join(dir, filepath.FromSlash(name)), data)
	}
	link, deny := filepath.Join(dir, "base", "shop", "allow.yaml"), filepath.Join(dir, "base", "shop", "deny.yaml")
	if err := errors.Join(os.Remove(link), os.Symlink("deny.yaml", link), os.Chmod(deny, 0o755)); err != nil {
		t.Fatal(err)
	}
	lay(t, filepath.Join(dir, ".git", "HEAD"), []byte("ref: refs/heads/main\n")) // is Git's
	lay(t, filepath.Join(dir, "base", ".git", "HEAD"), nil)
	found, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	begins(t, found.Altered(), []string{"changed: base/shop/allow.yaml (a symbolic link", "changed: base/shop/deny.yaml (executable", "extra: base/.git/HEAD"})
}

// TestDamagedArchives holds what only an archive can have: nothing of one that is damaged counts.
func TestDamagedArchives(t *testing.T) {
	t.Parallel()
	whole, err := sealed(t).Archive()
	if err != nil {
		t.Fatal(err)
	}
	packed := func(headers ...tar.Header) []byte {
		var out bytes.Buffer
		compressed := gzip.NewWriter(&out)
		w := tar.NewWriter(compressed)
		for i := range headers {
			if err := w.WriteHeader(&headers[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(w.Close(), compressed.Close()); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	index := tar.Header{Typeflag: tar.TypeReg, Name: IndexFile, Mode: 0o644}
	for name, data := range map[string][]byte{
		"truncated":             whole[:len(whole)/2],
		"a byte less":           whole[:len(whole)-1],
		"something behind":      append(slices.Clone(whole), "x"...),
		"no archive":            []byte("kind: List\n"),
		"empty":                 {},
		"a path that leads out": packed(index, tar.Header{Typeflag: tar.TypeReg, Name: "../x.yaml", Mode: 0o644}),
		"an absolute path":      packed(index, tar.Header{Typeflag: tar.TypeReg, Name: "/x.yaml", Mode: 0o644}),
		"a link":                packed(index, tar.Header{Typeflag: tar.TypeSymlink, Name: "x.yaml", Linkname: "/etc/passwd"}),
		"a name twice":          packed(index, index),
	} {
		place := filepath.Join(t.TempDir(), "deploy.tgz")
		lay(t, place, data)
		found, err := Find(place)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if altered := found.Altered(); len(altered) != 1 || altered[0].Change != Changed || altered[0].Path != "" || altered[0].Note == "" {
			t.Errorf("%s: %+v", name, altered)
		}
	}
}

// TestFindRefuses holds what is no bundle at all.
func TestFindRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lay(t, filepath.Join(dir, "none", "a.yaml"), []byte("a"))
	lay(t, filepath.Join(dir, "other", IndexFile), []byte(`{"schema": "somebody/else"}`))
	lay(t, filepath.Join(dir, "old", IndexFile), []byte(`{"schema": "portcullis.dev/bundle/v1alpha1", "outputs": {}}`))
	lay(t, filepath.Join(dir, "file.yaml"), []byte("a"))
	for place, want := range map[string]string{
		"none": "it has no bundle.json", "other": "is none of ours", "old": "build it again", "file.yaml": "neither a directory nor a file that ends in .tar.gz",
	} {
		if _, err := Find(filepath.Join(dir, place)); !errors.Is(err, ErrNoBundle) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, expected %q", place, err, want)
		}
	}
	if _, err := Find(filepath.Join(dir, "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
}

func TestStale(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, data := range sealed(t) {
		lay(t, filepath.Join(dir, filepath.FromSlash(name)), data)
	}
	found, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	inputs := map[string][]byte{"a.yaml": []byte("a"), "empty.yaml": {}, "new.yaml": nil}
	begins(t, found.Stale(func(name string) []byte { return inputs[name] }), nil)
	inputs["a.yaml"] = []byte("b")
	delete(inputs, "empty.yaml")
	begins(t, found.Stale(func(name string) []byte { return inputs[name] }), []string{"changed: a.yaml (the bundle was built from something else", "missing: empty.yaml (the bundle was built from it"})
}
