// Package cores shares work out among the processors.
//
// Its invariant: how many processors there are decides when something is done, and never what.
//
// It must not know what the work is.
package cores

import (
	"runtime"
	"sync"
)

// fewest is how many pieces of work are worth a goroutine.
const fewest = 32

// Share does n pieces of work in runs of neighbours, each on a processor of its own: do gets the
// places of the first piece of a run and of the one behind its last, and may write what belongs to
// its pieces alone. When Share returns all are done.
func Share(n int, do func(first, end int)) {
	runs := min(runtime.GOMAXPROCS(0), n/fewest)
	if runs < 2 {
		do(0, n)
		return
	}
	var all sync.WaitGroup
	for i := range runs {
		all.Go(func() { do(i*n/runs, (i+1)*n/runs) })
	}
	all.Wait()
}
