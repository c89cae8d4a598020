package plan

import (
	"net/netip"

	"go4.org/netipx"
)

// Ranges are the addresses of blocks as the fewest plain prefixes, in order.
func Ranges(blocks []Block) []netip.Prefix {
	var all netipx.IPSetBuilder
	for _, b := range blocks {
		for _, p := range SubtractRanges([]netip.Prefix{b.CIDR}, b.Except) {
			all.AddPrefix(p)
		}
	}
	return prefixesOf(&all)
}

// SubtractRanges is what of some ranges the others leave, as the fewest prefixes.
func SubtractRanges(from, without []netip.Prefix) []netip.Prefix {
	var rest netipx.IPSetBuilder
	for _, p := range from {
		rest.AddPrefix(p)
	}
	for _, p := range without {
		rest.RemovePrefix(p)
	}
	return prefixesOf(&rest)
}

func prefixesOf(b *netipx.IPSetBuilder) []netip.Prefix {
	set, err := b.IPSet()
	if err != nil {
		return nil // only invalid prefixes fail, and a Plan holds none
	}
	return set.Prefixes()
}
