// Package seed makes the tests that draw with rapid draw the same in every run: a gate
// that draws anew turns a change away for what the change did not do. Each package
// whose tests draw imports it in one of them, for this alone.
//
// Its invariant: a seed that is named is the one that is used: RAPID_SEED, as in
// ci/explore, or -rapid.seed. It must not know what is drawn.
package seed

import (
	"flag"
	"os"

	_ "pgregory.net/rapid" // declares the flag
)

var _ = fix()

// fix fixes rapid's seed before the command line, which can choose another, is read.
func fix() error {
	if _, named := os.LookupEnv("RAPID_SEED"); named {
		return nil
	}
	return flag.Set("rapid.seed", "1")
}
