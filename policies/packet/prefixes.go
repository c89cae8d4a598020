package packet

import (
	"net/netip"

	"go4.org/netipx"
)

// Subtract is what of some prefixes the others leave, as the fewest prefixes, in
// order.
func Subtract(from, without []netip.Prefix) []netip.Prefix {
	var b netipx.IPSetBuilder
	for _, p := range from {
		b.AddPrefix(p)
	}
	for _, p := range without {
		b.RemovePrefix(p)
	}
	return prefixes(&b)
}

// Merge is the union of prefixes, as the fewest, in order.
func Merge(all []netip.Prefix) []netip.Prefix { return Subtract(all, nil) }

func prefixes(b *netipx.IPSetBuilder) []netip.Prefix {
	set, err := b.IPSet()
	if err != nil {
		return nil // only an invalid prefix fails, and those are refused where they are read
	}
	return set.Prefixes()
}
