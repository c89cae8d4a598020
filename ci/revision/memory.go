package revision

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// ErrNotPlain says that the files of a revision are not read into memory, for a disk alone answers
// for them: see Read.
var ErrNotPlain = errors.New("not plain files alone")

const (
	// mostInMemory is how many bytes of a revision are held: whoever reads them makes a copy.
	mostInMemory = 64 << 20
	// longestName is how long a name may be that every system's disk takes.
	longestName = 255
)

// Blobs are the bytes of objects that were read, by their names in Git. Files of several revisions, or
// names, that are the same object are read once.
type Blobs map[string][]byte

// Read reads into memory what Unpack writes to a disk, where to make the files costs more than
// all that git does, less the blobs that are known, to which it adds. The error is ErrNotPlain for
// what is to be unpacked: links, whose ways the disk follows, files larger than most, names that a
// disk may refuse, and many bytes.
func (r *Repository) Read(ctx context.Context, commit string, most Limits, wanted func(name string) bool, known Blobs) (fs.FS, error) {
	entries, err := r.list(ctx, commit, most, wanted)
	if err != nil {
		return nil, err
	}
	files := tree{".": {name: ".", dir: true}}
	var total int64
	for _, e := range entries {
		total += e.size
		if e.mode == link || e.size > most.FileBytes || total > mostInMemory || !files.add(e.name) {
			return nil, ErrNotPlain
		}
	}
	for _, n := range files {
		slices.SortFunc(n.below, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
	var unknown []entry
	asked := map[string]bool{}
	for _, e := range entries {
		if _, there := known[e.object]; !there && !asked[e.object] {
			asked[e.object] = true
			unknown = append(unknown, e)
		}
	}
	if len(unknown) > 0 {
		err := r.each(ctx, unknown, most, func(e entry, data []byte) error {
			known[e.object] = data
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for _, e := range entries {
		files[e.name].data = known[e.object]
	}
	return files, nil
}

// tree holds plain files and their directories by their paths.
type tree map[string]*node

// node is a file or a directory of a tree, and tells of itself as fs.FileInfo.
type node struct {
	name  string // the last part of its path
	dir   bool
	data  []byte
	below []fs.DirEntry // of a directory, sorted
}

// add puts a file without bytes into the tree, with the directories above it, unless its name is
// one that a disk may refuse, or taken.
func (t tree) add(name string) bool {
	if !fs.ValidPath(name) || len(name) > longestLink || t[name] != nil {
		return false
	}
	n := &node{name: path.Base(name)}
	for {
		if len(n.name) > longestName {
			return false
		}
		t[name] = n
		name = path.Dir(name)
		above, there := t[name]
		if there && !above.dir {
			return false
		}
		if !there {
			above = &node{name: path.Base(name), dir: true}
		}
		above.below = append(above.below, fs.FileInfoToDirEntry(n))
		if there {
			return true
		}
		n = above
	}
}

// find looks up a path.
func (t tree) find(op, name string) (*node, error) {
	switch n, there := t[name]; {
	case !fs.ValidPath(name):
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	case !there:
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	default:
		return n, nil
	}
}

// Open opens a file, or a directory to list it.
func (t tree) Open(name string) (fs.File, error) {
	n, err := t.find("open", name)
	if err != nil {
		return nil, err
	}
	if n.dir {
		return &openDir{n, n.below}, nil
	}
	return openFile{n, bytes.NewReader(n.data)}, nil
}

// Stat tells of a file or a directory.
func (t tree) Stat(name string) (fs.FileInfo, error) {
	n, err := t.find("stat", name)
	if err != nil {
		return nil, err
	}
	return n, nil
}

func (n *node) Name() string       { return n.name }
func (n *node) Size() int64        { return int64(len(n.data)) }
func (n *node) ModTime() time.Time { return time.Time{} }
func (n *node) IsDir() bool        { return n.dir }
func (n *node) Sys() any           { return nil }

// Mode gives the permissions that Unpack gives.
func (n *node) Mode() fs.FileMode {
	if n.dir {
		return fs.ModeDir | 0o700
	}
	return 0o600
}

// openFile reads a file.
type openFile struct {
	about *node
	*bytes.Reader
}

func (f openFile) Stat() (fs.FileInfo, error) { return f.about, nil }
func (f openFile) Close() error               { return nil }

// openDir lists a directory.
type openDir struct {
	about *node
	left  []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.about, nil }
func (d *openDir) Close() error               { return nil }

// Read refuses to read bytes of a directory.
func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.about.name, Err: errors.New("is a directory")}
}

// ReadDir lists the next entries, or all that are left if n is none.
func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 && len(d.left) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(d.left) {
		n = len(d.left)
	}
	next := slices.Clone(d.left[:n])
	d.left = d.left[n:]
	return next, nil
}
