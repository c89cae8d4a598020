package cores

import (
	"runtime"
	"testing"
)

// TestShareDoesEachOnce: of any number of pieces each is done once, by any number of processors.
func TestShareDoesEachOnce(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for processors := 1; processors < 8; processors++ {
		runtime.GOMAXPROCS(processors)
		for n := range 3*fewest + 5 {
			done := make([]int, n)
			Share(n, func(first, end int) {
				for i := first; i < end; i++ {
					done[i]++
				}
			})
			for i, times := range done {
				if times != 1 {
					t.Fatalf("piece %d of %d was done %d times on %d processors", i, n, times, processors)
				}
			}
		}
	}
}
