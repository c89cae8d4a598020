package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/diff"
)

// Change is what happened to a file of a bundle since it was built.
type Change string

// The changes.
const (
	Changed Change = "changed" // it has other bytes, or is something else than a plain file
	Missing Change = "missing" // it would be built, and is not there
	Extra   Change = "extra"   // it is there, and would not be built
)

// Difference is one file in which a place differs from a bundle.
type Difference struct {
	Change Change
	Path   string // in the bundle; empty for the place as a whole
	Note   string // what the texts do not show, or why they are not shown
	Diff   []byte // unified, from what is there to what would be built; may be nil
}

// shown is the size up to which a file's text is compared line by line.
const shown = 1 << 20

// file is what is found at a path.
type file struct {
	data []byte
	note string // not empty where the data are not those of a plain file
}

// Compare lists, by path, how the place differs from the bundle; nothing if it does
// not. It writes nothing. Of what is there, no more is read than a bundle can hold.
func (o *Output) Compare(b Bundle) ([]Difference, error) {
	info, err := os.Lstat(o.path)
	if errors.Is(err, fs.ErrNotExist) {
		return []Difference{{Change: Missing, Note: fmt.Sprintf("it would hold %d files", len(b))}}, nil
	}
	if err != nil {
		return nil, plain(err)
	}
	if o.archive {
		return o.compareArchive(b, info.Size())
	}
	there, err := inDirectory(os.DirFS(o.path), func(name string) int { return len(b[name]) })
	if err != nil {
		return nil, err
	}
	return differences(there, b), nil
}

// readFile reads of a file up to what is compared: the size that it should have, or what is shown
// of it.
func readFile(fsys fs.FS, name string, size int) (file, error) {
	info, err := fs.Lstat(fsys, name)
	switch {
	case err != nil:
		return file{}, err
	case info.Mode()&fs.ModeSymlink != 0:
		return file{note: "a symbolic link, not a file"}, nil
	case !info.Mode().IsRegular():
		return file{note: "not a file"}, nil
	}
	f, err := fsys.Open(name)
	if err != nil {
		return file{}, err
	}
	defer f.Close()
	limit := int64(max(size, shown)) + 1
	read := file{}
	if read.data, err = io.ReadAll(io.LimitReader(f, limit)); err != nil {
		return file{}, err
	}
	if info.Mode()&0o111 != 0 {
		read.note = "executable"
	}
	if int64(len(read.data)) == limit {
		read.note = "larger than what is compared"
	}
	return read, nil
}

// compareArchive compares an archive with the bundle: file by file, and then to the byte.
func (o *Output) compareArchive(b Bundle, size int64) ([]Difference, error) {
	want, err := b.Archive()
	if err != nil {
		return nil, err
	}
	f, err := os.Open(o.path)
	if err != nil {
		return nil, plain(err)
	}
	defer f.Close()
	found, err := readArchive(f)
	if err != nil {
		return []Difference{{Change: Changed, Note: fmt.Sprintf("not an archive of a bundle: %v", err)}}, nil
	}
	there := map[string]file{}
	for name, data := range found {
		there[name] = file{data: data}
	}
	all := differences(there, b)
	if len(all) > 0 {
		return all, nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	got := bytes.Buffer{}
	if _, err := io.Copy(&got, io.LimitReader(f, int64(len(want))+1)); err != nil {
		return nil, err
	}
	if size != int64(len(want)) || !bytes.Equal(got.Bytes(), want) {
		return []Difference{{Change: Changed, Note: "the files are the same, and are packed in another way"}}, nil
	}
	return nil, nil
}

// differences lists the files that are missing, extra or changed, each with what differs.
func differences(there map[string]file, b Bundle) []Difference {
	names := slices.Collect(maps.Keys(there))
	for name := range b {
		if _, ok := there[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var all []Difference
	for _, name := range names {
		got, isThere := there[name]
		want, isBuilt := b[name]
		d := Difference{Path: name, Note: got.note}
		switch {
		case !isThere:
			d.Change, d.Diff = Missing, unified("/dev/null", nil, name, want)
		case !isBuilt:
			d.Change, d.Diff = Extra, unified(name, got.data, "/dev/null", nil)
		case got.note != "" && got.data == nil:
			d.Change = Changed
		case got.note != "" || !bytes.Equal(got.data, want):
			d.Change, d.Diff = Changed, unified(name, got.data, name, want)
		default:
			continue
		}
		if d.Diff == nil && d.Note == "" && !bytes.Equal(got.data, want) {
			d.Note = "not a text of a size to be shown"
		}
		all = append(all, d)
	}
	return all
}

// unified writes what differs in a file as a unified diff; nil where one of the sides is no text,
// or too long a one.
func unified(oldName string, old []byte, newName string, new []byte) []byte {
	for _, side := range [][]byte{old, new} {
		if len(side) > shown || !utf8.Valid(side) || bytes.IndexByte(side, 0) >= 0 {
			return nil
		}
	}
	text := diff.Diff(filepath.ToSlash(oldName), old, newName, new)
	_, text, _ = bytes.Cut(text, []byte("\n")) // a heading of its own
	return text
}
