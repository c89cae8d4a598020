package bundle

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
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
			err = writeFile(s.fresh(), data)
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
	directories := map[string]bool{}
	if err := makeDirectory(dir, dir, directories); err != nil {
		return err
	}
	paths := b.paths()
	for _, name := range paths {
		if err := makeDirectory(dir, filepath.Dir(filepath.Join(dir, filepath.FromSlash(name))), directories); err != nil {
			return err
		}
	}
	write := func(name string) error { return writeFile(filepath.Join(dir, filepath.FromSlash(name)), b[name]) }
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
	for made := range directories {
		if err := syncDirectory(made); err != nil {
			return err
		}
	}
	return nil
}

// makeDirectory makes a directory of the bundle that is written, and what lies between it and
// root, each once.
func makeDirectory(root, dir string, made map[string]bool) error {
	if made[dir] {
		return nil
	}
	if dir != root {
		if err := makeDirectory(root, filepath.Dir(dir), made); err != nil {
			return err
		}
	}
	made[dir] = true
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	step()
	return os.Chmod(dir, 0o755)
}

// writeFile writes one new file of a bundle, and waits until it is on the disk.
func writeFile(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	step()
	_, writeErr := f.Write(data)
	step()
	return errors.Join(writeErr, f.Chmod(0o644), f.Sync(), f.Close())
}

// syncDirectory makes written names last on the disk. Where directories cannot be asked for that,
// the file system has its own way.
func syncDirectory(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(dir)
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
