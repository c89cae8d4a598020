package reach

import (
	"portcullis.dev/policies/packet"
)

// Load is traffic of both families of addresses. It does not change.
type Load struct{ V4, V6 packet.Traffic }

// Both makes a load of the same traffic in either family, as far as there is such.
func Both(t packet.Traffic) Load {
	return Load{t.Subtract(packet.Of(packet.ICMPv6)), t.Subtract(packet.Of(packet.ICMP))}
}

// Union returns what is in either load.
func (l Load) Union(o Load) Load { return Load{l.V4.Union(o.V4), l.V6.Union(o.V6)} }

// Intersect returns what is in both loads.
func (l Load) Intersect(o Load) Load { return Load{l.V4.Intersect(o.V4), l.V6.Intersect(o.V6)} }

// Subtract returns what the other load has not.
func (l Load) Subtract(o Load) Load { return Load{l.V4.Subtract(o.V4), l.V6.Subtract(o.V6)} }

// IsEmpty reports whether no traffic of either family is in the load.
func (l Load) IsEmpty() bool { return l.V4.IsEmpty() && l.V6.IsEmpty() }

// Equal reports whether two loads hold the same.
func (l Load) Equal(o Load) bool { return l.V4.Equal(o.V4) && l.V6.Equal(o.V6) }

// Overlaps reports whether two loads have something in common.
func (l Load) Overlaps(o Load) bool { return l.V4.Overlaps(o.V4) || l.V6.Overlaps(o.V6) }

// Family is of which addresses traffic is that is not the same for both.
type Family string

// The families of traffic. Where only one can be, it goes without saying.
const (
	EitherFamily Family = ""
	IPv4         Family = "IPv4"
	IPv6         Family = "IPv6"
)

// flavoured is traffic of one family, or of both alike.
type flavoured struct {
	family  Family
	traffic packet.Traffic
}

var (
	messages4 = packet.Of(packet.ICMP)
	messages6 = packet.Of(packet.ICMPv6)
)

// flavours parts a load into what is alike in both families, where both can be, and the rest.
func (l Load) flavours(can4, can6 bool) []flavoured {
	var all []flavoured
	add := func(f Family, t packet.Traffic) {
		if !t.IsEmpty() {
			all = append(all, flavoured{f, t})
		}
	}
	switch {
	case !can6:
		add(EitherFamily, completed(l.V4, messages4, messages6))
	case !can4:
		add(EitherFamily, completed(l.V6, messages6, messages4))
	default:
		common := l.V4.Intersect(l.V6)
		of4, of6 := l.V4.Intersect(messages4), l.V6.Intersect(messages6)
		if !of4.IsEmpty() && !of6.IsEmpty() {
			common = common.Union(of4).Union(of6)
		}
		add(EitherFamily, common)
		add(IPv4, l.V4.Subtract(common))
		add(IPv6, l.V6.Subtract(common))
	}
	return all
}

// completed adds the other family's messages where all of the own are in it: a word means both.
func completed(t, own, other packet.Traffic) packet.Traffic {
	if t.Covers(own) {
		return t.Union(other)
	}
	return t
}
