package packet_test

import (
	"testing"

	"pgregory.net/rapid"

	"portcullis.dev/policies/packet"
)

// every is each kind of header there is: of every protocol one, and of those with
// ports or types some, at the edges.
var every = func() []packet.Header {
	var all []packet.Header
	for p := range 256 {
		h := packet.Header{Protocol: packet.Protocol(p)}
		switch {
		case h.Protocol.HasPorts():
			for _, port := range []uint16{0, 1, 2, 3, 78, 79, 80, 81, 82, 7999, 8000, 8001, 65533, 65534, 65535} {
				h.Port = port
				all = append(all, h)
			}
		case h.Protocol.HasTypes():
			for _, n := range []uint16{0, 1, 2, 78, 79, 80, 81, 82, 255, 256, 30<<8 | 255, 31 << 8, 31<<8 | 63, 31<<8 | 64, 31<<8 | 65, 31<<8 | 255, 32 << 8, 254<<8 | 255, 255 << 8, 65533, 65534, 65535} {
				h.Type, h.Code = uint8(n>>8), uint8(n)
				all = append(all, h)
			}
		default:
			all = append(all, h)
		}
	}
	return all
}()

// drawn is a set of traffic, and its members as they were put in: the judge.
type drawnTraffic struct {
	packet.Traffic
	has func(packet.Header) bool
}

// part draws one of the sets that can be written down.
func part(choose func(int) int) drawnTraffic {
	protocols := []packet.Protocol{packet.TCP, packet.UDP, packet.SCTP, packet.ICMP, packet.ICMPv6, 0, 47, 136, 255}
	ports := []uint16{0, 1, 2, 79, 80, 81, 8000, 65534, 65535}
	p := protocols[choose(len(protocols))]
	first, last := ports[choose(len(ports))], ports[choose(len(ports))]
	if last < first {
		first, last = last, first
	}
	switch choose(4) {
	case 0:
		return drawnTraffic{packet.Of(p), func(h packet.Header) bool { return h.Protocol == p }}
	case 1:
		return drawnTraffic{packet.Ports(p, first, last), func(h packet.Header) bool {
			return p.HasPorts() && h.Protocol == p && first <= h.Port && h.Port <= last
		}}
	case 2:
		from, to := uint8(first>>8), uint8(last>>8)
		return drawnTraffic{packet.Types(p, from, to), func(h packet.Header) bool {
			return p.HasTypes() && h.Protocol == p && from <= h.Type && h.Type <= to
		}}
	default:
		one := packet.Header{Protocol: p}
		switch {
		case p.HasPorts():
			one.Port = first
		case p.HasTypes():
			one.Type, one.Code = uint8(first>>8), uint8(first)
		}
		return drawnTraffic{packet.One(one), func(h packet.Header) bool { return h == one }}
	}
}

// combine puts parts together by some operations.
func combine(choose func(int) int) drawnTraffic {
	x := part(choose)
	for range choose(6) {
		a, b := x, part(choose)
		switch choose(4) {
		case 0:
			x = drawnTraffic{a.Union(b.Traffic), func(h packet.Header) bool { return a.has(h) || b.has(h) }}
		case 1:
			x = drawnTraffic{a.Intersect(b.Traffic), func(h packet.Header) bool { return a.has(h) && b.has(h) }}
		case 2:
			x = drawnTraffic{a.Subtract(b.Traffic), func(h packet.Header) bool { return a.has(h) && !b.has(h) }}
		default:
			x = drawnTraffic{a.Complement().Union(b.Traffic), func(h packet.Header) bool { return !a.has(h) || b.has(h) }}
		}
	}
	return x
}

type failer interface{ Fatalf(string, ...any) }

func checkTraffic(t failer, x, y drawnTraffic) {
	empty, equal, covers, overlaps := true, true, true, false
	for _, h := range every {
		if x.Contains(h) != x.has(h) {
			t.Fatalf("%s: %s in it is %v", x, h, x.Contains(h))
		}
		empty = empty && !x.has(h)
		equal = equal && x.has(h) == y.has(h)
		covers = covers && (x.has(h) || !y.has(h))
		overlaps = overlaps || x.has(h) && y.has(h)
	}
	// The headers are at all edges, so that what holds for them holds for all.
	if x.IsEmpty() != empty || x.Equal(y.Traffic) != equal || x.Covers(y.Traffic) != covers || x.Overlaps(y.Traffic) != overlaps {
		t.Fatalf("%s and %s: empty %v, equal %v, covers %v, overlap %v", x, y, x.IsEmpty(), x.Equal(y.Traffic), x.Covers(y.Traffic), x.Overlaps(y.Traffic))
	}
	if w, ok := x.Witness(); ok == empty || ok && !x.has(w) {
		t.Fatalf("%s: the witness is %s, %v", x, w, ok)
	}
	if x.String() == "" || (x.String() == y.String()) != equal {
		t.Fatalf("%q and %q are the same: %v", x, y, equal)
	}
	laws(t, x.Traffic, y.Traffic)
}

// laws are those of every algebra of sets.
func laws(t failer, x, y packet.Traffic) {
	for name, holds := range map[string]bool{
		"difference":  x.Subtract(y).Equal(x.Intersect(y.Complement())),
		"De Morgan":   x.Union(y).Complement().Equal(x.Complement().Intersect(y.Complement())),
		"commutes":    x.Union(y).Equal(y.Union(x)) && x.Intersect(y).Equal(y.Intersect(x)),
		"absorbs":     x.Union(x.Intersect(y)).Equal(x) && x.Intersect(x.Union(y)).Equal(x),
		"parts":       x.Subtract(y).Union(x.Intersect(y)).Equal(x) && !x.Subtract(y).Overlaps(y),
		"twice":       x.Complement().Complement().Equal(x),
		"everything":  x.Union(x.Complement()).Equal(packet.Anything()) && x.Intersect(x.Complement()).IsEmpty(),
		"order":       x.Covers(x.Intersect(y)) && x.Union(y).Covers(y),
		"emptiness":   x.Overlaps(y) == !x.Intersect(y).IsEmpty(),
		"containment": x.Covers(y) == y.Subtract(x).IsEmpty(),
	} {
		if !holds {
			t.Fatalf("%s and %s: the law %q does not hold", x, y, name)
		}
	}
}

func TestTraffic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		choose := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "choice") }
		checkTraffic(t, combine(choose), combine(choose))
	})
}

// FuzzTraffic reads choices off the input.
func FuzzTraffic(f *testing.F) {
	for _, seed := range []string{
		"",
		"\x00\x04\x05\x01\x00\x00\x00\x08\x01", // ports of TCP
		"\x03\x02\x03\x02\x01\x03\x05\x05\x03\x02\x03\x00\x08\x02",                                     // types of ICMP, without one code
		"\x05\x00\x00\x00\x03\x06\x00\x00\x00\x03\x07\x01\x01\x00\x01",                                 // complements of protocols that have no ports
		"\x01\x08\x00\x01\x04\x01\x03\x03\x01\x02\x04\x03\x06\x01\x01\x00\x02\x02\x01\x05\x06\x01\x02", // both ends of a range
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		choose := func(n int) int {
			if len(data) == 0 {
				return 0
			}
			c := int(data[0]) % n
			data = data[1:]
			return c
		}
		checkTraffic(t, combine(choose), combine(choose))
	})
}

func TestTrafficInWords(t *testing.T) {
	t.Parallel()
	tcp := func(first, last uint16) packet.Traffic { return packet.Ports(packet.TCP, first, last) }
	codes := packet.One(packet.Header{Protocol: packet.ICMP, Type: 3, Code: 4})
	for want, x := range map[string]packet.Traffic{
		"no traffic":                   {},
		"any traffic":                  packet.Anything(),
		"TCP":                          packet.Of(packet.TCP),
		"TCP 80":                       tcp(80, 80),
		"TCP 80,8000-8100; UDP 53":     tcp(8000, 8100).Union(tcp(80, 80)).Union(packet.Ports(packet.UDP, 53, 53)),
		"any traffic but TCP 25":       packet.Anything().Subtract(tcp(25, 25)),
		"any traffic but TCP; UDP":     packet.Anything().Subtract(packet.Of(packet.TCP)).Subtract(packet.Of(packet.UDP)),
		"ICMP type 8; ICMPv6 type 128": packet.Types(packet.ICMP, 8, 8).Union(packet.Types(packet.ICMPv6, 128, 128)),
		"ICMP type 3 code 4":           codes,
		"ICMP type 0-2,4-255, type 3 code 0-3, type 3 code 5-255": packet.Of(packet.ICMP).Subtract(codes),
		"protocol 47":              packet.Of(47),
		"UDPLite":                  packet.Of(packet.UDPLite),
		"SCTP; protocols 47,50-51": packet.Of(packet.SCTP).Union(packet.Of(47)).Union(packet.Of(50)).Union(packet.Of(51)),
		"TCP 0-79,81-65535":        packet.Of(packet.TCP).Subtract(tcp(80, 80)),
	} {
		if x.String() != want {
			t.Errorf("%q, expected %q", x, want)
		}
	}
}

// A witness is what people would name first.
func TestTrafficWitness(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		of   packet.Traffic
		want string
	}{
		{packet.Anything(), "TCP 443"},
		{packet.Anything().Subtract(packet.Ports(packet.TCP, 80, 65535)), "TCP 1"},
		{packet.Ports(packet.TCP, 80, 442), "TCP 80"},
		{packet.Of(packet.UDP).Union(packet.Types(packet.ICMP, 0, 9)), "UDP 443"},
		{packet.Ports(packet.TCP, 0, 0), "TCP 0"},
		{packet.Types(packet.ICMPv6, 128, 129).Union(packet.Of(47)), "ICMPv6 type 128 code 0"},
		{packet.Of(47).Union(packet.Of(50)), "protocol 47"},
	} {
		if h, _ := c.of.Witness(); h.String() != c.want {
			t.Errorf("of %s: %s, expected %s", c.of, h, c.want)
		}
	}
	if _, ok := (packet.Traffic{}).Witness(); ok {
		t.Error("no traffic has a witness")
	}
}
