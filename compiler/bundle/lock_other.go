//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package bundle

import "os"

// lock always succeeds: this system has no lock on directories, so two runs must not
// write to one place at a time.
func lock(*os.File) bool { return true }

// unlock closes the directory, on which this system has no lock.
func unlock(f *os.File) error { return f.Close() }

// isInvalid never takes an error for a request that the file system does not know.
func isInvalid(error) bool { return false }
