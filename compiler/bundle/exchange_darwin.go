package bundle

import "golang.org/x/sys/unix"

// exchange lets two paths change places in one step. It is a variable for the
// tests of systems that cannot.
var exchange = func(a, b string) error { return unix.RenamexNp(a, b, unix.RENAME_SWAP) }
