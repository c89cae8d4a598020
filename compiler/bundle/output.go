package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrRefused wraps the reason why a place is not written to, or not compared.
var ErrRefused = errors.New("output refused")

// Output is a place for a bundle: a directory, or an archive by the end of its
// name (.tar.gz, .tgz).
type Output struct {
	name    string // as the user wrote it
	path    string // absolute
	input   string // directory that the bundle is built from
	archive bool
}

// At returns the output that the user named, for a bundle that is built from the directory input.
// It refuses what can never be one: another kind of address, a symbolic link, a way that leads
// through one of the input's own, and a directory that holds the input.
func At(name, input string) (*Output, error) {
	o := &Output{name: filepath.ToSlash(name), archive: isArchive(name)}
	if scheme, _, ok := strings.Cut(name, "://"); ok {
		return nil, o.refused("%s:// is not supported; name a directory or a .tar.gz", scheme)
	}
	var err error
	if o.path, err = filepath.Abs(name); err != nil {
		return nil, err
	}
	if o.input, err = filepath.Abs(input); err != nil {
		return nil, err
	}
	info, err := os.Lstat(o.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, plain(err)
	}
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return nil, o.refused("is a symbolic link; name what it leads to")
	}
	if link := o.byLink(); link != "" {
		return nil, o.refused("leads through the symbolic link %s into or out of the directory of the intents; name the place itself", link)
	}
	if err != nil {
		return o, nil
	}
	switch {
	case o.archive && info.IsDir():
		return nil, o.refused("is a directory; an archive is a file")
	case o.archive && !info.Mode().IsRegular():
		return nil, o.refused("is neither a file nor absent")
	case !o.archive && !info.IsDir():
		return nil, o.refused("is not a directory; the name of an archive ends in .tar.gz")
	case !o.archive && Within(o.path, o.input):
		return nil, o.refused("holds the intents; choose a directory of its own")
	}
	return o, nil
}

// refused makes the error of an output that must not be written to.
func (o *Output) refused(format string, args ...any) error {
	return fmt.Errorf("%w: %s %s", ErrRefused, o.name, fmt.Sprintf(format, args...))
}

// byLink finds a symbolic link on the way to the output that is one of the input's own files, or
// that leads into the input from outside: who writes there does not write where it seems. It is
// empty where there is none.
func (o *Output) byLink() string {
	for p := filepath.Dir(o.path); filepath.Dir(p) != p; p = filepath.Dir(p) {
		info, err := os.Lstat(p)
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			continue
		}
		asNamed := p == o.input || strings.HasPrefix(o.input, p+string(filepath.Separator))
		if Within(o.input, filepath.Dir(p)) || !asNamed && Within(o.input, p) {
			return filepath.Base(p)
		}
	}
	return ""
}

// Within reports whether the path p is a directory, of output or input, or lies below it. Files are
// compared, and not names, so that neither links nor the case of letters deceive it.
func Within(dir, p string) bool {
	top, err := os.Stat(dir)
	if err != nil {
		return false
	}
	if p, err = filepath.Abs(p); err != nil {
		return false
	}
	if p, err = filepath.EvalSymlinks(p); err != nil {
		return false
	}
	for ; ; p = filepath.Dir(p) {
		if info, err := os.Stat(p); err == nil && os.SameFile(info, top) {
			return true
		}
		if filepath.Dir(p) == p {
			return false
		}
	}
}

// Prepare sets right what a killed run left behind, and refuses a place that must
// not be replaced, before any work is done for it.
func (o *Output) Prepare() error {
	if err := o.recover(); err != nil {
		return plain(err)
	}
	return o.replaceable()
}

// replaceable refuses a place that holds anything but a bundle of ours: what a
// bundle's index does not name is somebody else's, and is never lost. Where another run
// puts its bundle there while this one looks, it looks again.
func (o *Output) replaceable() (err error) {
	for range attempts {
		before, absent := os.Lstat(o.path)
		switch {
		case errors.Is(absent, fs.ErrNotExist):
			return nil
		case absent != nil:
			return plain(absent)
		}
		if err = o.holdsOurs(before); err == nil {
			return nil
		}
		if after, gone := os.Lstat(o.path); gone == nil && os.SameFile(before, after) {
			return err
		}
	}
	return err
}

// holdsOurs refuses an output whose directory holds anything but a bundle of ours.
func (o *Output) holdsOurs(info fs.FileInfo) error {
	switch {
	case o.archive:
		return o.replaceableFile(info.Size())
	case Within(o.path, "."):
		return o.refused("is or holds the current directory, which would be replaced; call portcullis from elsewhere")
	}
	fsys := os.DirFS(o.path)
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return plain(err)
	}
	if len(entries) == 0 {
		return nil
	}
	index, err := readMark(fsys, IndexFile)
	switch {
	case errors.Is(err, errNoMark):
		return o.refused("is not empty and was not written by portcullis; choose another directory, or empty it")
	case err != nil:
		return plain(err)
	}
	var foreign []string
	err = fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if _, listed := index.Outputs[name]; err == nil && !listed && name != IndexFile && !entry.IsDir() {
			foreign = append(foreign, name)
		}
		return err
	})
	switch n := len(foreign); {
	case err != nil:
		return plain(err)
	case n > named:
		return o.refused("holds %d files that portcullis did not write, among them %s; move them away, or choose another directory", n, strings.Join(foreign[:named], ", "))
	case n > 0:
		return o.refused("holds what portcullis did not write: %s; move it away, or choose another directory", strings.Join(foreign, ", "))
	}
	return nil
}

// named is how many files of somebody else a refusal names.
const named = 5

// replaceableFile refuses an output that is a file and no archive of ours; an empty one may be
// replaced.
func (o *Output) replaceableFile(size int64) error {
	if size == 0 {
		return nil
	}
	f, err := os.Open(o.path)
	if err != nil {
		return plain(err)
	}
	defer f.Close()
	b, err := readArchive(f)
	if err == nil {
		_, err = parseMark(b[IndexFile])
	}
	if err != nil {
		return o.refused("was not written by portcullis (%v); choose another name, or remove it", err)
	}
	return nil
}

// plain drops the system call and the way to the output's file from an error that people read.
func plain(err error) error {
	var pathError *fs.PathError
	var linkError *os.LinkError
	switch {
	case errors.As(err, &pathError):
		return fmt.Errorf("%s: %w", filepath.Base(pathError.Path), pathError.Err)
	case errors.As(err, &linkError):
		return fmt.Errorf("%s: %w", filepath.Base(linkError.New), linkError.Err)
	}
	return err
}
