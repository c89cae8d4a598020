package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"portcullis.dev/policies/diag"
)

// writeNew writes new files below a directory, all of them or none, and says so. What is there
// already is somebody's work: it is never overwritten. The place is the directory as people wrote
// it, or empty for the current one.
func (p *program) writeNew(place string, files map[string][]byte) (err error) {
	dir := filepath.Clean(place)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return writeError(place, "", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return writeError(place, "", err)
	}
	defer root.Close()
	names := diag.SortedKeys(files)
	var taken []string
	for _, name := range names {
		if _, err := root.Lstat(name); err == nil {
			taken = append(taken, filepath.Join(dir, name))
		} else if !errors.Is(err, fs.ErrNotExist) {
			return writeError(place, name, err)
		}
	}
	if len(taken) > 0 {
		return usageError{fmt.Errorf("%s is there already; nothing was written", strings.Join(taken, ", "))}
	}
	var written []string
	defer func() {
		if err != nil {
			for _, name := range written {
				err = errors.Join(err, root.Remove(name))
			}
		}
	}()
	for _, name := range names {
		if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
			return writeError(place, path.Dir(name), err)
		}
		f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return writeError(place, name, err)
		}
		written = append(written, name)
		_, err = f.Write(files[name])
		if err := errors.Join(err, f.Close()); err != nil {
			return writeError(place, name, err)
		}
	}
	const shown = 20
	for _, name := range names[:min(len(names), shown)] {
		fmt.Fprintf(p.err, "wrote %s\n", filepath.Join(dir, name))
	}
	if more := len(names) - shown; more > 0 {
		fmt.Fprintf(p.err, "wrote %d more\n", more)
	}
	return nil
}
