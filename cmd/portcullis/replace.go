package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// replaceFile puts data in the place of a file, in whole or not at all: it is written beside it
// and swapped in. A symbolic link is not followed.
func replaceFile(name string, data []byte, mode fs.FileMode) error {
	if info, err := os.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return &fs.PathError{Op: "replace", Path: name, Err: errors.New("not a regular file; it is left as it is")}
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, writeErr := f.Write(data)
	if err := errors.Join(writeErr, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// rewrite replaces the text of a file that was formatted or mended, and says so.
func (p *program) rewrite(name string, text []byte) error {
	info, err := os.Lstat(name)
	if err == nil {
		err = replaceFile(name, text, info.Mode().Perm())
	}
	if err != nil {
		return writeError("", filepath.ToSlash(name), err)
	}
	_, err = fmt.Fprintf(p.err, "wrote %s\n", filepath.ToSlash(name))
	return err
}
