package meaning

// truth is what can be said of a predicate: the addresses and ports of pods that
// do not run yet are unknown. The order is that of conjunction: and is the minimum.
type truth int8

const (
	no truth = iota
	maybe
	yes
)

func known(b bool) truth {
	if b {
		return yes
	}
	return no
}

func (t truth) not() truth { return yes - t }

func or(a, b truth) truth { return max(a, b) }
