package meaning_test

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

// In random worlds, every header is in one part of the traffic between two ends, and fares
// as the part's first one does, for the same reason.
func TestPartsAreWalked(t *testing.T) {
	t.Parallel()
	divided, whole := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		set, cluster := world(t)
		m, _ := meaning.Of(set, cluster)
		a := m.Asker()
		var peers []meaning.Peer
		for _, e := range m.Endpoints {
			peers = append(peers, meaning.Pod(e))
		}
		for _, text := range []string{"192.0.2.1", "192.0.2.7", "8.8.8.8", "192.168.0.9", "192.168.0.7", "10.244.7.1", "2001:db8::1", "fd00:1::9"} {
			peers = append(peers, meaning.Address(netip.MustParseAddr(text)))
		}
		const stride = 53 // a prime, so that every kind of packet has its turn
		edges(peers, rapid.IntRange(0, stride-1).Draw(t, "first"), stride, func(p meaning.Packet) {
			parts := a.Parts(p.From, p.To, packet.Anything())
			if len(parts) > 1 {
				divided++
			} else {
				whole++
			}
			in := 0
			for _, part := range parts {
				if !part.Contains(p.Header()) {
					continue
				}
				in++
				other := p
				h, _ := part.Witness()
				other.Protocol, other.Port, other.Type, other.Code = h.Protocol, h.Port, h.Type, h.Code
				got, want := a.Walk(other), a.Walk(p)
				if got.Egress.Outcome != want.Egress.Outcome || got.Ingress.Outcome != want.Ingress.Outcome || got.Egress.By != want.Egress.By || got.Ingress.By != want.Ingress.By {
					t.Fatalf("%s is %+v, and %s, of the same part, %+v", p, want, other, got)
				}
			}
			if in != 1 {
				t.Fatalf("%s is in %d of the parts %v", p, in, parts)
			}
		})
	})
	if divided < 1000 || whole < 1000 {
		t.Errorf("between %d ends traffic is divided, between %d it is not: too few to tell", divided, whole)
	}
}
