package overlays

import "syscall"

// limitData lets the kernel refuse what the heap's watch does not see in time: data is what
// the process may write to. Addresses are not limited, for Go reserves a gigabyte of them.
func limitData() {
	const most = 2 * mostHeap
	limit := syscall.Rlimit{Cur: most, Max: most}
	_ = syscall.Setrlimit(syscall.RLIMIT_DATA, &limit) // one limit of several: the others hold without it
}
