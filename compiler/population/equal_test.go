package population_test

import (
	"testing"

	"portcullis.dev/compiler/population"
	"portcullis.dev/testdata/differing"
)

// TestEqualLooksAtEverything: what differs in any field of pods is not equal.
func TestEqualLooksAtEverything(t *testing.T) {
	t.Parallel()
	differing.Anywhere(t, (*population.Pods).Equal)
}
