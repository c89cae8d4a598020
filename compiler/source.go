package compiler

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"portcullis.dev/compiler/bundle"
	"portcullis.dev/compiler/intent"
	"portcullis.dev/policies/diag"
)

// Limits bound what one run reads, so that a hostile tree exhausts nobody's
// machine.
type Limits struct {
	FileBytes  int64
	TotalBytes int64
	Files      int
}

// DefaultLimits are far above what the largest fleets need.
func DefaultLimits() Limits {
	return Limits{FileBytes: 8 << 20, TotalBytes: 512 << 20, Files: 200_000}
}

// ReadTree reads every file of YAML or Rego below a directory, in the order of paths. It
// follows no symbolic link and opens nothing but regular files; the content of a
// file that it refuses reaches no message. The error is about the directory
// itself.
func ReadTree(dir string, limits Limits) ([]intent.File, diag.List, error) {
	return readBelow(dir, limits, (*reader).visit)
}

// ReadRepository is ReadTree without the bundles below the directory, which are
// output: what was built must not depend on what was built before.
func ReadRepository(dir string, limits Limits) ([]intent.File, diag.List, error) {
	return readBelow(dir, limits, (*reader).visitRepository)
}

func readBelow(dir string, limits Limits, visit func(*reader, string, fs.DirEntry, error) error) ([]intent.File, diag.List, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, plainPathError(err)
	}
	defer root.Close()
	r := &reader{root: root, limits: limits}
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error { return visit(r, name, entry, err) })
	if errors.Is(err, errLimit) {
		err = nil
	}
	return r.files, r.found, plainPathError(err)
}

// ReadFile reads one file that the user named.
func ReadFile(name string, limits Limits) (intent.File, diag.List, error) {
	root, err := os.OpenRoot(path.Dir(name))
	if err != nil {
		return intent.File{}, nil, plainPathError(err)
	}
	defer root.Close()
	r := &reader{root: root, limits: limits}
	if info, err := root.Stat(path.Base(name)); err != nil {
		return intent.File{}, nil, plainPathError(err)
	} else if !info.Mode().IsRegular() {
		return intent.File{}, diag.List{refusedFile.At(diag.Span{File: name}, "%s, not a file", kindOf(info.Mode()))}, nil
	}
	r.read(path.Base(name))
	for i := range r.files {
		r.files[i].Path = name
	}
	for i := range r.found {
		r.found[i].Span.File = name
	}
	if len(r.files) == 0 {
		return intent.File{}, r.found, nil
	}
	return r.files[0], r.found, nil
}

var errLimit = errors.New("limit reached")

type reader struct {
	root   *os.Root
	limits Limits
	files  []intent.File
	total  int64
	found  diag.List
}

func (r *reader) visit(name string, entry fs.DirEntry, err error) error {
	if err != nil {
		if name == "." {
			return err
		}
		r.found = append(r.found, refusedFile.At(diag.Span{File: name}, "%s", reason(err)).Suggest("make it readable, or keep it out of the directory"))
		return nil
	}
	switch {
	case entry.IsDir() && entry.Name() == ".git":
		return fs.SkipDir
	case entry.IsDir():
		return nil
	case entry.Type()&fs.ModeSymlink != 0:
		r.link(name)
		return nil
	case !isYAML(name) && !intent.IsRego(name):
		return nil
	case !entry.Type().IsRegular():
		r.found = append(r.found, refusedFile.At(diag.Span{File: name}, "%s, not a file", kindOf(entry.Type())))
		return nil
	}
	if len(r.files) >= r.limits.Files {
		r.found = append(r.found, overLimit.At(diag.Span{File: name}, "more than %d files", r.limits.Files).
			Suggest("judge a smaller directory"))
		return errLimit
	}
	return r.read(name)
}

func (r *reader) visitRepository(name string, entry fs.DirEntry, err error) error {
	if err == nil && entry.IsDir() && name != "." && bundle.Marked(r.root.FS(), name) {
		return r.leaveOut(name)
	}
	return r.visit(name, entry, err)
}

// leaveOut passes over a bundle. An intent in it would be passed over in silence,
// by whoever puts an index beside it, and is refused.
func (r *reader) leaveOut(dir string) error {
	passed := &reader{root: r.root, limits: r.limits}
	err := fs.WalkDir(r.root.FS(), dir, passed.visit)
	for _, f := range passed.files {
		if intent.Ours(f) {
			r.found = append(r.found, refusedFile.At(diag.Span{File: f.Path}, "an intent inside the bundle %s", dir).
				Because("a directory with a %s of ours is output: nothing in it is read", bundle.IndexFile).
				Suggest("move the intent out of %s", dir))
		}
	}
	if errors.Is(err, errLimit) {
		r.found = append(r.found, passed.found[len(passed.found)-1])
	}
	if err != nil {
		return err
	}
	return fs.SkipDir
}

// link reports a symbolic link. One with the name of a YAML file could stand for
// an intent, so leaving it out would change what is compiled; any other is only
// worth a word, unless it turns out to stand where rules are: see ownRules.
func (r *reader) link(name string) {
	f := refusedFile.At(diag.Span{File: name}, "a symbolic link, which is not followed").
		Because("a link can lead out of the repository, to files that are not the author's").
		Suggest("put the file itself here")
	if !isYAML(name) {
		info, err := r.root.Stat(name)
		if err == nil && !info.IsDir() && !intent.IsRego(name) {
			return // a link to some other file; directories and dangling links may hide intents
		}
		f.Severity = diag.Warning
	}
	r.found = append(r.found, f)
}

// read opens without blocking: a FIFO that took a file's place since it was listed
// must not hang the run.
func (r *reader) read(name string) error {
	span := diag.Span{File: name}
	f, err := r.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		r.found = append(r.found, refusedFile.At(span, "%s", reason(err)).Suggest("make it readable, or keep it out of the directory"))
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		r.found = append(r.found, refusedFile.At(span, "not a regular file"))
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(f, r.limits.FileBytes+1))
	if err != nil {
		r.found = append(r.found, refusedFile.At(span, "%s", reason(err)))
		return nil
	}
	if int64(len(data)) > r.limits.FileBytes {
		big := overLimit.At(span, "larger than %d MiB", r.limits.FileBytes>>20).Suggest("split it into several files")
		if !intent.Ours(intent.File{Path: name, Data: data}) {
			big.Severity = diag.Warning // somebody else's: it is left out, and says so
		}
		r.found = append(r.found, big)
		return nil
	}
	r.total += int64(len(data))
	if r.total > r.limits.TotalBytes {
		r.found = append(r.found, overLimit.At(span, "more than %d MiB", r.limits.TotalBytes>>20).Suggest("judge a smaller directory"))
		return errLimit
	}
	r.files = append(r.files, intent.File{Path: name, Data: data})
	return nil
}

func isYAML(name string) bool {
	return slices.Contains([]string{".yaml", ".yml"}, strings.ToLower(path.Ext(name)))
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	default:
		return "something else"
	}
}

// reason is the error without its path, which the finding's place already says.
func reason(err error) string {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err.Error()
	}
	return err.Error()
}

// plainPathError drops the system call's name from what people read.
func plainPathError(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return fmt.Errorf("%s: %w", pathError.Path, pathError.Err)
	}
	return err
}
