package bundle

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
)

// writers is how many files are written at a time. A disk that is asked for many
// files' safety at once gives it in about the time of one.
const writers = 16

// Write puts the bundle in its place, in whole: it is written beside it first, and
// swapped in last. The place may be absent, empty or a bundle.
func (o *Output) Write(b Bundle) (err error) {
	if err := o.replaceable(); err != nil {
		return err
	}
	parent := filepath.Dir(o.path)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return plain(err)
	}
	s, err := o.newStage()
	if err != nil {
		return plain(err)
	}
	defer func() { err = errors.Join(err, s.remove()) }()
	if o.archive {
		data, err := b.Archive()
		if err == nil {
			err = writeFile(s.fresh(), data, new(modes))
		}
		if err == nil {
			err = rename(s.fresh(), o.path)
		}
		if err != nil {
			return plain(err)
		}
	} else {
		if err := b.writeInto(s.fresh()); err != nil {
			return plain(err)
		}
		if err := o.replaceable(); err != nil { // it may have changed since
			return err
		}
		if err := s.swap(o.path); err != nil {
			return plain(err)
		}
	}
	return syncDirectory(parent)
}

// writeInto writes the bundle's files into a new directory, with the same modes whatever the
// umask.
func (b Bundle) writeInto(dir string) error {
	directories := directories{top: dir, made: map[string]bool{}}
	if err := directories.make(dir); err != nil {
		return err
	}
	paths := b.paths()
	for _, name := range paths {
		if err := directories.make(filepath.Dir(filepath.Join(dir, filepath.FromSlash(name)))); err != nil {
			return err
		}
	}
	var files modes
	write := func(name string) error {
		return writeFile(filepath.Join(dir, filepath.FromSlash(name)), b[name], &files)
	}
	if err := write(paths[0]); err != nil {
		return err
	}
	failed := make([]error, len(paths))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(writers, len(paths)) {
		workers.Go(func() {
			for i := int(next.Add(1)); i < len(paths); i = int(next.Add(1)) {
				if failed[i] = write(paths[i]); failed[i] != nil {
					next.Store(int64(len(paths))) // one is enough
				}
			}
		})
	}
	workers.Wait()
	for _, err := range failed {
		if err != nil {
			return err
		}
	}
	for made := range directories.made {
		if err := syncDirectory(made); err != nil {
			return err
		}
	}
	return nil
}

// modes says whether what is made keeps the mode that it is made with: the umask, or what a
// directory hands down, takes from all or from none. So one is looked at, the first, before there
// are others at a time.
type modes struct{ known, kept bool }

// keep reports whether what was just made has its mode without being told.
func (m *modes) keep(name string, mode fs.FileMode) bool {
	if !m.known {
		info, err := os.Lstat(name)
		m.known, m.kept = true, err == nil && info.Mode() == mode
	}
	return m.kept
}

// directories are those of the bundle that is written, each made once.
type directories struct {
	top   string
	made  map[string]bool
	modes modes
}

// make makes a directory, and what lies between it and the top.
func (d *directories) make(dir string) error {
	if d.made[dir] {
		return nil
	}
	if dir != d.top {
		if err := d.make(filepath.Dir(dir)); err != nil {
			return err
		}
	}
	d.made[dir] = true
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	step()
	if d.modes.keep(dir, fs.ModeDir|0o755) {
		return nil
	}
	return os.Chmod(dir, 0o755)
}

// writeFile writes one new file of a bundle, and waits until it is on the disk. Not to be blocked
// means nothing to a file, but saves asking of each whether it can be waited for.
func writeFile(name string, data []byte, all *modes) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NONBLOCK, 0o644)
	if err != nil {
		return err
	}
	step()
	_, writeErr := f.Write(data)
	step()
	var modeErr error
	if !all.keep(name, 0o644) {
		modeErr = f.Chmod(0o644)
	}
	return errors.Join(writeErr, modeErr, f.Sync(), f.Close())
}

// syncDirectory makes written names last on the disk. Where directories cannot be asked for that,
// the file system has its own way.
func syncDirectory(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrPermission) { // one may write into what one may not list
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !isInvalid(err) {
		return err
	}
	return nil
}
