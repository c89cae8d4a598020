//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"portcullis.dev/policies/diag"
)

// TestProgram tries the program as it is shipped, without what tests and the race
// detector would add to it, in processes of its own.
func TestProgram(t *testing.T) {
	t.Parallel()
	p := builtProgram{filepath.Join(openDirectory(t), "portcullis")}
	if out, err := exec.Command("go", "build", "-ldflags", "-X main.release=v0.0.0-test", "-o", p.path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Run("tells its release", p.tellsItsRelease)
	t.Run("gives the same bytes everywhere", p.givesTheSameBytes)
	t.Run("writes nothing where it may not", p.writesNothing)
	t.Run("names the place", p.namesThePlace)
	t.Run("is killed", p.isKilled)
	t.Run("costs little", p.costsLittle)
	t.Run("refuses what is hostile", p.refusesWhatIsHostile)
}

type builtProgram struct{ path string }

// nobody is a user who owns nothing.
const nobody = 65534

// openDirectory is a directory that other users may enter.
func openDirectory(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// tellsItsRelease: one variable of the linker is what both version and the bundle
// say.
func (p builtProgram) tellsItsRelease(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fleet(t, filepath.Join(dir, "repo"), "release", nil)
	version, err := exec.Command(p.path, "version").Output()
	if err != nil || !strings.HasPrefix(string(version), "portcullis v0.0.0-test ") {
		t.Errorf("version: %q, %v", version, err)
	}
	if out, err := exec.Command(p.path, "build", filepath.Join(dir, "repo"), "--out", filepath.Join(dir, "out")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	index, err := os.ReadFile(filepath.Join(dir, "out", "bundle.json"))
	if err != nil || !bytes.Contains(index, []byte(`"tool": "v0.0.0-test"`)) {
		t.Errorf("bundle.json: %v\n%s", err, index)
	}
}

// givesTheSameBytes builds one repository in many surroundings: as a stream, as a
// directory and as an archive, the result is the same to the byte and the mode.
func (p builtProgram) givesTheSameBytes(t *testing.T) {
	t.Parallel()
	type surroundings struct {
		environ []string // nothing else is in the environment
		umask   string
		uid     uint32
		cwd     string // relative to the directory that holds the repository; "" is that directory
		reverse bool   // the order in which the repository's files were made
	}
	plain := surroundings{environ: []string{"TZ=UTC", "LANG=C", "GOMAXPROCS=1", "HOME=/"}, umask: "022"}
	others := map[string]surroundings{
		"another time zone":          {environ: []string{"TZ=Asia/Kathmandu", "LANG=C"}, umask: "022"},
		"another language":           {environ: []string{"LANG=tr_TR.UTF-8", "LC_ALL=tr_TR.UTF-8", "LC_COLLATE=de_DE"}, umask: "022"},
		"no environment":             {umask: "022"},
		"a closed umask":             {umask: "077"},
		"an open umask":              {umask: "000"},
		"many processors":            {environ: []string{"GOMAXPROCS=16"}, umask: "022"},
		"another directory":          {cwd: "some/where/else", umask: "022"},
		"the repository itself":      {cwd: "repo", umask: "022"},
		"files in another order":     {reverse: true, umask: "022"},
		"everything else at a time ": {environ: []string{"TZ=America/St_Johns", "LC_ALL=C.UTF-8", "GOMAXPROCS=7", "USER=x", "HOSTNAME=y"}, umask: "027", cwd: "repo", reverse: true},
	}
	if os.Getuid() == 0 {
		others["another user"] = surroundings{uid: nobody, umask: "022"}
	} else {
		t.Log("not run by root: the user is NOT varied")
	}
	type result struct {
		stream, archive string
		files           map[string]string
	}
	build := func(t *testing.T, s surroundings) result {
		t.Helper()
		dir := openDirectory(t)
		fleet(t, filepath.Join(dir, "repo"), "the same bytes", func(names []string) {
			if s.reverse {
				slices.Reverse(names)
			}
		})
		cwd, outputs := filepath.Join(dir, s.cwd), filepath.Join(dir, "outputs")
		for _, d := range []string{cwd, outputs} {
			if err := os.MkdirAll(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(outputs, 0o777); err != nil {
			t.Fatal(err)
		}
		repo, err := filepath.Rel(cwd, filepath.Join(dir, "repo"))
		if err != nil {
			t.Fatal(err)
		}
		run := func(args ...string) string {
			// The shell sets the umask, which a process hands down to its children.
			cmd := exec.Command("/bin/sh", append([]string{"-c", `umask "$0" && exec "$@"`, s.umask, p.path, "build", repo}, args...)...)
			cmd.Dir, cmd.Env = cwd, append([]string{}, s.environ...)
			if s.uid != 0 {
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: s.uid, Gid: s.uid}}
			}
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			stdout, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, stderr.String())
			}
			return string(stdout)
		}
		var r result
		r.stream = run()
		run("--out", filepath.Join(outputs, "out"))
		run("--out", filepath.Join(outputs, "out.tar.gz"))
		r.files = filesOf(t, filepath.Join(outputs, "out"))
		archive, err := os.ReadFile(filepath.Join(outputs, "out.tar.gz"))
		if err != nil {
			t.Fatal(err)
		}
		r.archive = string(archive)
		return r
	}
	want := build(t, plain)
	if want.stream == "" || len(want.files) < 50 {
		t.Fatalf("there is little to compare: %d bytes, %d files", len(want.stream), len(want.files))
	}
	for name, s := range others {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := build(t, s)
			if got.stream != want.stream {
				t.Error("the stream differs")
			}
			if got.archive != want.archive {
				t.Error("the archive differs")
			}
			if len(got.files) != len(want.files) {
				t.Errorf("%d files, expected %d", len(got.files), len(want.files))
			}
			for _, name := range diag.SortedKeys(want.files) {
				if got.files[name] != want.files[name] {
					t.Errorf("%s is\n%s\nexpected\n%s", name, got.files[name], want.files[name])
				}
			}
		})
	}
}

// writesNothing runs the program as somebody who may not write, or not read what he
// would replace. The machine refuses, which is exit code 3; what was there stays.
func (p builtProgram) writesNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		output string
		close  func(dir string) (file string, mode os.FileMode)
	}{
		"into a closed directory":           {"bundle", func(dir string) (string, os.FileMode) { return dir, 0o555 }},
		"an archive into a closed one":      {"bundle.tar.gz", func(dir string) (string, os.FileMode) { return dir, 0o555 }},
		"over what is not readable":         {"bundle", func(dir string) (string, os.FileMode) { return filepath.Join(dir, "bundle"), 0 }},
		"over an index that is not":         {"bundle", func(dir string) (string, os.FileMode) { return filepath.Join(dir, "bundle", "bundle.json"), 0 }},
		"over an archive that is not":       {"bundle.tar.gz", func(dir string) (string, os.FileMode) { return filepath.Join(dir, "bundle.tar.gz"), 0 }},
		"over a part that is not for lists": {"bundle", func(dir string) (string, os.FileMode) { return filepath.Join(dir, "bundle", "base"), 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			top := openDirectory(t)
			repo, dir := filepath.Join(top, "repo"), filepath.Join(top, "outputs")
			fleet(t, repo, "before", nil)
			if err := os.Mkdir(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			run := func() (int, string) {
				cmd := exec.Command(p.path, "build", repo, "--out", filepath.Join(dir, test.output))
				if os.Getuid() == 0 {
					cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
				}
				out, err := cmd.CombinedOutput()
				if cmd.ProcessState == nil {
					t.Fatal(err)
				}
				return cmd.ProcessState.ExitCode(), string(out)
			}
			if code, out := run(); code != 0 {
				t.Fatalf("exit %d\n%s", code, out)
			}
			before := filesOf(t, dir)
			fleet(t, repo, "after", nil)
			closed, mode := test.close(dir)
			info, err := os.Stat(closed)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(closed, mode); err != nil {
				t.Fatal(err)
			}
			code, out := run()
			if err := os.Chmod(closed, info.Mode()); err != nil {
				t.Fatal(err)
			}
			if code != exitMachine || !strings.Contains(out, "permission denied") {
				t.Errorf("exit %d, expected %d\n%s", code, exitMachine, out)
			}
			if after := filesOf(t, dir); fmt.Sprint(before) != fmt.Sprint(after) {
				t.Errorf("it wrote something:\n%v\nafter\n%v", diag.SortedKeys(after), diag.SortedKeys(before))
			}
		})
	}
}

// fleet writes a repository whose bundle has a few dozen files. The reason shows in
// many of them. The caller may put the repository's files in another order.
func fleet(t *testing.T, dir, reason string, order func([]string)) {
	t.Helper()
	var platform strings.Builder
	platform.WriteString("apiVersion: portcullis.dev/v1alpha1\nkind: Platform\nmetadata: {name: fleet}\nspec:\n  namespaces:\n")
	files := map[string]string{}
	for i := range 12 {
		fmt.Fprintf(&platform, "    shop-%d: {owner: team-%d, nameLabel: app}\n", i, i)
		files[fmt.Sprintf("web-%d.yaml", i)] = fmt.Sprintf("apiVersion: portcullis.dev/v1alpha1\nkind: NetworkIntent\nmetadata: {name: web, namespace: shop-%d}\nspec:\n  ports: {http: 80}\n  inbound:\n    - {from: till, ports: [http], why: %s}\n", i, reason)
		files[fmt.Sprintf("till-%d.yaml", i)] = fmt.Sprintf("apiVersion: portcullis.dev/v1alpha1\nkind: NetworkIntent\nmetadata: {name: till, namespace: shop-%d}\nspec: {}\n", i)
		files[fmt.Sprintf("namespace-%d.yaml", i)] = fmt.Sprintf("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop-%d}\n", i)
	}
	files["portcullis.yaml"] = platform.String()
	names := diag.SortedKeys(files)
	if order != nil {
		order(names)
	}
	for _, name := range names {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(files[name]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// filesOf reads a directory: path → mode and bytes.
func filesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		var data []byte
		if !entry.IsDir() {
			data, err = os.ReadFile(name)
		}
		rel, _ := filepath.Rel(dir, name)
		files[rel] = fmt.Sprintf("%v %s", info.Mode(), data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
