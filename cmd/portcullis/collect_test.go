package main

import (
	"runtime/debug"
	"testing"
)

// TestCollectorIsTheUsers: what whoever runs the program says of the collector stands. It is not
// parallel, for there is one collector.
func TestCollectorIsTheUsers(t *testing.T) {
	const sentinel = 123
	before := debug.SetGCPercent(sentinel)
	defer debug.SetGCPercent(before)
	for _, environ := range []map[string]string{{"GOGC": "50"}, {"GOGC": "off"}, {"GOMEMLIMIT": "100MiB"}} {
		collectSeldom(environ)
		if got := debug.SetGCPercent(sentinel); got != sentinel {
			t.Errorf("%v: the percentage is %d", environ, got)
		}
	}
	for live, want := range map[uint64]int{0: 800, 8 << 20: 400, 32 << 20: 100, 1 << 30: 100} {
		if got := percentOf(live); got != want {
			t.Errorf("of %d MiB that are live it is %d, expected %d", live>>20, got, want)
		}
	}
}
