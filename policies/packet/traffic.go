package packet

import (
	"strconv"
	"strings"
)

// Protocol is an IP protocol number (IANA). Zero is none.
type Protocol uint8

// The protocols that policies name.
const (
	ICMP    Protocol = 1
	TCP     Protocol = 6
	UDP     Protocol = 17
	ICMPv6  Protocol = 58
	SCTP    Protocol = 132
	UDPLite Protocol = 136
)

var protocolNames = map[Protocol]string{
	ICMP: "ICMP", TCP: "TCP", UDP: "UDP", ICMPv6: "ICMPv6", SCTP: "SCTP", UDPLite: "UDPLite",
}

// String names the protocol, or gives its number where policies have no name for it.
func (p Protocol) String() string {
	if name, ok := protocolNames[p]; ok {
		return name
	}
	return "protocol " + strconv.Itoa(int(p))
}

// ProtocolNamed reads a protocol's name in any case.
func ProtocolNamed(name string) (Protocol, bool) {
	for p, n := range protocolNames {
		if strings.EqualFold(n, name) {
			return p, true
		}
	}
	return 0, false
}

// HasPorts reports whether the protocol's packets carry ports that a policy may
// name (Calico: TCP, UDP and SCTP).
func (p Protocol) HasPorts() bool { return p == TCP || p == UDP || p == SCTP }

// HasTypes reports whether the protocol's packets carry a type and a code.
func (p Protocol) HasTypes() bool { return p == ICMP || p == ICMPv6 }

// Header is what a packet says beside its addresses, as far as policies ask.
type Header struct {
	Protocol   Protocol
	Port       uint16 // of the destination, for protocols with ports
	Type, Code uint8  // for ICMP and ICMPv6
}

// String writes the header for people: TCP 80, ICMP type 8 code 0, protocol 47.
func (h Header) String() string {
	switch {
	case h.Protocol.HasPorts():
		return h.Protocol.String() + " " + strconv.Itoa(int(h.Port))
	case h.Protocol.HasTypes():
		return h.Protocol.String() + " type " + strconv.Itoa(int(h.Type)) + " code " + strconv.Itoa(int(h.Code))
	default:
		return h.Protocol.String()
	}
}

// number finds the header's place on the line of all headers: the protocol, and then what the
// protocol has, in 16 bits. Of a protocol that has neither ports nor types all places mean the
// same, and a Traffic holds all of them or none.
func (h Header) number() uint32 {
	n := uint32(h.Protocol) << 16
	switch {
	case h.Protocol.HasPorts():
		return n | uint32(h.Port)
	case h.Protocol.HasTypes():
		return n | uint32(h.Type)<<8 | uint32(h.Code)
	default:
		return n
	}
}

// headerAt reads back the header that has a place on the line of all headers.
func headerAt(n uint32) Header {
	h := Header{Protocol: Protocol(n >> 16)}
	switch {
	case h.Protocol.HasPorts():
		h.Port = uint16(n)
	case h.Protocol.HasTypes():
		h.Type, h.Code = uint8(n>>8), uint8(n)
	}
	return h
}

// Traffic is a set of headers: for TCP, UDP and SCTP of ports, for ICMP and ICMPv6
// of types and codes, and of every other protocol as a whole. The zero Traffic is
// empty. It does not change.
type Traffic struct{ line Numbers }

var anything = Between(0, 1<<24-1)

// Portless makes the traffic of every protocol that has neither ports nor types.
func Portless() Traffic {
	all := Anything()
	for _, p := range []Protocol{TCP, UDP, SCTP, ICMP, ICMPv6} {
		all = all.Subtract(Of(p))
	}
	return all
}

// Anything makes the set of all traffic.
func Anything() Traffic { return Traffic{anything} }

// Of makes all traffic of a protocol.
func Of(p Protocol) Traffic {
	return Traffic{Between(uint32(p)<<16, uint32(p)<<16|0xffff)}
}

// Ports makes the traffic to an inclusive range of ports of TCP, UDP or SCTP. Any other protocol
// has none, and the set is empty.
func Ports(p Protocol, first, last uint16) Traffic {
	if !p.HasPorts() {
		return Traffic{}
	}
	return Traffic{Between(uint32(p)<<16|uint32(first), uint32(p)<<16|uint32(last))}
}

// Types makes the traffic of an inclusive range of types of ICMP or ICMPv6, with all their codes.
// Any other protocol has none, and the set is empty.
func Types(p Protocol, first, last uint8) Traffic {
	if !p.HasTypes() || last < first {
		return Traffic{}
	}
	return Traffic{Between(uint32(p)<<16|uint32(first)<<8, uint32(p)<<16|uint32(last)<<8|0xff)}
}

// One makes the traffic with exactly that header.
func One(h Header) Traffic {
	if !h.Protocol.HasPorts() && !h.Protocol.HasTypes() {
		return Of(h.Protocol)
	}
	return Traffic{Between(h.number(), h.number())}
}

// Union makes the traffic that is in either set.
func (t Traffic) Union(o Traffic) Traffic { return Traffic{t.line.Union(o.line)} }

// Intersect makes the traffic that is in both sets.
func (t Traffic) Intersect(o Traffic) Traffic { return Traffic{t.line.Intersect(o.line)} }

// Subtract makes the traffic that is in this set and not in the other.
func (t Traffic) Subtract(o Traffic) Traffic { return Traffic{t.line.Subtract(o.line)} }

// Complement makes all other traffic.
func (t Traffic) Complement() Traffic { return Traffic{anything.Subtract(t.line)} }

// IsEmpty reports whether there is no traffic.
func (t Traffic) IsEmpty() bool { return t.line.IsEmpty() }

// Equal reports whether both hold the same traffic.
func (t Traffic) Equal(o Traffic) bool { return t.line.Equal(o.line) }

// Covers reports whether all of the other traffic is in this set.
func (t Traffic) Covers(o Traffic) bool { return t.line.Covers(o.line) }

// Overlaps reports whether some traffic is in both.
func (t Traffic) Overlaps(o Traffic) bool { return t.line.Overlaps(o.line) }

// Contains reports whether packets with that header are in the set.
func (t Traffic) Contains(h Header) bool { return t.line.Contains(h.number()) }

// Numbers gives the places of the traffic's headers on the line of all headers: equal for equal
// sets, and good for nothing else than to tell sets apart.
func (t Traffic) Numbers() Numbers { return t.line }

// preferred is the order in which witnesses and prose name protocols.
var preferred = []Protocol{TCP, UDP, SCTP, ICMP, ICMPv6}

// wellKnown are the ports that people have seen before (IANA), likeliest first.
var wellKnown = map[Protocol][]uint16{TCP: {443, 80, 8080}, UDP: {443, 53}}

// Witness picks one header of the traffic: of the first protocol that there is, of those that
// people know, a port that they know as well, or else the smallest; and else of the lowest
// number. Port 0, which nothing listens on, is the last choice.
func (t Traffic) Witness() (Header, bool) {
	for _, p := range preferred {
		own := t.Intersect(Of(p))
		for _, port := range wellKnown[p] {
			if h := (Header{Protocol: p, Port: port}); own.Contains(h) {
				return h, true
			}
		}
		if p.HasPorts() {
			if real := own.Subtract(Ports(p, 0, 0)); !real.IsEmpty() {
				own = real
			}
		}
		if n, ok := own.line.Min(); ok {
			return headerAt(n), true
		}
	}
	n, ok := t.line.Min()
	return headerAt(n), ok
}

// TrafficAt makes the traffic whose headers have those places on the line: see [Traffic.Numbers].
func TrafficAt(places Numbers) Traffic { return Traffic{places.Intersect(anything)} }
