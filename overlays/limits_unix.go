//go:build unix

package overlays

import (
	"syscall"
	"time"
)

// usedCPU measures the CPU time that the process has used so far. It says how much work was done,
// however busy the machine is.
func usedCPU() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
