package plan_test

import (
	"reflect"
	"testing"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/testdata/differing"
)

// TestDigestsAreOfEverything: what differs in any field of a plan differs in some digest.
func TestDigestsAreOfEverything(t *testing.T) {
	t.Parallel()
	differing.Anywhere(t, func(a, b *plan.Plan) bool { return reflect.DeepEqual(a.Digests(), b.Digests()) })
}
