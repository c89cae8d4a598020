package plan

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"portcullis.dev/policies/packet"
	_ "portcullis.dev/testdata/seed"
)

// TestPodsAreSomewhere draws lines that name more and less of both families: whatever they
// leave, pods may have addresses of each. What they name is held against the union of the blocks.
func TestPodsAreSomewhere(t *testing.T) {
	t.Parallel()
	everything := 0
	blocks := rapid.Custom(func(t *rapid.T) Block {
		b := Block{CIDR: netip.MustParsePrefix(rapid.SampledFrom([]string{"0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8", "203.0.113.9/32", "::/0", "fc00::/7", "2001:db8::/32"}).Draw(t, "block"))}
		for _, except := range []string{"10.0.0.0/8", "10.0.0.0/24", "10.0.0.0/30", "169.254.0.0/16", "fd00::/8"} {
			if e := netip.MustParsePrefix(except); b.CIDR.Overlaps(e) && b.CIDR.Bits() < e.Bits() && rapid.Bool().Draw(t, except) {
				b.Except = append(b.Except, e)
			}
		}
		return b
	})
	rapid.Check(t, func(t *rapid.T) {
		p := &Plan{}
		for _, b := range rapid.SliceOfN(blocks, 0, 3).Draw(t, "named") {
			p.Flows = append(p.Flows, Flow{To: End{Blocks: []Block{b}}})
		}
		var union packet.Addresses
		for _, f := range p.Flows {
			b := f.To.Blocks[0]
			union = union.Union(packet.AddressesOf(b.CIDR).Subtract(packet.AddressesOf(b.Except...)))
		}
		if named := p.named(); !named.Equal(union) {
			t.Fatalf("lines name %s, expected %s", named, union)
		}
		pods, _ := p.Whereabouts()
		if !p.named().IsEmpty() && pods.Equal(packet.EveryAddress()) {
			everything++
		}
		for _, f := range []packet.Family{packet.IPv4, packet.IPv6} {
			if !HasRoom(pods, f) {
				t.Fatalf("pods have no address of %s but those of %s", f, pods)
			}
		}
		assumed := packet.Addresses{}
		for _, c := range p.Assumed() {
			assumed = assumed.Union(packet.AddressesOf(c.PodCIDRs...))
		}
		if !assumed.IsEmpty() && !assumed.Equal(pods) {
			t.Fatalf("pods are at %s in one of the clusters, and at %s for the proof", assumed, pods)
		}
	})
	if everything == 0 {
		t.Error("no lines name too much")
	}
}
