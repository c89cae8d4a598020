// Package revision reads files of a Git repository at a revision, by Git's plumbing: rev-parse,
// ls-tree and cat-file.
//
// Its invariant: what it reads are the bytes of the objects, with no filter, attribute or
// replacement of whoever wrote them; the work tree and the index are neither read nor touched,
// nothing is fetched, and no hook runs.
//
// It must not know what is in the files.
package revision

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// Repository is a checkout, or any directory of it.
type Repository struct {
	Dir string // on the disk
	// Prefix is the directory's place in the repository, with a slash at its end.
	Prefix string
}

// ErrNoGit says that there is no program git.
var ErrNoGit = errors.New("git is not there")

// NotFoundError says that a revision is none of the repository's.
type NotFoundError struct {
	Revision string
	Shallow  bool // the clone has no history: the revision may exist elsewhere
}

// Error is one clause for people.
func (e *NotFoundError) Error() string {
	if e.Shallow {
		return fmt.Sprintf("%q is not in this clone, which is shallow", e.Revision)
	}
	return fmt.Sprintf("there is no revision %q", e.Revision)
}

// Open finds the repository of a directory. The error is ErrNoGit, or says that there is none.
func Open(ctx context.Context, dir string) (*Repository, error) {
	if _, err := exec.LookPath("git"); err != nil {
		return nil, ErrNoGit
	}
	r := &Repository{Dir: dir}
	out, err := r.git(ctx, nil, "rev-parse", "--show-prefix")
	if err != nil {
		return nil, fmt.Errorf("%s is in no Git repository", dir)
	}
	r.Prefix = strings.TrimSuffix(string(out), "\n")
	return r, nil
}

// git runs a command of Git's plumbing. What a user's or the system's configuration says of
// hooks, monitors and replacements does not count.
func (r *Repository) git(ctx context.Context, in io.Reader, args ...string) ([]byte, error) {
	fixed := []string{"--no-replace-objects", "--literal-pathspecs", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.DevNull}
	cmd := exec.CommandContext(ctx, "git", append(fixed, args...)...)
	cmd.Dir, cmd.Stdin = r.Dir, in
	cmd.Env = append(os.Environ(), "LC_ALL=C", "GIT_NO_LAZY_FETCH=1", "GIT_TERMINAL_PROMPT=0", "GIT_NO_REPLACE_OBJECTS=1")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
		return nil, fmt.Errorf("git %s: %w: %s", args[0], err, first)
	}
	return out.Bytes(), nil
}

// Commit looks up what a revision is.
func (r *Repository) Commit(ctx context.Context, revision string) (string, error) {
	out, err := r.git(ctx, nil, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}")
	if err != nil {
		shallow, _ := r.git(ctx, nil, "rev-parse", "--is-shallow-repository")
		return "", &NotFoundError{revision, strings.TrimSpace(string(shallow)) == "true"}
	}
	return strings.TrimSpace(string(out)), nil
}

// entry is a file of a tree.
type entry struct {
	mode, object string
	size         int64
	name         string // below the prefix
}

// Unpack writes the files of a commit below the repository's directory into an empty one, links
// as links: those that are wanted by their names. A file that is larger than most gets a hole
// in the place of its bytes, so that whoever reads it meets its size.
func (r *Repository) Unpack(ctx context.Context, commit, into string, most int64, wanted func(name string) bool) error {
	entries, err := r.list(ctx, commit, wanted)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(into)
	if err != nil {
		return err
	}
	defer root.Close()
	var names bytes.Buffer
	for _, e := range entries {
		if e.size <= most {
			names.WriteString(e.object + "\n")
		}
	}
	out, err := r.git(ctx, &names, "cat-file", "--batch")
	if err != nil {
		return err
	}
	blobs := bufio.NewReader(bytes.NewReader(out))
	for _, e := range entries {
		var data []byte
		if e.size <= most {
			if data, err = blob(blobs, e); err != nil {
				return err
			}
		}
		if err := write(root, e, data); err != nil {
			return fmt.Errorf("%s of %s: %w", e.name, commit, err)
		}
	}
	return nil
}

// list is what ls-tree says of a commit, in its order.
func (r *Repository) list(ctx context.Context, commit string, wanted func(string) bool) ([]entry, error) {
	args := []string{"ls-tree", "-r", "-z", "-l", "--full-tree", commit}
	if r.Prefix != "" {
		args = append(args, "--", r.Prefix)
	}
	out, err := r.git(ctx, nil, args...)
	if err != nil {
		return nil, err
	}
	var all []entry
	for record := range strings.SplitSeq(string(out), "\x00") {
		about, name, ok := strings.Cut(record, "\t")
		fields := strings.Fields(about)
		if !ok || len(fields) != 4 || fields[1] != "blob" { // a submodule is somebody else's repository
			continue
		}
		e := entry{mode: fields[0], object: fields[2], name: strings.TrimPrefix(name, r.Prefix)}
		if e.size, err = strconv.ParseInt(fields[3], 10, 64); err != nil {
			return nil, fmt.Errorf("%s of %s is not in this clone: git fetch it", name, commit)
		}
		if wanted(e.name) || e.mode == link {
			all = append(all, e)
		}
	}
	return all, nil
}

// link is the mode of symbolic links.
const link = "120000"

// blob reads the next object of a batch.
func blob(r *bufio.Reader, e entry) ([]byte, error) {
	head, err := r.ReadString('\n')
	fields := strings.Fields(head)
	if err != nil || len(fields) != 3 || fields[0] != e.object {
		return nil, fmt.Errorf("%s: git has no object %s: fetch it", e.name, e.object)
	}
	data := make([]byte, e.size)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, fmt.Errorf("%s: %w", e.name, err)
	}
	_, err = r.Discard(1)
	return data, err
}

// write puts a file into the root, and nothing outside of it whatever its name is.
func write(root *os.Root, e entry, data []byte) error {
	name := filepath.FromSlash(e.name)
	if err := root.MkdirAll(filepath.FromSlash(path.Dir(e.name)), 0o700); err != nil {
		return err
	}
	if e.mode == link {
		return root.Symlink(string(data), name)
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if data == nil {
		err = f.Truncate(e.size)
	} else {
		_, err = f.Write(data)
	}
	return errors.Join(err, f.Close())
}
