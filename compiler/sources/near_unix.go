//go:build unix

package sources

import (
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// near is the directory that was asked last, open: what lies in it is one step away, where a root
// begins at its top for each file, looks again at each name that it lists, and asks of each file
// whether it can be waited for. That was more calls than reading.
//
// No link is followed, so nothing leads out of the root; whatever is not plain is left to it.
type near struct {
	name string
	dir  *os.File
}

// leave closes the directory that was asked last.
func (n *near) leave() {
	if n.dir != nil {
		n.dir.Close()
		n.dir = nil
	}
}

// enter opens a directory, one name after another, if it is not the one that was asked last.
func (d *disk) enter(name string) (fd int, ok bool) {
	if d.dir != nil && d.name == name {
		return int(d.dir.Fd()), true
	}
	d.leave()
	if !fs.ValidPath(name) {
		return 0, false
	}
	top, err := d.OpenFile(".", os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return 0, false
	}
	defer top.Close()
	at := int(top.Fd())
	for part := range strings.SplitSeq(name, "/") {
		next, err := unix.Openat(at, part, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if at != int(top.Fd()) {
			unix.Close(at)
		}
		if err != nil {
			return 0, false
		}
		at = next
	}
	d.name, d.dir = name, os.NewFile(uintptr(at), name)
	return at, true
}

// listNear lists a directory in the order of names.
func (d *disk) listNear(name string) (entries []fs.DirEntry, ok bool) {
	if _, ok := d.enter(name); !ok {
		return nil, false
	}
	if _, err := d.dir.Seek(0, io.SeekStart); err != nil {
		return nil, false
	}
	entries, err := d.dir.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err == nil
}

// lacks reports whether nothing has a name.
func (d *disk) lacks(name string) bool {
	dir, ok := d.enter(path.Dir(name))
	var info unix.Stat_t
	return ok && unix.Fstatat(dir, path.Base(name), &info, unix.AT_SYMLINK_NOFOLLOW) == unix.ENOENT
}

// readNear reads up to so many bytes of a regular file.
func (d *disk) readNear(name string, limit int64) (data []byte, ok bool) {
	dir, ok := d.enter(path.Dir(name))
	if !ok {
		return nil, false
	}
	fd, err := unix.Openat(dir, path.Base(name), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, false
	}
	defer unix.Close(fd)
	var info unix.Stat_t
	if unix.Fstat(fd, &info) != nil || info.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, false
	}
	data, err = readUpTo(descriptor(fd), info.Size, limit)
	return data, err == nil
}

// descriptor reads an open file.
type descriptor int

func (d descriptor) Read(p []byte) (int, error) {
	n, err := unix.Read(int(d), p)
	if n == 0 && err == nil {
		return 0, io.EOF
	}
	return max(n, 0), err
}
