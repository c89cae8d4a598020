package meaning

// truth is what can be said of a predicate: the addresses and ports of pods that
// do not run yet are unknown. The order is that of conjunction: and is the minimum.
type truth int8

const (
	no truth = iota
	maybe
	yes
)

// known makes a truth of what is known for certain.
func known(b bool) truth {
	if b {
		return yes
	}
	return no
}

// not negates a truth; of maybe that is maybe.
func (t truth) not() truth { return yes - t }

// or joins truths: the greater of the two.
func or(a, b truth) truth { return max(a, b) }
