package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// spare is how far a heap grows, however small, before it is collected. Go lets it double: a
// run that needs a few megabytes spends a third of its time on looking for what is garbage.
const spare = 32 << 20

// smallestHeap is the one that Go collects at its usual percentage of 100.
const smallestHeap = 4 << 20

// collectSeldom sets the garbage collector for small heaps, unless whoever runs the program has
// set it.
func collectSeldom(environ map[string]string) {
	if environ["GOGC"] == "" && environ["GOMEMLIMIT"] == "" {
		setCollector(percentOf(smallestHeap))
	}
}

// percentOf computes by how much of what is live a heap may grow before the garbage collector
// runs.
func percentOf(live uint64) int { return int(max(100, spare*100/max(live, smallestHeap))) }

// setCollector sets the garbage collector's percentage, and does so anew after the next
// collection, until that is Go's own.
func setCollector(percent int) {
	debug.SetGCPercent(percent)
	if percent > 100 {
		runtime.AddCleanup(&collected{}, func(struct{}) {
			live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
			metrics.Read(live)
			setCollector(percentOf(live[0].Value.Uint64()))
		}, struct{}{})
	}
}

// collected is what the next collection frees. It has a pointer: what has none may share its
// place with others.
type collected struct{ _ *collected }
