package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"portcullis.dev/policies/diag"
)

// ErrRefused wraps the reason why a place is not written to.
var ErrRefused = errors.New("output refused")

// WriteDirectory puts the bundle in the place of dir, in whole: it is written
// beside it first, and swapped in last. dir may be absent, empty, or a bundle; a
// symbolic link, a directory with anything else in it, and a directory that holds
// the input are refused.
func (b Bundle) WriteDirectory(dir, input string) (err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return err
	}
	if err := refuse(dir, input); err != nil {
		return err
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	fresh, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+".new-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	if err := b.writeInto(fresh); err != nil {
		return err
	}
	return swap(fresh, dir)
}

// refuse says why dir must not be replaced, if it must not.
func refuse(dir, input string) error {
	info, err := os.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("%w: %s is a symbolic link; name the directory that it leads to", ErrRefused, filepath.Base(dir))
	case !info.IsDir():
		return fmt.Errorf("%w: %s is not a directory", ErrRefused, filepath.Base(dir))
	}
	if holds(dir, input) {
		return fmt.Errorf("%w: %s holds the intents; choose a directory of its own", ErrRefused, filepath.Base(dir))
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return nil
	}
	var index Index
	raw, err := os.ReadFile(filepath.Join(dir, IndexFile))
	if err != nil || json.Unmarshal(raw, &index) != nil || !strings.HasPrefix(index.Schema, path.Dir(Schema)) {
		return fmt.Errorf("%w: %s is not empty and was not written by portcullis; choose another directory, or empty it", ErrRefused, filepath.Base(dir))
	}
	return nil
}

// holds reports whether input lies in dir, links resolved.
func holds(dir, input string) bool {
	real := func(p string) string {
		if abs, err := filepath.Abs(p); err == nil {
			p = abs
		}
		if resolved, err := filepath.EvalSymlinks(p); err == nil {
			p = resolved
		}
		return p
	}
	rel, err := filepath.Rel(real(dir), real(input))
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// writeInto writes the files with the same modes whatever the umask.
func (b Bundle) writeInto(dir string) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	for _, name := range diag.SortedKeys(b) {
		target := filepath.Join(dir, filepath.FromSlash(name))
		if err := mkdirs(dir, filepath.Dir(target)); err != nil {
			return err
		}
		if err := writeFile(target, b[name]); err != nil {
			return err
		}
	}
	return nil
}

func mkdirs(root, dir string) error {
	if dir == root {
		return nil
	}
	if err := mkdirs(root, filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Chmod(dir, 0o755)
}

func writeFile(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, writeErr := f.Write(data)
	return errors.Join(writeErr, f.Chmod(0o644), f.Sync(), f.Close())
}

// swap puts fresh in the place of dir. What was there goes aside first and comes
// back if the second rename fails.
func swap(fresh, dir string) error {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return os.Rename(fresh, dir)
	}
	old := fresh + ".old"
	if err := os.Rename(dir, old); err != nil {
		return err
	}
	if err := os.Rename(fresh, dir); err != nil {
		return errors.Join(err, os.Rename(old, dir))
	}
	return os.RemoveAll(old)
}
