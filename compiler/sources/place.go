package sources

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// place is where files are read: below a directory of the disk, or in memory.
type place interface {
	FS() fs.FS
	Name() string // of the directory, in which links are followed
	Stat(name string) (fs.FileInfo, error)
	Lstat(name string) (fs.FileInfo, error)
	// read reads up to so many bytes of a regular file.
	read(name string, limit int64) ([]byte, error)
}

// errIrregular is why nothing was read of what is no regular file.
var errIrregular = errors.New("not a regular file")

// disk is a directory that no path leads out of.
type disk struct {
	*os.Root
	near // what the system has for reading many small files; nothing depends on it
}

// openDisk opens a directory of the disk.
func openDisk(dir string) (*disk, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, plainPathError(err)
	}
	return &disk{Root: root}, nil
}

// Close gives the directory back.
func (d *disk) Close() { d.leave(); d.Root.Close() }

// FS returns the files of the disk, whose directories are listed in the nearest way.
func (d *disk) FS() fs.FS { return listed{d.Root.FS().(rootFS), d} }

// rootFS is what files below a root can be asked.
type rootFS interface {
	fs.ReadLinkFS
	fs.ReadDirFS
	fs.ReadFileFS
	fs.StatFS
}

// listed is the files of a disk.
type listed struct {
	rootFS
	disk *disk
}

// ReadDir lists a directory in the order of names.
func (l listed) ReadDir(name string) ([]fs.DirEntry, error) {
	if entries, ok := l.disk.listNear(name); ok {
		return entries, nil
	}
	return l.rootFS.ReadDir(name)
}

// Lstat looks at a file and follows no link.
func (l listed) Lstat(name string) (fs.FileInfo, error) {
	if l.disk.lacks(name) {
		return nil, &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrNotExist}
	}
	return l.rootFS.Lstat(name)
}

// read reads a file without blocking: a FIFO that took its place since it was listed must not
// hang the run. Whatever the near way does not read, for whatever reason, is asked of the root,
// which follows links that stay inside and says what is wrong.
func (d *disk) read(name string, limit int64) ([]byte, error) {
	if data, ok := d.readNear(name, limit); ok {
		return data, nil
	}
	return d.readByRoot(name, limit)
}

// readByRoot reads a file in the way that every system has.
func (d *disk) readByRoot(name string, limit int64) ([]byte, error) {
	f, err := d.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	return readRegular(f, limit)
}

// readRegular reads an opened file, if it is a regular one, and closes it.
func readRegular(f fs.File, limit int64) ([]byte, error) {
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, errIrregular
	}
	return readUpTo(f, info.Size(), limit)
}

// readUpTo reads to the end or the limit, whatever size the file had when it was opened. A file is
// at its end where that many bytes are read and there was room for more: each of ten thousand files
// is asked once.
func readUpTo(f io.Reader, size, limit int64) ([]byte, error) {
	text := make([]byte, 0, min(size, limit)+1) // one more shows that there is no more
	for f = io.LimitReader(f, limit); ; {
		n, err := f.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		switch {
		case errors.Is(err, io.EOF):
			return text, nil
		case err != nil:
			return text, err
		case n > 0 && int64(len(text)) == size:
			return text, nil
		case len(text) == cap(text):
			text = append(text, 0)[:len(text)]
		}
	}
}

// memory holds files without links.
type memory struct{ files fs.FS }

func (m memory) FS() fs.FS                              { return m.files }
func (m memory) Name() string                           { return "" }
func (m memory) Stat(name string) (fs.FileInfo, error)  { return fs.Stat(m.files, name) }
func (m memory) Lstat(name string) (fs.FileInfo, error) { return fs.Stat(m.files, name) }
func (m memory) read(name string, limit int64) ([]byte, error) {
	f, err := m.files.Open(name)
	if err != nil {
		return nil, err
	}
	return readRegular(f, limit)
}
