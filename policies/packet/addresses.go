package packet

import (
	"encoding/binary"
	"math"
	"math/bits"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"
)

// Addresses is a set of addresses of both families. The zero Addresses is empty. It
// does not change.
type Addresses struct{ set *netipx.IPSet }

var (
	everyIPv4    = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	everyIPv6    = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	everyAddress = AddressesOf(everyIPv4, everyIPv6)
)

// EveryAddress makes the set of all addresses of both families.
func EveryAddress() Addresses { return everyAddress }

// AddressesOf makes the set of the addresses in some prefixes.
func AddressesOf(prefixes ...netip.Prefix) Addresses {
	return built(func(b *netipx.IPSetBuilder) {
		for _, p := range prefixes {
			b.AddPrefix(p)
		}
	})
}

// AddressRanges makes the set of the addresses in some ranges.
func AddressRanges(ranges ...netipx.IPRange) Addresses {
	return built(func(b *netipx.IPSetBuilder) {
		for _, r := range ranges {
			b.AddRange(r)
		}
	})
}

// built makes a set of addresses of what a builder was told.
func built(build func(*netipx.IPSetBuilder)) Addresses {
	var b netipx.IPSetBuilder
	build(&b)
	set, err := b.IPSet()
	if err != nil {
		return Addresses{} // only an invalid prefix or range fails, and those are refused where they are read
	}
	return Addresses{set}
}

// IPSet gives the set of addresses as netipx has it.
func (s Addresses) IPSet() *netipx.IPSet {
	if s.set == nil {
		return &netipx.IPSet{}
	}
	return s.set
}

// Union makes the set of the addresses that are in either set.
func (s Addresses) Union(o Addresses) Addresses {
	return built(func(b *netipx.IPSetBuilder) { b.AddSet(s.IPSet()); b.AddSet(o.IPSet()) })
}

// Intersect makes the set of the addresses that are in both sets.
func (s Addresses) Intersect(o Addresses) Addresses {
	return built(func(b *netipx.IPSetBuilder) { b.AddSet(s.IPSet()); b.Intersect(o.IPSet()) })
}

// Subtract makes the set of the addresses that are in this set and not in the other.
func (s Addresses) Subtract(o Addresses) Addresses {
	return built(func(b *netipx.IPSetBuilder) { b.AddSet(s.IPSet()); b.RemoveSet(o.IPSet()) })
}

// Complement makes the set of every other address of both families.
func (s Addresses) Complement() Addresses { return everyAddress.Subtract(s) }

// IsEmpty reports whether there is no address.
func (s Addresses) IsEmpty() bool { return len(s.IPSet().Ranges()) == 0 }

// Equal reports whether both hold the same addresses.
func (s Addresses) Equal(o Addresses) bool { return s.IPSet().Equal(o.IPSet()) }

// Covers reports whether every address of the other set is in this one.
func (s Addresses) Covers(o Addresses) bool {
	set := s.IPSet()
	return !slices.ContainsFunc(o.IPSet().Ranges(), func(r netipx.IPRange) bool { return !set.ContainsRange(r) })
}

// Overlaps reports whether some address is in both.
func (s Addresses) Overlaps(o Addresses) bool { return s.IPSet().Overlaps(o.IPSet()) }

// Contains reports whether the address is in the set. An IPv4 address in IPv6's
// clothes is the IPv4 address.
func (s Addresses) Contains(a netip.Addr) bool { return s.IPSet().Contains(a.Unmap().WithZone("")) }

// Prefixes lists the fewest prefixes that hold the set, in order.
func (s Addresses) Prefixes() []netip.Prefix { return s.IPSet().Prefixes() }

// recognised are addresses of which people know where they are: in the internet, or in
// the pages that explain it (RFC 5737, RFC 3849).
var recognised = []netip.Addr{
	netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("1.1.1.1"),
	netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("192.0.2.1"),
	netip.MustParseAddr("2001:4860:4860::8888"), netip.MustParseAddr("2606:4700:4700::1111"), netip.MustParseAddr("2001:db8::1"),
}

// Witness picks one address of the set: one that people recognise, if it is there; else of its
// first range the second, for the first of a network is rarely a host, or the only one.
func (s Addresses) Witness() (netip.Addr, bool) {
	for _, a := range recognised {
		if s.Contains(a) {
			return a, true
		}
	}
	ranges := s.IPSet().Ranges()
	if len(ranges) == 0 {
		return netip.Addr{}, false
	}
	if second := ranges[0].From().Next(); second.IsValid() && second.Compare(ranges[0].To()) <= 0 {
		return second, true
	}
	return ranges[0].From(), true
}

// String writes the set of addresses for people: its prefixes, or those that it leaves out,
// whichever are fewer.
func (s Addresses) String() string {
	own, others := s.Prefixes(), s.Complement().Prefixes()
	switch {
	case len(own) == 0:
		return "no address"
	case len(others) == 0:
		return "any address"
	case len(others) < len(own):
		switch { // in order, so that all of IPv4 is the first, and all of IPv6 the last
		case others[0] == everyIPv4:
			return "any IPv6 address but " + join(others[1:])
		case others[len(others)-1] == everyIPv6:
			return "any IPv4 address but " + join(others[:len(others)-1])
		}
		return "any address but " + join(others)
	default:
		return join(own)
	}
}

// join writes prefixes for people, single addresses without a length.
func join(prefixes []netip.Prefix) string {
	words := make([]string, len(prefixes))
	for i, p := range prefixes {
		words[i] = p.String()
		if p.IsSingleIP() {
			words[i] = p.Addr().String()
		}
	}
	return strings.Join(words, ", ")
}

// Size counts how many addresses the ranges hold, as exact as a float64 can be.
func Size(ranges ...netipx.IPRange) float64 {
	size := 0.0
	for _, r := range ranges {
		from, to := r.From().As16(), r.To().As16()
		low, borrow := bits.Sub64(binary.BigEndian.Uint64(to[8:]), binary.BigEndian.Uint64(from[8:]), 0)
		high, _ := bits.Sub64(binary.BigEndian.Uint64(to[:8]), binary.BigEndian.Uint64(from[:8]), borrow)
		size += math.Ldexp(float64(high), 64) + float64(low) + 1
	}
	return size
}
