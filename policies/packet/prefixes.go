package packet

import (
	"net/netip"
	"slices"

	"go4.org/netipx"
)

// Subtract leaves of some prefixes what others do not hold, as the fewest prefixes, in order.
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

// Merge joins prefixes to the fewest, in order.
func Merge(all []netip.Prefix) []netip.Prefix { return Subtract(all, nil) }

// prefixes lists the fewest prefixes that hold what a builder was told.
func prefixes(b *netipx.IPSetBuilder) []netip.Prefix {
	set, err := b.IPSet()
	if err != nil {
		return nil // only an invalid prefix fails, and those are refused where they are read
	}
	return set.Prefixes()
}

// Elementary parts a set at the boundaries of the prefixes: each prefix holds all of
// an elementary range or nothing of it. The ranges are in order and disjoint, and
// together they are the set.
func Elementary(set *netipx.IPSet, prefixes []netip.Prefix) []netipx.IPRange {
	var starts []netip.Addr // of ranges, in order
	for _, p := range prefixes {
		r := netipx.RangeOfPrefix(p)
		starts = append(starts, r.From())
		if next := r.To().Next(); next.IsValid() {
			starts = append(starts, next)
		}
	}
	slices.SortFunc(starts, netip.Addr.Compare)
	starts = slices.Compact(starts)
	var parts []netipx.IPRange
	for _, r := range set.Ranges() {
		from := r.From()
		i, _ := slices.BinarySearchFunc(starts, from, netip.Addr.Compare)
		for ; i < len(starts) && starts[i].Compare(r.To()) <= 0; i++ {
			if starts[i].Compare(from) > 0 && starts[i].Is4() == from.Is4() {
				parts = append(parts, netipx.IPRangeFrom(from, starts[i].Prev()))
				from = starts[i]
			}
		}
		parts = append(parts, netipx.IPRangeFrom(from, r.To()))
	}
	return parts
}
