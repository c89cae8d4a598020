package explain

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/oracle"
	"portcullis.dev/policies/packet"
)

// In random worlds, between two ends of which one is not reached, walks find everything
// denied: what is not walked for that reason would have said nothing else.
func TestNobodyBeyondReach(t *testing.T) {
	t.Parallel()
	beyond, within := 0, 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 3))
		world, err := oracle.Random(r, 32, oracle.Features{Tiers: true, ClusterPolicies: seed%2 == 0})
		if err != nil {
			t.Fatal(err)
		}
		m, _ := meaning.Of(world.Set, world.Cluster)
		w := &World{Set: world.Set, Meaning: m, Pods: m.Endpoints}
		ends := append(w.inSet(plan.Pods{}), w.inRanges(packet.AddressesOf(netip.MustParsePrefix("0.0.0.0/0")))...)
		reached := w.reach(ends)
		for _, d := range []meaning.Direction{meaning.Ingress, meaning.Egress} {
			for i, own := range ends {
				marks := reached.from(own, d)
				if marks == nil {
					within += len(ends)
					continue
				}
				for j, peer := range ends {
					if marks[j] {
						within++
						continue
					}
					beyond++
					from, to := own, peer
					if d == meaning.Ingress {
						from, to = peer, own
					}
					for outcome := range w.between(from, to, packet.Anything(), 0, 0) {
						if outcome != meaning.Denied {
							t.Fatalf("seed %d: the %s of %s does not reach %s, and something is %s", seed, d, ends[i].Peer, peer.Peer, outcome)
						}
					}
				}
			}
		}
	}
	t.Logf("%d pairs beyond reach, %d within", beyond, within)
	if beyond < 1000 || within < 1000 {
		t.Error("too few to tell")
	}
}
