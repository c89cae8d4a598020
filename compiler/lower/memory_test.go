package lower

import (
	"testing"

	"portcullis.dev/testdata/differing"
)

// TestRememberedIsTheSame: nothing is remembered of what differs in any field, of any part.
func TestRememberedIsTheSame(t *testing.T) {
	t.Parallel()
	differing.Anywhere(t, func(a, b *common) bool { return a.equal(*b) })
	differing.Anywhere(t, func(a, b *home) bool { return a.equal(*b) })
	differing.Anywhere(t, (*subject).equal)
}
