package meaning

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"portcullis.dev/policies/packet"
)

// Protocol is an IP protocol number (IANA). Zero is none.
type Protocol = packet.Protocol

// The protocols that policies name.
const (
	ICMP    = packet.ICMP
	TCP     = packet.TCP
	UDP     = packet.UDP
	ICMPv6  = packet.ICMPv6
	SCTP    = packet.SCTP
	UDPLite = packet.UDPLite
)

// Peer is one end of a packet: an endpoint, or an address. An address that an
// endpoint of the Meaning has is that endpoint.
type Peer struct {
	Endpoint *Endpoint  // nil for an address
	Addr     netip.Addr // of the endpoint it is the address used, and may be left out
}

// Pod makes the end of a packet that is an endpoint, at its first address if it has one.
func Pod(e *Endpoint) Peer { return Peer{Endpoint: e} }

// Address makes the end of a packet that is a place outside, or any address whose owner is to be
// looked up.
func Address(a netip.Addr) Peer { return Peer{Addr: a} }

// Packet is the first packet of a connection, as policies see it: after a
// Service's address has become a pod's, and before any source address is rewritten.
type Packet struct {
	From, To   Peer
	Protocol   Protocol
	SourcePort uint16 // 0: any; a rule on source ports is then unknown
	Port       uint16 // of the destination, for protocols with ports
	Type, Code uint8  // for ICMP and ICMPv6
	// Family is 4 or 6. Zero takes the addresses' family, or, where no end has one,
	// that of the cluster's pod network (IPv4 unless that is IPv6 only).
	Family int
}

// Header leaves of a packet what is not its ends: protocol, port, ICMP type and code.
func (p Packet) Header() packet.Header {
	return packet.Header{Protocol: p.Protocol, Port: p.Port, Type: p.Type, Code: p.Code}
}

// String writes the packet for people: shop/web -> shop/api TCP 8080.
func (p Packet) String() string {
	var b strings.Builder
	b.WriteString(p.From.String() + " -> " + p.To.String() + " " + p.Protocol.String())
	switch {
	case p.Protocol.HasPorts():
		b.WriteString(" " + strconv.Itoa(int(p.Port)))
	case p.Protocol == ICMP || p.Protocol == ICMPv6:
		b.WriteString(" type " + strconv.Itoa(int(p.Type)))
	}
	return b.String()
}

// String writes the end of a packet: the endpoint's name, or the address.
func (p Peer) String() string {
	if p.Endpoint != nil {
		return p.Endpoint.Ref()
	}
	return p.Addr.String()
}

// family tells a packet's family by an address, 4 or 6, or 0 for no address.
func family(a netip.Addr) int {
	switch {
	case !a.IsValid():
		return 0
	case a.Unmap().Is4():
		return 4
	default:
		return 6
	}
}

// ParseNet reads a CIDR, or a bare address, as Calico stores it: host bits are
// cleared, and an IPv4-mapped IPv6 prefix (::ffff:192.0.2.0/120) is the IPv4 prefix
// (libcalico-go/lib/net on top of Go's net.ParseCIDR). Leading zeros are errors.
func ParseNet(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return netip.Prefix{}, err
		}
		if a.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q has a zone", text)
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}
