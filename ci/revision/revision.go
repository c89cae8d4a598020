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

// Error says that a revision was not found, in one clause for people.
func (e *NotFoundError) Error() string {
	if e.Shallow {
		return fmt.Sprintf("%q is not in this clone, which is shallow", e.Revision)
	}
	return fmt.Sprintf("there is no revision %q", e.Revision)
}

// Open finds the Git repository of a directory, to read revisions of it. The error is ErrNoGit,
// or says that there is none.
func Open(ctx context.Context, dir string) (*Repository, error) {
	if _, err := exec.LookPath("git"); err != nil {
		return nil, ErrNoGit
	}
	r := &Repository{Dir: dir}
	out, err := r.git(ctx, "rev-parse", "--show-prefix")
	switch {
	case err != nil && strings.Contains(err.Error(), "dubious ownership"):
		return nil, fmt.Errorf("%s is somebody else's, of whom git reads nothing unless it is told to: git config --global --add safe.directory DIRECTORY", dir)
	case err != nil:
		return nil, fmt.Errorf("%s is in no Git repository", dir)
	}
	r.Prefix = strings.TrimSuffix(string(out), "\n")
	return r, nil
}

// git runs a command of Git's plumbing, such as rev-parse for a revision. What a user's or the
// system's configuration says of hooks, monitors and replacements does not count.
func (r *Repository) git(ctx context.Context, args ...string) (out []byte, err error) {
	err = r.stream(ctx, nil, func(printed *bufio.Reader) (err error) {
		out, err = io.ReadAll(printed)
		return err
	}, args...)
	return out, err
}

// stream runs a command of Git's plumbing, and ends it where nobody wants to read on. What a
// user's or the system's configuration says of hooks, monitors and replacements does not count,
// and no transport is allowed: a release of Git that would fetch what a clone lacks cannot.
func (r *Repository) stream(ctx context.Context, in io.Reader, read func(*bufio.Reader) error, args ...string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	fixed := []string{"--no-replace-objects", "--literal-pathspecs", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.DevNull}
	cmd := exec.CommandContext(ctx, "git", append(fixed, args...)...)
	cmd.Dir, cmd.Stdin = r.Dir, in
	cmd.Env = append(os.Environ(), "LC_ALL=C", "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none", "GIT_TERMINAL_PROMPT=0", "GIT_NO_REPLACE_OBJECTS=1")
	var said bytes.Buffer
	cmd.Stderr = &said
	printed, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	failed := read(bufio.NewReaderSize(printed, 1<<16))
	if failed != nil {
		stop()
	}
	if err := cmd.Wait(); err != nil && said.Len() > 0 {
		first, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
		return fmt.Errorf("git %s: %w: %s", args[0], err, first)
	} else if failed == nil && err != nil {
		return fmt.Errorf("git %s: %w", args[0], err)
	}
	return failed
}

// Commit looks up which commit a revision is.
func (r *Repository) Commit(ctx context.Context, revision string) (string, error) {
	out, err := r.git(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}")
	if err != nil {
		shallow, _ := r.git(ctx, "rev-parse", "--is-shallow-repository")
		return "", &NotFoundError{revision, strings.TrimSpace(string(shallow)) == "true"}
	}
	return strings.TrimSpace(string(out)), nil
}

// Holds reports whether there is anything at a commit below the repository's directory.
func (r *Repository) Holds(ctx context.Context, commit string) (bool, error) {
	args := []string{"ls-tree", "--name-only", "--full-tree", commit}
	if r.Prefix != "" {
		args = append(args, "--", r.Prefix)
	}
	out, err := r.git(ctx, args...)
	return len(out) > 0, err
}

// entry is a file of a tree.
type entry struct {
	mode, object string
	size         int64
	name         string // below the prefix
}

// Limits bound what is read of a commit: a tree of a few kilobytes may name the same blob a
// million times, and itself a subtree of itself's size, ten levels deep.
type Limits struct {
	FileBytes  int64 // of a file; what is larger gets a hole in the place of its bytes
	TotalBytes int64 // of all files that are wanted
	Files      int   // that are wanted
	Listed     int   // files that there are at all
}

// Unpack writes the files of a revision's commit below the repository's directory into an empty
// one, links as links: those that are wanted by their names. A file that is larger than most gets
// a hole in the place of its bytes, so that whoever reads it meets its size.
func (r *Repository) Unpack(ctx context.Context, commit, into string, most Limits, wanted func(name string) bool) error {
	entries, err := r.list(ctx, commit, most, wanted)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(into)
	if err != nil {
		return err
	}
	defer root.Close()
	return r.each(ctx, entries, most, func(e entry, data []byte) error {
		if err := write(root, e, data); err != nil {
			return fmt.Errorf("%q of %s: %w", e.name, commit, err)
		}
		return nil
	})
}

// each reads the bytes of a commit's files, in their order; of one that is larger than most there
// are none.
func (r *Repository) each(ctx context.Context, entries []entry, most Limits, do func(e entry, data []byte) error) error {
	var names bytes.Buffer
	for _, e := range entries {
		if e.size <= most.FileBytes {
			names.WriteString(e.object + "\n")
		}
	}
	return r.stream(ctx, &names, func(blobs *bufio.Reader) (err error) {
		for _, e := range entries {
			var data []byte
			if e.size <= most.FileBytes {
				if data, err = blob(blobs, e); err != nil {
					return err
				}
			}
			if err := do(e, data); err != nil {
				return err
			}
		}
		return nil
	}, "cat-file", "--batch", "--buffer")
}

// list lists the files of a revision's commit as ls-tree does, in its order.
func (r *Repository) list(ctx context.Context, commit string, most Limits, wanted func(string) bool) ([]entry, error) {
	args := []string{"ls-tree", "-r", "-z", "-l", "--full-tree", commit}
	if r.Prefix != "" {
		args = append(args, "--", r.Prefix)
	}
	var all []entry
	err := r.stream(ctx, nil, func(records *bufio.Reader) error {
		var total int64
		for listed := 0; ; listed++ {
			record, err := records.ReadString(0)
			if errors.Is(err, io.EOF) {
				return nil
			}
			about, name, ok := strings.Cut(strings.TrimSuffix(record, "\x00"), "\t")
			fields := strings.Fields(about)
			switch {
			case err != nil:
				return err
			case !ok || len(fields) != 4:
				return fmt.Errorf("git ls-tree printed %.100q", record)
			case listed >= most.Listed:
				return fmt.Errorf("%s has more than %d files", commit, most.Listed)
			case fields[1] != "blob": // a submodule is somebody else's repository
				continue
			case !isCheckedOut(name):
				return fmt.Errorf("%s names a file %.200q, which no checkout has", commit, name)
			}
			e := entry{mode: fields[0], object: fields[2], name: strings.TrimPrefix(name, r.Prefix)}
			if !wanted(e.name) && e.mode != link {
				continue
			}
			if e.size, err = strconv.ParseInt(fields[3], 10, 64); err != nil {
				return fmt.Errorf("%q of %s is not in this clone: git fetch it", name, commit)
			}
			if e.mode == link && e.size > longestLink {
				return fmt.Errorf("%q of %s is a link of %d bytes, which no system takes", name, commit, e.size)
			}
			if e.size <= most.FileBytes {
				total += e.size
			}
			if all = append(all, e); len(all) > most.Files || total > most.TotalBytes {
				return fmt.Errorf("%s has more than %d files that are read, or %d bytes in them", commit, most.Files, most.TotalBytes)
			}
		}
	}, args...)
	return all, err
}

// isCheckedOut tells names that Git puts into a work tree from those that it refuses there:
// objects may hold any.
func isCheckedOut(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || strings.EqualFold(part, ".git") {
			return false
		}
	}
	return true
}

// longestLink is how long a path may be where links are read.
const longestLink = 4096

// link is the mode of symbolic links.
const link = "120000"

// blob reads the next of a revision's files from a batch of objects that Git's cat-file answers
// with.
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

// write puts a file of a revision into the root, and nothing outside of it whatever its name is.
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
