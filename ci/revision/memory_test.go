package revision_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"portcullis.dev/ci/revision"
	"portcullis.dev/policies/diag"
)

// TestInMemory reads trees into memory: there is what Unpack writes, no more and no less, and
// what a disk alone answers for is left to it.
func TestInMemory(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	a, b := r.blob("a"), r.blob("")
	git, err := revision.Open(t.Context(), r.dir)
	if err != nil {
		t.Fatal(err)
	}
	known := revision.Blobs{}
	for _, c := range []struct {
		name  string
		plain bool
		items []item
	}{
		{"nothing", true, nil},
		{"files and directories", true, []item{{file, "a.txt", a}, {file, "b.yaml", b}, {"100755", "c.yaml", a}, {folder, "d", r.tree(item{file, "a.yaml", a}, item{folder, "e", r.tree(item{file, "z.yaml", b})})}, {file, "d.yaml", a}}},
		{"lines and tabs", true, []item{{file, "a\nb\tc\x1b.yaml", a}}},
		{"a submodule", true, []item{{module, "m.yaml", strings.Repeat("1", 40)}, {file, "z.yaml", a}}},
		{"a link beside them", false, []item{{file, "a.yaml", a}, {symlink, "b", a}}},
		{"no text", false, []item{{file, "\xff.yaml", a}}},
		{"a name for no disk", false, []item{{file, strings.Repeat("x", 251) + ".yaml", a}}},
		{"a directory for no disk", false, []item{{folder, strings.Repeat("x", 256), r.tree(item{file, "a.yaml", a})}}},
		{"enormous", false, []item{{file, "a.yaml", r.blob(strings.Repeat("x", 2000))}}},
		{"twice", false, []item{{file, "a.yaml", a}, {file, "a.yaml", b}}},
		{"a directory of that name", false, []item{{file, "a.yaml", a}, {folder, "a.yaml", r.tree(item{file, "b.yaml", b})}}},
		{"a file of that name", false, []item{{folder, "a.yaml", r.tree(item{file, "b.yaml", b})}, {file, "a.yaml", a}}},
	} {
		commit := r.commit(r.tree(c.items...))
		files, err := git.Read(t.Context(), commit, most, yaml, known)
		if !c.plain {
			if !errors.Is(err, revision.ErrNotPlain) {
				t.Errorf("%s: %v, expected to be left to the disk", c.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		want, err := unpacked(r, r.dir, commit)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		err = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			data, err := fs.ReadFile(files, name)
			got[name] = string(data)
			return err
		})
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %q in memory, %q on the disk: %v", c.name, got, want, err)
		}
		if err := fstest.TestFS(files, diag.SortedKeys(want)...); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if len(known) != 2 || string(known[a]) != "a" || string(known[b]) != "" {
		t.Errorf("%q were read, expected the objects of two texts", known)
	}
	files, err := git.Read(t.Context(), r.commit(r.tree(item{file, "a.yaml", a})), most, yaml, revision.Blobs{a: []byte("known")})
	if err != nil {
		t.Fatal(err)
	}
	if data, err := fs.ReadFile(files, "a.yaml"); string(data) != "known" {
		t.Errorf("what is known is read again: %q, %v", data, err)
	}
	for why, tree := range map[string]string{
		`"../a.yaml"`:   r.tree(item{folder, "..", r.tree(item{file, "a.yaml", a})}),
		"a link of":     r.tree(item{symlink, "a.yaml", r.blob(strings.Repeat("x", 5000))}),
		"in this clone": r.tree(item{file, "a.yaml", strings.Repeat("1", 40)}),
	} {
		if _, err := git.Read(t.Context(), r.commit(tree), most, yaml, known); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%v, expected %q", err, why)
		}
	}

	var mebibytes []item
	mebibyte := r.blob(strings.Repeat("x", 1<<20))
	for i := range 65 {
		mebibytes = append(mebibytes, item{file, fmt.Sprintf("%02d.yaml", i), mebibyte})
	}
	commit := r.commit(r.tree(mebibytes...))
	if _, err := git.Read(t.Context(), commit, revision.Limits{FileBytes: 1 << 20, TotalBytes: 1 << 30, Files: 100, Listed: 100}, yaml, known); !errors.Is(err, revision.ErrNotPlain) {
		t.Errorf("65 MiB: %v, expected to be left to the disk", err)
	}
}
