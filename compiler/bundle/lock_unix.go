//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package bundle

import (
	"errors"
	"os"
	"syscall"
)

// lock takes the lock of an open directory, unless another process holds it. A file
// system without locks is taken for one that nobody else writes to.
func lock(f *os.File) bool {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return !errors.Is(err, syscall.EWOULDBLOCK)
		}
	}
}

// unlock gives the lock back. Closing alone would not, for as long as a process that
// is being started holds a copy of the file.
func unlock(f *os.File) error {
	return errors.Join(syscall.Flock(int(f.Fd()), syscall.LOCK_UN), f.Close())
}

// isInvalid reports whether a file system does not know the request, of a lock or a sync.
func isInvalid(err error) bool { return errors.Is(err, syscall.EINVAL) }
