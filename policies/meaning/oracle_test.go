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
// at their edges. Where Walk does not know, the oracle may. An Asker, which remembers
// what it found for earlier packets, says the same.
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
			n := tally{outcomes: map[oracle.Outcome]int{}}
			for i := range *worlds {
				differ(t, *seed+uint64(i), test.minor, test.features, &n)
			}
			total := *worlds * packetsPerWorld
			t.Logf("%d packets: %v; the oracle knows %d more", total, n.outcomes, n.careful)
			for _, o := range []oracle.Outcome{oracle.Allow, oracle.Deny} {
				if 5*n.outcomes[o] < total {
					t.Errorf("%s is the outcome of %d packets in %d, expected a fifth at least", o, n.outcomes[o], total)
				}
			}
			limit := 0 // where every address and port is known
			if test.features.Unaddressed {
				limit = total / 5
			}
			if n.careful > limit {
				t.Errorf("%d halves are unknown that the oracle knows, expected %d at most", n.careful, limit)
			}
		})
	}
}

// tally is what became of the packets, and how many halves Walk does not know and the
// oracle does.
type tally struct {
	outcomes map[oracle.Outcome]int
	careful  int
}

func differ(t *testing.T, seed uint64, minor int, f oracle.Features, n *tally) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	c, err := oracle.Random(r, minor, f)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	m, _ := meaning.Of(c.Set, c.Cluster)
	asker, w := m.Asker(), oracle.Of(c.Set, c.Cluster)
	for _, p := range w.Packets(r, packetsPerWorld, f.Unaddressed) {
		packet, err := packetOf(m, p)
		if err != nil {
			t.Fatal(err)
		}
		got, again := m.Walk(packet), asker.Walk(packet)
		if got.Egress.By != again.Egress.By || got.Ingress.By != again.Ingress.By || got.Outcome() != again.Outcome() {
			t.Errorf("%s is %+v, and to an Asker %+v", packet, got, again)
		}
		want := w.Judge(p)
		n.outcomes[want.Outcome()]++
		for half, pair := range map[string]struct {
			want oracle.Half
			got  meaning.Half
		}{"egress": {want.Egress, got.Egress}, "ingress": {want.Ingress, got.Ingress}} {
			switch outcome := pair.got.Outcome.String(); {
			case outcome == string(pair.want.Outcome):
			case pair.got.Outcome == meaning.Unknown:
				n.careful++
			default:
				t.Errorf("seed %d: %s of %s (%+v)\nthe oracle says %s: %s\n    got %s: %s\n%s",
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
