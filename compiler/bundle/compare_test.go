package bundle

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"portcullis.dev/policies/diag"
)

// TestEveryChangeIsNamed changes, removes and adds files of a bundle at random: the
// differences name exactly these, and as a patch they lead back.
func TestEveryChangeIsNamed(t *testing.T) {
	t.Parallel()
	patch, err := exec.LookPath("patch")
	if err != nil {
		patch = ""
		t.Log("there is no patch(1): the differences are not tried as patches")
	}
	b := smallBundle(t, "one\ntwo\nthree\n")
	names := diag.SortedKeys(b)
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		must(t, err)
		o := place(t, dir, "out")
		must(t, b.lay(o.path))
		want := map[string]Change{}
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, len(names), rapid.ID).Draw(rt, "touched") {
			file := filepath.Join(o.path, filepath.FromSlash(name))
			switch want[name] = rapid.SampledFrom([]Change{Changed, Missing}).Draw(rt, name); want[name] {
			case Changed:
				text := rapid.StringMatching(`([a-c]\n){0,5}d`).Draw(rt, "text")
				must(t, os.WriteFile(file, []byte(text), 0o644))
			case Missing:
				must(t, os.Remove(file))
			}
		}
		for _, name := range rapid.SliceOfDistinct(rapid.StringMatching(`[a-z]{1,3}\.txt`), rapid.ID).Draw(rt, "extra") {
			want["base/"+name] = Extra
			must(t, os.WriteFile(filepath.Join(o.path, "base", name), []byte("extra\n"), 0o644))
		}
		differences, err := o.Compare(b)
		must(t, err)
		got := map[string]Change{}
		var patches []byte
		for _, d := range differences {
			got[d.Path] = d.Change
			patches = append(patches, d.Diff...)
		}
		if diff := cmp.Diff(want, got); len(want)+len(got) > 0 && diff != "" {
			rt.Fatalf("differences (-want +got):\n%s", diff)
		}
		if patch == "" || len(patches) == 0 {
			return
		}
		must(t, os.WriteFile(filepath.Join(dir, "patch"), patches, 0o644))
		if out, err := exec.Command(patch, "-s", "-p0", "-d", o.path, "-i", filepath.Join(dir, "patch")).CombinedOutput(); err != nil {
			rt.Fatalf("patch: %v\n%s\n%s", err, out, patches)
		}
		delete(want, "overlays/prod/empty.yaml") // no patch makes an empty file
		left, err := o.Compare(b)
		must(t, err)
		for _, d := range left {
			if d.Path != "overlays/prod/empty.yaml" {
				rt.Errorf("after the patch, %s is still %s:\n%s", d.Path, d.Change, patches)
			}
		}
	})
}

// lay writes a bundle as anybody could.
func (b Bundle) lay(dir string) error {
	for name, data := range b {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// TestWhatIsNoText is told apart without being shown.
func TestWhatIsNoText(t *testing.T) {
	t.Parallel()
	b := smallBundle(t, "text\n")
	const name = "base/a/x.yaml"
	for what, test := range map[string]struct {
		change func(file string) error
		note   string
	}{
		"a binary":          {func(file string) error { return os.WriteFile(file, []byte("a\x00b"), 0o644) }, "not a text of a size to be shown"},
		"no UTF-8":          {func(file string) error { return os.WriteFile(file, []byte("a\xffb"), 0o644) }, "not a text of a size to be shown"},
		"a large file":      {func(file string) error { return os.Truncate(file, 100<<20) }, "larger than what is compared"},
		"a symbolic link":   {func(file string) error { return replace(file, os.Symlink("/etc/hostname", file+".new")) }, "a symbolic link, not a file"},
		"an executable one": {func(file string) error { return os.Chmod(file, 0o755) }, "executable"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			o := place(t, t.TempDir(), "out")
			write(t, o, b)
			must(t, test.change(filepath.Join(o.path, name)))
			differences, err := o.Compare(b)
			must(t, err)
			if diff := cmp.Diff([]Difference{{Change: Changed, Path: name, Note: test.note}}, differences); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
		})
	}
}

func replace(file string, err error) error {
	if err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// TestArchivesArePackedInOneWay: the same files, packed by somebody else, are not
// what would be built.
func TestArchivesArePackedInOneWay(t *testing.T) {
	t.Parallel()
	b := smallBundle(t, "text\n")
	o := place(t, t.TempDir(), "out.tar.gz")
	write(t, o, b)
	if differences, err := o.Compare(b); err != nil || differences != nil {
		t.Fatalf("differences %v, error %v", differences, err)
	}
	other, err := smallBundle(t, "other\n").Archive()
	must(t, err)
	must(t, os.WriteFile(o.path, other, 0o644))
	differences, err := o.Compare(b)
	must(t, err)
	if len(differences) != 3 { // two files and the index
		t.Errorf("%d differences, expected 3: %v", len(differences), differences)
	}
	without := Bundle{}
	for name, data := range b {
		if name != "base/a/x.yaml" {
			without[name] = data
		}
	}
	archive, err := without.Archive()
	must(t, err)
	must(t, os.WriteFile(o.path, archive, 0o644))
	differences, err = o.Compare(b)
	must(t, err)
	if len(differences) != 1 || differences[0].Change != Missing || differences[0].Path != "base/a/x.yaml" {
		t.Errorf("differences %v, expected the file that is missing", differences)
	}
	must(t, os.WriteFile(o.path, repacked(t, b), 0o644))
	differences, err = o.Compare(b)
	must(t, err)
	if diff := cmp.Diff([]Difference{{Change: Changed, Note: "the files are the same, and are packed in another way"}}, differences); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
}
