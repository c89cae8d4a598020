package packet_test

import (
	"net/netip"
	"testing"

	"go4.org/netipx"
	"pgregory.net/rapid"

	"portcullis.dev/policies/packet"
)

func TestPublic(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "223.255.255.255": true, "9.255.255.255": true, "11.0.0.0": true,
		"10.1.2.3": false, "100.64.0.1": false, "127.0.0.1": false, "169.254.20.10": false, "172.31.0.1": false, "192.168.1.1": false,
		"203.0.113.9": false, "224.0.0.1": false, "255.255.255.255": false, "0.0.0.0": false,
		"2001:4860:4860::8888": true, "2606:4700::1111": true, "2001:db8::1": false, "fd00::1": false, "fe80::1": false, "::1": false, "ff02::1": false,
	} {
		a := netip.MustParseAddr(text)
		family := packet.IPv6
		if a.Is4() {
			family = packet.IPv4
		}
		if got := packet.Public(family).Contains(a); got != want {
			t.Errorf("%s is public: %v", text, got)
		}
	}
	// 2^32 less the blocks of the registry.
	if got := packet.Size(packet.Public(packet.IPv4).Ranges()...); got != 3702258432 {
		t.Errorf("%.0f public IPv4 addresses", got)
	}
}

// Whatever the prefixes, the parts are disjoint, in order, join to the set, and no
// prefix cuts one.
func TestElementary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var prefixes []netip.Prefix
		for range rapid.IntRange(0, 8).Draw(t, "count") {
			a := netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address")))
			prefixes = append(prefixes, netip.PrefixFrom(a, rapid.IntRange(0, 32).Draw(t, "bits")).Masked())
		}
		set := packet.Public(packet.IPv4)
		parts := packet.Elementary(set, append(prefixes, netip.MustParsePrefix("2000::/4")))
		var joined netipx.IPSetBuilder
		for i, r := range parts {
			if i > 0 && parts[i-1].To().Compare(r.From()) >= 0 {
				t.Fatalf("%s does not come after %s", r, parts[i-1])
			}
			joined.AddRange(r)
			for _, p := range prefixes {
				if p.Contains(r.From()) != p.Contains(r.To()) {
					t.Fatalf("%s cuts %s", p, r)
				}
			}
		}
		if all, _ := joined.IPSet(); !all.Equal(set) || packet.Size(parts...) != packet.Size(set.Ranges()...) {
			t.Fatal("the parts do not join to the set")
		}
	})
}
