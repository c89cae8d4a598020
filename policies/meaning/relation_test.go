package meaning_test

import (
	"testing"

	"pgregory.net/rapid"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
)

// judge says what becomes of packets, on each half, in a world.
type judge func(object.Set, object.Cluster) func(meaning.Packet) meaning.Verdict

// walking is the evaluator of single packets.
func walking(set object.Set, cluster object.Cluster) func(meaning.Packet) meaning.Verdict {
	m, _ := meaning.Of(set, cluster)
	return m.Walk
}

// headers are those by which policies tell traffic apart, and their neighbours.
var headers = func() []packet.Header {
	var all []packet.Header
	for _, port := range []uint16{0, 1, 52, 53, 54, 60, 61, 79, 80, 81, 443, 1024, 1025, 8080, 8081, 65535} {
		for _, p := range []packet.Protocol{packet.TCP, packet.UDP, packet.SCTP} {
			all = append(all, packet.Header{Protocol: p, Port: port})
		}
	}
	for _, kind := range []uint8{0, 8, 9, 128} {
		for _, code := range []uint8{0, 3, 4} {
			for _, p := range []packet.Protocol{packet.ICMP, packet.ICMPv6} {
				all = append(all, packet.Header{Protocol: p, Type: kind, Code: code})
			}
		}
	}
	return append(all, packet.Header{Protocol: 47}, packet.Header{Protocol: packet.UDPLite}, packet.Header{Protocol: 255})
}()

// edges are packets between all ends, of all headers and both families; of every
// stride packets, one.
func edges(peers []meaning.Peer, first, stride int, do func(meaning.Packet)) {
	n := 0
	for _, from := range peers {
		for _, to := range peers {
			for _, h := range headers {
				for _, family := range []int{4, 6} {
					if n++; n%stride != first || other(from, family) || other(to, family) {
						continue
					}
					do(meaning.Packet{From: from, To: to, Protocol: h.Protocol, Port: h.Port, Type: h.Type, Code: h.Code, Family: family})
				}
			}
		}
	}
}

// other reports whether the peer's address is of the other family.
func other(p meaning.Peer, family int) bool {
	return p.Addr.IsValid() && p.Addr.Unmap().Is4() != (family == 4)
}

// The relation says of every packet what a judge of single packets says, for the
// same reason, and exactly one segment of each half and at most one rectangle hold it.
// A world has some 270 packets: -rapid.checks says how many worlds there are.
func TestRelationIsWalk(t *testing.T) {
	t.Parallel()
	relationIs(t, walking)
}

func relationIs(t *testing.T, says judge) {
	count := map[meaning.Outcome]int{}
	asked, left := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		set, cluster := world(t)
		m, _ := meaning.Of(set, cluster)
		r := meaning.EvaluateNarrow(m, &meaning.Atoms{}, narrow(t))
		verdict := says(set, cluster)
		const stride = 199 // a prime, so that every kind of packet has its turn
		edges(peersOf(r, m), rapid.IntRange(0, stride-1).Draw(t, "first"), stride, func(p meaning.Packet) {
			got, ok := r.Verdict(p)
			if !ok {
				left++
				return
			}
			want := verdict(p)
			asked++
			count[want.Outcome()]++
			for _, half := range []struct {
				name      string
				got, want meaning.Half
			}{{"egress", got.Egress, want.Egress}, {"ingress", got.Ingress, want.Ingress}} {
				if half.got.Outcome != half.want.Outcome || half.got.By != half.want.By {
					t.Fatalf("%s, %s:\n got %s: %+v\nwant %s: %+v", p, half.name, half.got.Outcome, half.got.By, half.want.Outcome, half.want.By)
				}
			}
			held(t, r, p, want.Outcome())
		})
	})
	t.Logf("%d packets: %v; %d more have no class", asked, count, left)
	decided := count[meaning.Allowed] + count[meaning.Denied]
	for _, o := range []meaning.Outcome{meaning.Allowed, meaning.Denied} {
		if count[o]*5 < decided {
			t.Errorf("%d of %d packets are %s: too few to tell", count[o], decided, o)
		}
	}
}

// narrow draws what counts as few: small worlds would have nothing else.
func narrow(t *rapid.T) uint64 { return rapid.SampledFrom([]uint64{0, 1, 4, 256}).Draw(t, "narrow") }

// held checks the parts of the relation that hold a packet.
func held(t *rapid.T, r *meaning.Relation, p meaning.Packet, outcome meaning.Outcome) {
	from, _ := r.Class(p.From, p.Family)
	to, _ := r.Class(p.To, p.Family)
	h := p.Header()
	governed := r.Classes()[from].Governed() || r.Classes()[to].Governed()
	for d, ends := range [2][2]uint32{meaning.Ingress: {to, from}, meaning.Egress: {from, to}} {
		segments := 0
		for _, s := range r.Segments(ends[0], meaning.Direction(d)) {
			if s.Families.Has(p.Family) && s.Traffic.Contains(h) && s.Peers.Contains(ends[1]) {
				segments++
			}
		}
		if segments != 1 && governed || segments > 0 && !governed {
			t.Fatalf("%s: %d segments of %s", p, segments, meaning.Direction(d))
		}
	}
	var in []meaning.Outcome
	for _, x := range r.Rectangles() {
		if x.Families.Has(p.Family) && x.From.Contains(from) && x.To.Contains(to) && x.Traffic.Contains(h) {
			in = append(in, x.Outcome)
		}
	}
	if outcome == meaning.Denied || !governed {
		if len(in) > 0 {
			t.Fatalf("%s is %s, and in rectangles that are %v", p, outcome, in)
		}
	} else if len(in) != 1 || in[0] != outcome {
		t.Fatalf("%s is %s, and in rectangles that are %v", p, outcome, in)
	}
}
