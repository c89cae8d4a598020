package plan_test

import (
	"testing"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/testdata/differing"
)

// TestEqualLooksAtEverything: what differs in any field, of any part, is not equal.
func TestEqualLooksAtEverything(t *testing.T) {
	t.Parallel()
	differing.Anywhere(t, (*plan.Namespace).Equal)
	differing.Anywhere(t, (*plan.Workload).Equal)
	differing.Anywhere(t, (*plan.End).Equal)
	differing.Anywhere(t, (*plan.Origin).Equal)
	differing.Anywhere(t, func(a, b *plan.Server) bool { return a.Equal(*b) })
}
