package packet_test

import (
	"net/netip"
	"testing"

	"go4.org/netipx"
	"pgregory.net/rapid"

	"portcullis.dev/policies/packet"
	_ "portcullis.dev/testdata/seed"
)

// corner are the last addresses of IPv4 and the first of IPv6: small enough to be
// asked one by one.
var corner = func() []netip.Addr {
	var all []netip.Addr
	for i := range 16 {
		all = append(all, netip.AddrFrom4([4]byte{255, 255, 255, byte(240 + i)}), netip.AddrFrom16([16]byte{15: byte(i)}))
	}
	return all
}()

func TestAddresses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) (packet.Addresses, map[netip.Addr]bool) {
			var prefixes []netip.Prefix
			in := map[netip.Addr]bool{}
			for range rapid.IntRange(0, 4).Draw(t, label) {
				a := rapid.SampledFrom(corner).Draw(t, "address")
				p := netip.PrefixFrom(a, a.BitLen()-rapid.IntRange(0, 4).Draw(t, "bits")).Masked()
				prefixes = append(prefixes, p)
				for _, a := range corner {
					in[a] = in[a] || p.Contains(a)
				}
			}
			return packet.AddressesOf(prefixes...), in
		}
		x, inX := draw("x")
		y, inY := draw("y")
		covers, overlaps, equal := true, false, true
		for _, a := range corner {
			for name, c := range map[string][2]bool{
				"union":        {x.Union(y).Contains(a), inX[a] || inY[a]},
				"intersection": {x.Intersect(y).Contains(a), inX[a] && inY[a]},
				"difference":   {x.Subtract(y).Contains(a), inX[a] && !inY[a]},
				"complement":   {x.Complement().Contains(a), !inX[a]},
				"prefixes":     {packet.AddressesOf(x.Prefixes()...).Contains(a), inX[a]},
			} {
				if c[0] != c[1] {
					t.Fatalf("%s of %s and %s contains %s: %v", name, x, y, a, c[0])
				}
			}
			covers = covers && (inX[a] || !inY[a])
			overlaps = overlaps || inX[a] && inY[a]
			equal = equal && inX[a] == inY[a]
		}
		if x.Covers(y) != covers || x.Overlaps(y) != overlaps || x.Equal(y) != equal || (x.String() == y.String()) != equal {
			t.Fatalf("%s and %s: covers %v, overlap %v, equal %v", x, y, x.Covers(y), x.Overlaps(y), x.Equal(y))
		}
		if w, ok := x.Witness(); ok == x.IsEmpty() || ok && !inX[w] {
			t.Fatalf("%s: the witness is %s, %v", x, w, ok)
		}
		if !x.Union(x.Complement()).Equal(packet.EveryAddress()) || x.Overlaps(x.Complement()) {
			t.Fatalf("%s and its complement are not everything", x)
		}
	})
}

func TestAddressesInWords(t *testing.T) {
	t.Parallel()
	of := func(texts ...string) packet.Addresses {
		var prefixes []netip.Prefix
		for _, text := range texts {
			prefixes = append(prefixes, netip.MustParsePrefix(text))
		}
		return packet.AddressesOf(prefixes...)
	}
	for want, x := range map[string]packet.Addresses{
		"no address":                         {},
		"any address":                        packet.EveryAddress(),
		"192.0.2.1, 2001:db8::/32":           of("2001:db8::/32", "192.0.2.1/32"),
		"192.0.2.0/24":                       of("192.0.2.0/25", "192.0.2.128/25"),
		"any address but 10.0.0.0/8":         of("10.0.0.0/8").Complement(),
		"any IPv4 address but 10.0.0.0/8":    of("10.0.0.0/8", "::/0").Complement(),
		"any IPv6 address but 2001:db8::/32": of("0.0.0.0/0", "2001:db8::/32").Complement(),
		"0.0.0.0/0":                          of("0.0.0.0/0"),
		"192.0.2.1, 192.0.2.2/31":            packet.AddressRanges(netipx.IPRangeFrom(netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.3"))),
	} {
		if x.String() != want {
			t.Errorf("%q, expected %q", x, want)
		}
	}
	if !of("192.0.2.0/24").Contains(netip.MustParseAddr("::ffff:192.0.2.1")) {
		t.Error("an IPv4 address in IPv6's clothes is not found")
	}
	if w, _ := of("192.0.2.0/24").Witness(); w.String() != "192.0.2.1" {
		t.Errorf("the witness of a network is %s", w)
	}
}
