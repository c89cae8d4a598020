//go:build unix

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"portcullis.dev/policies/diag"
)

// namesThePlace runs every command that writes files where the machine does not let it: the
// exit code is 3, the place is named as it was written, no name that was drawn is shown, and
// nothing is there afterwards. A name that leads nowhere a directory can be is a mistake.
func (p builtProgram) namesThePlace(t *testing.T) {
	t.Parallel()
	top := openDirectory(t)
	fleet(t, filepath.Join(top, "repo"), "places", nil)
	closed := filepath.Join(top, "closed")
	const untidy = "kind: NetworkIntent\napiVersion: portcullis.dev/v1alpha1\nmetadata: {name: a, namespace: shop-1}\nspec: {}\n"
	if err := errors.Join(os.Mkdir(closed, 0o755), os.WriteFile(filepath.Join(closed, "a.yaml"), []byte(untidy), 0o644), os.WriteFile(filepath.Join(top, "file"), nil, 0o644), os.Chmod(closed, 0o555)); err != nil {
		t.Fatal(err)
	}
	before := filesOf(t, top)
	for _, test := range []struct {
		line string
		cwd  string
		code int
		says string
	}{
		{"init ./closed/", "", exitMachine, "./closed/: .portcullis: permission denied"},
		{"init ./closed/new/er", "", exitMachine, "./closed/new/er: permission denied"},
		{"init closed/../closed", "", exitMachine, "closed/../closed: .portcullis: permission denied"},
		{"init", "closed", exitMachine, ".portcullis: permission denied"},
		{"init ./new --from repo", "closed", exitInput, "repo: no such file or directory"},
		{"ci github --write", "closed", exitMachine, ".github/actions/portcullis: permission denied"},
		{"ci argocd --write", "closed", exitMachine, "application.yaml: permission denied"},
		{"schema --out ./closed/", "", exitMachine, "--out ./closed/: baseline.schema.json: permission denied"},
		{"schema --out ./closed/x/", "", exitMachine, "--out ./closed/x/: permission denied"},
		{"build repo --out ./closed/b/", "", exitMachine, "--out ./closed/b/: closed: permission denied"},
		{"build repo --out closed/b.tar.gz", "", exitMachine, "--out closed/b.tar.gz: closed: permission denied"},
		{"build repo --out closed/x/y", "", exitMachine, "--out closed/x/y: x: permission denied"},
		{"fmt -w closed", "", exitMachine, "closed/a.yaml: permission denied"},
		{"init ./file", "", exitInput, "./file: not a directory"},
		{"init ./file/x", "", exitInput, "./file/x: not a directory"},
		{"schema --out ./file", "", exitInput, "--out ./file: not a directory"},
		{"schema --out file/x", "", exitInput, "--out file/x: not a directory"},
	} {
		cmd := exec.Command(p.path, strings.Fields(test.line)...)
		cmd.Dir = filepath.Join(top, test.cwd)
		if os.Getuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		}
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		if code := cmd.ProcessState.ExitCode(); code != test.code || string(out) != "portcullis: "+test.says+"\n" {
			t.Errorf("%s: exit %d, expected %d and %q:\n%s", test.line, code, test.code, test.says, out)
		}
	}
	if after := filesOf(t, top); fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("it wrote something:\n%v\nafter\n%v", diag.SortedKeys(after), diag.SortedKeys(before))
	}
}

// TestWriteError tells the machine's reasons from mistakes, those too that no test can bring
// about on every machine, such as a full disk.
func TestWriteError(t *testing.T) {
	t.Parallel()
	for reason, code := range map[error]int{
		syscall.ENOSPC: exitMachine, syscall.EDQUOT: exitMachine, syscall.EROFS: exitMachine, syscall.EIO: exitMachine,
		syscall.EACCES: exitMachine, syscall.EPERM: exitMachine, syscall.EMFILE: exitMachine, syscall.EFBIG: exitMachine,
		syscall.ENOTDIR: exitInput, syscall.EISDIR: exitInput, syscall.ELOOP: exitInput, syscall.ENAMETOOLONG: exitInput,
		syscall.EEXIST: exitInput, syscall.ENOENT: exitInput, syscall.EINVAL: exitInput,
		errors.New("not a regular file"): exitInput,
	} {
		for _, err := range []error{
			reason,
			&fs.PathError{Op: "write", Path: "x/.file.new-123", Err: reason},
			&os.LinkError{Op: "rename", Old: ".file.new-123", New: "file", Err: reason},
			errors.Join(&fs.PathError{Op: "write", Path: ".file.new-123", Err: reason}, errors.New("and more")),
		} {
			for _, where := range [][3]string{{"./x/", "file", "./x/: file: "}, {"./x/", "", "./x/: "}, {"", "file", "file: "}} {
				var said strings.Builder
				p := &program{streams: streams{err: &said}}
				got := p.exit(writeError(where[0], where[1], err))
				if want := "portcullis: " + where[2] + reason.Error() + "\n"; got != code || said.String() != want {
					t.Errorf("%v: exit %d, expected %d, and %q, expected %q", err, got, code, said.String(), want)
				}
			}
		}
	}
}
