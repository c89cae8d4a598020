package bundle

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// stage is a directory beside an output, on the same file system, in which a
// bundle becomes whole. Its owner holds a lock on it, which ends with the process
// however that ends: a stage that nobody holds was left behind.
//
//	.NAME.portcullis-NUMBER/new   what is being written; after an exchange, what was replaced
//	.NAME.portcullis-NUMBER/old   what went aside, where there is no exchange
type stage struct {
	dir  string
	lock *os.File
}

// fresh returns where in the stage the new bundle is written.
func (s *stage) fresh() string { return filepath.Join(s.dir, "new") }

// aside returns where in the stage the replaced bundle goes where paths cannot be exchanged.
func (s *stage) aside() string { return filepath.Join(s.dir, "old") }

// stagePrefix returns what the names of all stages for an output begin with, of this run and of
// killed ones.
func (o *Output) stagePrefix() string { return "." + filepath.Base(o.path) + ".portcullis-" }

// attempts bounds how often a new stage may be taken for one left behind, by a run
// that saw it before it was locked.
const attempts = 100

// newStage makes a stage beside the output and locks it, again where another run cleared it up
// meanwhile.
func (o *Output) newStage() (*stage, error) {
	for range attempts {
		dir, err := os.MkdirTemp(filepath.Dir(o.path), o.stagePrefix())
		if err != nil {
			return nil, o.keptFrom(err)
		}
		s, err := claim(dir)
		if err != nil || s != nil {
			return s, err
		}
	}
	return nil, errors.New("other runs keep clearing " + o.name + " up")
}

// keptFrom says of the directory that the output is in, and not of a stage, whose name is drawn,
// why no stage came to be.
func (o *Output) keptFrom(err error) error {
	var inStage *fs.PathError
	if errors.As(err, &inStage) {
		return &fs.PathError{Op: inStage.Op, Path: filepath.Dir(o.path), Err: inStage.Err}
	}
	return err
}

// claim locks a stage. It is nil where another process holds it, removed it
// meanwhile, or keeps it from us.
func claim(dir string) (*stage, error) {
	f, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !lock(f) {
		return nil, f.Close()
	}
	held, heldErr := f.Stat()
	there, thereErr := os.Lstat(dir)
	if heldErr == nil && thereErr == nil && os.SameFile(held, there) {
		return &stage{dir: dir, lock: f}, nil
	}
	_ = unlock(f) // what it locked is gone
	return nil, nil
}

// recover sets right what a run left behind that was killed: it puts back what
// went aside with nothing in its place, and clears the rest. Stages of runs that
// go on are left alone.
func (o *Output) recover() error {
	entries, err := os.ReadDir(filepath.Dir(o.path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		number, ok := strings.CutPrefix(entry.Name(), o.stagePrefix())
		if !ok || !entry.IsDir() || strings.Trim(number, "0123456789") != "" {
			continue
		}
		s, err := claim(filepath.Join(filepath.Dir(o.path), entry.Name()))
		if err != nil {
			return err
		}
		if s == nil {
			continue
		}
		if err := errors.Join(s.putBack(o.path), s.remove()); err != nil {
			return err
		}
	}
	return nil
}

// putBack undoes a swap that went half its way.
func (s *stage) putBack(place string) error {
	if _, err := os.Lstat(place); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := rename(s.aside(), place); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// rename and step are variables for the tests that kill a process at each change that it
// makes on the disk: step does nothing.
var (
	rename = os.Rename
	step   = func() {}
)

// swap puts what was written in the stage in a place that is absent or a directory.
func (s *stage) swap(place string) error {
	if _, err := os.Lstat(place); errors.Is(err, fs.ErrNotExist) {
		return rename(s.fresh(), place)
	}
	if exchange(s.fresh(), place) == nil {
		return nil
	}
	// Not here, or not at all: the renames say which. A run that is killed between
	// them leaves nothing in the place; the next one puts back what went aside.
	if err := rename(place, s.aside()); err != nil {
		return err
	}
	if err := rename(s.fresh(), place); err != nil {
		return errors.Join(err, rename(s.aside(), place))
	}
	return nil
}

// remove clears the stage. What is in it stays marked as a bundle for as long as
// it holds anything else, so that no run takes its files for input.
func (s *stage) remove() error {
	_ = unlock(s.lock) // first: some systems remove nothing that is open
	for _, dir := range []string{s.fresh(), s.aside()} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // absent, or a file
		}
		for _, entry := range entries {
			if entry.Name() != IndexFile {
				if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
					return err
				}
				step()
			}
		}
	}
	return os.RemoveAll(s.dir)
}
