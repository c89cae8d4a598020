package meaning_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/oracle"
)

var (
	seed   = flag.Uint64("seed", 1, "the first of the random worlds")
	worlds = flag.Int("worlds", 100, "how many random worlds for each set of features")
)

const packetsPerWorld = 100

// Walk and the oracle, which share no code, agree on random policies and on packets
// at their edges. Where Walk does not know, the oracle may.
func TestWalkIsTheOracle(t *testing.T) {
	t.Parallel()
	everything := oracle.Features{Tiers: true, Ties: true, ClusterPolicies: true, Unaddressed: true}
	tests := map[string]struct {
		minor    int
		features oracle.Features
	}{
		"one tier":        {31, oracle.Features{}},
		"tiers":           {31, oracle.Features{Tiers: true}},
		"ties of 3.31":    {31, oracle.Features{Tiers: true, Ties: true}},
		"ties of 3.32":    {32, oracle.Features{Tiers: true, Ties: true}},
		"cluster":         {32, oracle.Features{Tiers: true, ClusterPolicies: true}},
		"everything":      {33, everything},
		"everything 3.30": {30, everything},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			outcomes := map[oracle.Outcome]int{}
			careful := 0
			for i := range *worlds {
				differ(t, *seed+uint64(i), test.minor, test.features, outcomes, &careful)
			}
			total := *worlds * packetsPerWorld
			t.Logf("%d packets: %v; the oracle knows %d more", total, outcomes, careful)
			for _, o := range []oracle.Outcome{oracle.Allow, oracle.Deny} {
				if 5*outcomes[o] < total {
					t.Errorf("%s is the outcome of %d packets in %d, expected a fifth at least", o, outcomes[o], total)
				}
			}
			if limit := 2 * total / 10; careful > 0 && (!test.features.Unaddressed || careful > limit) {
				t.Errorf("Walk does not know %d halves that the oracle knows, expected %d at most, and none where every address is known", careful, limit)
			}
		})
	}
}

func differ(t *testing.T, seed uint64, minor int, f oracle.Features, outcomes map[oracle.Outcome]int, careful *int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	c, err := oracle.Random(r, minor, f)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	m, _ := meaning.Of(c.Set, c.Cluster)
	w := oracle.Of(c.Set, c.Cluster)
	for _, p := range w.Packets(r, packetsPerWorld, f.Unaddressed) {
		packet, err := packetOf(m, p)
		if err != nil {
			t.Fatal(err)
		}
		want, got := w.Judge(p), m.Walk(packet)
		outcomes[want.Outcome()]++
		for half, pair := range map[string]struct {
			want oracle.Half
			got  meaning.Half
		}{"egress": {want.Egress, got.Egress}, "ingress": {want.Ingress, got.Ingress}} {
			switch outcome := pair.got.Outcome.String(); {
			case outcome == string(pair.want.Outcome):
			case pair.got.Outcome == meaning.Unknown:
				*careful++
			default:
				t.Errorf("seed %d: %s of %s (%+v)\nthe oracle says %s: %s\nWalk says %s: %s\n%s",
					seed, half, packet, p, pair.want.Outcome, pair.want.By, outcome, pair.got.By.Reason, written(c.Set))
			}
		}
		if t.Failed() {
			t.FailNow()
		}
	}
}

func written(set object.Set) string {
	var text string
	for _, o := range set.All() {
		text += fmt.Sprintf("%s\n", o.JSON)
	}
	return text
}
