package revision_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"portcullis.dev/ci/revision"
	"portcullis.dev/policies/diag"
)

// repository is one of Git's, made of objects that no porcelain would make.
type repository struct {
	*testing.T
	dir string
}

func newRepository(t *testing.T) repository {
	t.Helper()
	r := repository{t, t.TempDir()}
	r.git(nil, "init", "--quiet")
	return r
}

func (r repository) git(in []byte, args ...string) string {
	r.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Stdin = r.dir, bytes.NewReader(in)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org",
		"GIT_AUTHOR_DATE=2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE=2026-01-01T00:00:00Z")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (r repository) blob(data string) string {
	return r.git([]byte(data), "hash-object", "-w", "--stdin")
}

// item is an entry of a tree.
type item struct{ mode, name, object string }

// tree writes one of whatever entries.
func (r repository) tree(items ...item) string {
	var b bytes.Buffer
	for _, i := range items {
		object, err := hex.DecodeString(i.object)
		if err != nil {
			r.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s\x00%s", i.mode, i.name, object)
	}
	return r.git(b.Bytes(), "hash-object", "-t", "tree", "-w", "--literally", "--stdin")
}

func (r repository) commit(tree string) string {
	return r.git([]byte("commit"), "commit-tree", tree)
}

const (
	file, folder, symlink, module = "100644", "40000", "120000", "160000"
)

func yaml(name string) bool { return strings.HasSuffix(name, ".yaml") }

var most = revision.Limits{FileBytes: 1000, TotalBytes: 5000, Files: 100, Listed: 1000}

// unpacked are the files of a commit: their bytes, or where links lead.
func unpacked(r repository, dir, commit string) (map[string]string, error) {
	git, err := revision.Open(context.Background(), dir)
	if err != nil {
		return nil, err
	}
	outer := r.TempDir()
	into := filepath.Join(outer, "into")
	if err := os.Mkdir(into, 0o755); err != nil {
		r.Fatal(err)
	}
	failed := git.Unpack(context.Background(), commit, into, most, yaml)
	all := map[string]string{}
	err = filepath.WalkDir(outer, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		inside, ok := strings.CutPrefix(name, into+"/")
		if !ok {
			r.Errorf("it wrote %s", name)
		}
		data, err := os.ReadFile(name)
		if entry.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(name)
			all[inside] = "-> " + target
			return err
		}
		all[inside] = string(data)
		return err
	})
	if err != nil {
		r.Fatal(err)
	}
	return all, failed
}

// TestHostileTrees reads trees of which each entry may be anything: nothing is written outside,
// what a checkout would not have is refused, and what is too much ends before it is read.
func TestHostileTrees(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	a := r.blob("a")
	large := r.blob(strings.Repeat("x", 2000))
	within := func(items ...item) string { return r.tree(item{folder, "d", r.tree(items...)}) }
	bomb := r.tree(item{file, "x.txt", a})
	for range 10 {
		var ten []item
		for i := range 10 {
			ten = append(ten, item{folder, fmt.Sprint(i), bomb})
		}
		bomb = r.tree(ten...)
	}
	var many, same []item
	for i := range 101 {
		many = append(many, item{file, fmt.Sprintf("%03d.yaml", i), a})
	}
	big := r.blob(strings.Repeat("y", 999))
	for i := range 6 {
		same = append(same, item{file, fmt.Sprintf("%03d.yaml", i), big})
	}
	for _, c := range []struct {
		name, tree string
		want       string // files with their bytes
		refused    string
	}{
		{"plain", r.tree(item{file, "a.yaml", a}, item{file, "b.txt", a}), `map[a.yaml:a]`, ""},
		{"above", within(item{file, "..", a}), "", `"d/.."`},
		{"above by a folder", r.tree(item{folder, "..", r.tree(item{file, "a.yaml", a})}), "", `"../a.yaml"`},
		{"here", r.tree(item{folder, ".", r.tree(item{file, "a.yaml", a})}), "", `"./a.yaml"`},
		{"a way in one name", r.tree(item{file, "d/../../a.yaml", a}), "", "no checkout has"},
		{"absolute", r.tree(item{file, "/tmp/a.yaml", a}), "", `"/tmp/a.yaml"`},
		{"no name", r.tree(item{folder, "d", r.tree(item{file, "", a})}), "", "empty filename"},
		{"git's own", r.tree(item{folder, ".git", r.tree(item{file, "config.yaml", a})}), "", `".git/config.yaml"`},
		{"git's own in capitals", r.tree(item{folder, ".GIT", r.tree(item{file, "config.yaml", a})}), "", `".GIT/config.yaml"`},
		{"lines and tabs", r.tree(item{file, "a\nb\tc\x1b.yaml", a}), fmt.Sprintf("map[%s:a]", "a\nb\tc\x1b.yaml"), ""},
		{"a dash", r.tree(item{file, "--upload-pack=x.yaml", a}), `map[--upload-pack=x.yaml:a]`, ""},
		{"no text", r.tree(item{file, "\xff.yaml", a}), "map[\xff.yaml:a]", ""},
		{"a link out", r.tree(item{symlink, "a.yaml", r.blob("/etc/passwd")}), `map[a.yaml:-> /etc/passwd]`, ""},
		{"through a link", r.tree(item{symlink, "d", r.blob("..")}, item{folder, "d", r.tree(item{file, "a.yaml", a})}), "*", "d/a.yaml"},
		{"twice", r.tree(item{file, "a.yaml", a}, item{file, "a.yaml", large}), "*", "file exists"},
		{"a long link", r.tree(item{symlink, "a.yaml", r.blob(strings.Repeat("x", 5000))}), "", "a link of 5000 bytes"},
		{"a submodule", r.tree(item{module, "m.yaml", strings.Repeat("1", 40)}, item{file, "z.yaml", a}), `map[z.yaml:a]`, ""},
		{"enormous", r.tree(item{file, "a.yaml", large}), fmt.Sprintf("map[a.yaml:%s]", strings.Repeat("\x00", 2000)), ""},
		{"many", r.tree(many...), "", "more than 100 files"},
		{"much", r.tree(same...), "", "5000 bytes"},
		{"ten thousand million", bomb, "", "more than 1000 files"},
	} {
		got, err := unpacked(r, r.dir, r.commit(c.tree))
		if refused := err != nil && strings.Contains(err.Error(), c.refused); refused != (c.refused != "") || err != nil && !refused {
			t.Errorf("%s: %v, expected %q", c.name, err, c.refused)
		}
		if want := cmp.Or(c.want, "map[]"); want != "*" && fmt.Sprint(got) != want {
			t.Errorf("%s: %q, expected %q", c.name, got, want)
		}
	}
}

// TestReadsNothingElse: replacements, attributes, filters, hooks and grafts of whoever wrote them
// count for nothing, and a repository is left as it was.
func TestReadsNothingElse(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.git(nil, "config", "filter.f.smudge", "touch gone; cat")
	r.git(nil, "config", "core.fsmonitor", "touch gone")
	r.git(nil, "config", "core.autocrlf", "true")
	attributes := r.blob("* export-ignore filter=f text eol=crlf ident\n")
	is, other := r.blob("one\n$Id$\n"), r.blob("another\n")
	commit := r.commit(r.tree(item{file, ".gitattributes", attributes}, item{file, "a.yaml", is}))
	r.git(nil, "replace", is, other)
	r.git(nil, "replace", commit, r.commit(r.tree(item{file, "a.yaml", other})))
	before := r.git(nil, "for-each-ref")
	got, err := unpacked(r, r.dir, commit)
	if err != nil || fmt.Sprint(got) != "map[a.yaml:one\n$Id$\n]" {
		t.Errorf("%q %v", got, err)
	}
	entries, err := os.ReadDir(r.dir)
	if err != nil || len(entries) != 1 || r.git(nil, "for-each-ref") != before {
		t.Errorf("it left %v: %v", entries, err)
	}
	if _, err := os.Stat(filepath.Join(r.dir, ".git", "index")); err == nil {
		t.Error("there is an index")
	}
}

// TestClonesThatLackSomething: nothing is fetched, and it is said what is missing.
func TestClonesThatLackSomething(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.git(nil, "config", "uploadpack.allowFilter", "true")
	first := r.commit(r.tree(item{file, "a.yaml", r.blob("one")}))
	second := r.git([]byte("second"), "commit-tree", "-p", first, r.tree(item{file, "a.yaml", r.blob("two")}))
	r.git(nil, "update-ref", "refs/heads/main", second)
	r.git(nil, "symbolic-ref", "HEAD", "refs/heads/main")
	objects := func(dir string) string { return repository{t, dir}.git(nil, "count-objects", "-v") }
	for _, c := range []struct{ option, revision, want string }{
		{"--depth=1", "HEAD^", "shallow"},
		{"--depth=1", first, "shallow"},
		{"--filter=blob:none", first, ""},
		{"--bare", "no-such", `there is no revision "no-such"`},
	} {
		dir := filepath.Join(t.TempDir(), "clone")
		r.git(nil, "clone", "--quiet", "--no-checkout", c.option, "file://"+r.dir, dir)
		before := objects(dir)
		git, err := revision.Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		commit, err := git.Commit(t.Context(), c.revision)
		if c.want == "" && err == nil {
			err = git.Unpack(t.Context(), commit, t.TempDir(), most, yaml)
		}
		var none *revision.NotFoundError
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.As(err, &none) != (c.want != "") {
			t.Errorf("%s in a clone with %s: %v", c.revision, c.option, err)
		}
		if after := objects(dir); after != before {
			t.Errorf("%s in a clone with %s fetched something", c.revision, c.option)
		}
	}
}

// TestBelowADirectory reads what lies below, by names that begin there.
func TestBelowADirectory(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	below := r.tree(item{file, "a.yaml", r.blob("a")})
	commit := r.commit(r.tree(item{folder, "*", r.tree(item{file, "b.yaml", r.blob("b")})}, item{folder, "net work", below}))
	for name, want := range map[string]string{"net work": "map[a.yaml:a]", "*": "map[b.yaml:b]", "": fmt.Sprint(map[string]string{"*/b.yaml": "b", "net work/a.yaml": "a"})} {
		dir := filepath.Join(r.dir, name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		got, err := unpacked(r, dir, commit)
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("below %q: %v, expected %s: %v", name, diag.SortedKeys(got), want, err)
		}
	}
	for name, want := range map[string]bool{"net work": true, "*": true, "": true, "net": false, "net work/deeper": false, "n*": false} {
		dir := filepath.Join(r.dir, name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		git, err := revision.Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if holds, err := git.Holds(t.Context(), commit); err != nil || holds != want {
			t.Errorf("%q holds something: %v, %v", name, holds, err)
		}
	}
}

// TestOpenSaysWhatToDo in places of which git reads nothing.
func TestOpenSaysWhatToDo(t *testing.T) {
	r := newRepository(t)
	if _, err := revision.Open(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "in no Git repository") {
		t.Errorf("beside every repository: %v", err)
	}
	t.Setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
	if _, err := revision.Open(t.Context(), r.dir); err == nil || !strings.Contains(err.Error(), "safe.directory") {
		t.Errorf("somebody else's repository: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := revision.Open(t.Context(), r.dir); !errors.Is(err, revision.ErrNoGit) {
		t.Errorf("without git: %v", err)
	}
}
