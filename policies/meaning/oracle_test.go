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
	isTheOracle(t, evaluator{verdicts: func(m *meaning.Meaning) func(meaning.Packet) (meaning.Verdict, bool) {
		asker := m.Asker()
		return func(p meaning.Packet) (meaning.Verdict, bool) {
			v, again := m.Walk(p), asker.Walk(p)
			if v.Egress.By != again.Egress.By || v.Ingress.By != again.Ingress.By || v.Outcome() != again.Outcome() {
				t.Errorf("%s is %+v, and to an Asker %+v", p, v, again)
			}
			return v, true
		}
	}})
}

// So does the relation between all ends at once, which asks nobody about source ports,
// and leaves out addresses of the pod network that no pod has.
func TestRelationIsTheOracle(t *testing.T) {
	t.Parallel()
	isTheOracle(t, evaluator{anySource: true, verdicts: func(m *meaning.Meaning) func(meaning.Packet) (meaning.Verdict, bool) {
		return meaning.Evaluate(m, &meaning.Atoms{}).Verdict
	}})
}

// evaluator is what is held against the oracle. It may leave packets out.
type evaluator struct {
	verdicts  func(*meaning.Meaning) func(meaning.Packet) (v meaning.Verdict, ok bool)
	anySource bool // it is not told source ports
}

// tally is what became of the packets, how many the evaluator left out, and how many
// halves it does not know and the oracle does.
type tally struct {
	outcomes      map[oracle.Outcome]int
	left, careful int
}

func isTheOracle(t *testing.T, e evaluator) {
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
				e.differ(t, *seed+uint64(i), test.minor, test.features, &n)
			}
			total := *worlds * packetsPerWorld
			t.Logf("%d packets: %v; the oracle knows %d more; %d are left out", total, n.outcomes, n.careful, n.left)
			for _, o := range []oracle.Outcome{oracle.Allow, oracle.Deny} {
				if 5*n.outcomes[o] < total {
					t.Errorf("%s is the outcome of %d packets in %d, expected a fifth at least", o, n.outcomes[o], total)
				}
			}
			limit := 0 // where every address and port is known
			switch {
			case test.features.Unaddressed:
				limit = total / 5
			case e.anySource:
				limit = total / 50
			}
			if n.careful > limit {
				t.Errorf("%d halves are unknown that the oracle knows, expected %d at most", n.careful, limit)
			}
		})
	}
}

func (e evaluator) differ(t *testing.T, seed uint64, minor int, f oracle.Features, n *tally) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	c, err := oracle.Random(r, minor, f)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	m, _ := meaning.Of(c.Set, c.Cluster)
	verdict, w := e.verdicts(m), oracle.Of(c.Set, c.Cluster)
	for _, p := range w.Packets(r, packetsPerWorld, f.Unaddressed) {
		if e.anySource {
			p.SourcePort = 0
		}
		packet, err := packetOf(m, p)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := verdict(packet)
		if !ok {
			n.left++
			continue
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
