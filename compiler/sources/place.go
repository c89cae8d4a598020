package sources

import (
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
	open(name string) (fs.File, error)
}

// disk is a directory that no path leads out of.
type disk struct{ *os.Root }

// open opens a file without blocking: a FIFO that took its place since it was listed must not
// hang the run.
func (d disk) open(name string) (fs.File, error) {
	return d.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// memory holds files without links.
type memory struct{ files fs.FS }

func (m memory) FS() fs.FS                              { return m.files }
func (m memory) Name() string                           { return "" }
func (m memory) Stat(name string) (fs.FileInfo, error)  { return fs.Stat(m.files, name) }
func (m memory) Lstat(name string) (fs.FileInfo, error) { return fs.Stat(m.files, name) }
func (m memory) open(name string) (fs.File, error)      { return m.files.Open(name) }
