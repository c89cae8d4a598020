package facts_test

import (
	"flag"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis.dev/compiler/facts"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/oracle"
	"portcullis.dev/policies/packet"
)

var worlds = flag.Int("worlds", 150, "how many random worlds for each set of features")

// Of a rule that is called dead at an endpoint no packet gets its verdict, whoever walks it.
func TestDeadRulesAreDead(t *testing.T) {
	t.Parallel()
	matched, dead := 0, 0
	for seed := range *worlds {
		for _, f := range []oracle.Features{{}, {Tiers: true}, {Tiers: true, Ties: true, ClusterPolicies: true}} {
			r := rand.New(rand.NewPCG(uint64(seed), 11))
			w, err := oracle.Random(r, 33, f)
			if err != nil {
				t.Fatal(err)
			}
			m, _ := meaning.Of(w.Set, w.Cluster)
			p := planOf(w)
			everybody := population.Of(p, w.Set)
			documents := slices.Collect(facts.Of(p, population.RelationOf(p, m), w.Set, everybody))
			for _, c := range documents[len(documents)-1].Conflicts {
				verdict := meaning.Allowed
				switch c.Kind {
				case "dead-deny", "passed-deny":
					verdict = meaning.Denied
				case "dead-allow", "tier-end":
				default:
					continue
				}
				rule, d, one := ruleAt(m, c.Second)
				at := slices.IndexFunc(everybody.All, func(e *population.Pods) bool { return e.Ref() == c.Endpoint })
				if !one || at < 0 {
					continue
				}
				dead++
				for range 2000 {
					sent := randomPacket(r, everybody.All[at].Endpoint, everybody.All, d)
					if !m.Matches(rule, sent) {
						continue
					}
					matched++
					if half := m.WalkHalf(sent, d); half.Outcome == verdict {
						t.Errorf("seed %d %+v: %s is %s by %v, and %+v", seed, f, sent, half.Outcome, half.By, c)
						break
					}
				}
			}
		}
	}
	t.Logf("%d packets of %d dead rules", matched, dead)
	if matched < 500 || dead < 20 {
		t.Errorf("%d packets of %d dead rules: too few to prove anything", matched, dead)
	}
}

// planOf is a plan that knows the namespaces of a random world.
func planOf(w oracle.Case) *plan.Plan {
	p := &plan.Plan{Environment: "test", Cluster: w.Cluster, Stages: plan.DefaultStages()}
	for _, name := range []string{"dev", "ops", "prod"} {
		labels := meaning.Namespaces(w.Set)[name]
		if labels == nil {
			labels = map[string]string{plan.NamespaceLabel: name}
		}
		p.Namespaces = append(p.Namespaces, plan.Namespace{Name: name, Labels: labels})
	}
	return p
}

// TestQuietNamespacesHaveNoConflicts draws worlds and takes few or most of their policies away, with guardrails
// in some. The conflicts that are found are those of all namespaces, though in some of those nothing is
// looked for.
func TestQuietNamespacesHaveNoConflicts(t *testing.T) {
	t.Parallel()
	conflicts, quiet, loud := map[string]int{}, 0, 0
	for seed := range *worlds {
		for _, f := range []oracle.Features{{}, {Tiers: true}, {Ties: true}, {Tiers: true, Ties: true, ClusterPolicies: true}} {
			r := rand.New(rand.NewPCG(uint64(seed), 13))
			w, err := oracle.Random(r, 33, f)
			if err != nil {
				t.Fatal(err)
			}
			gone := r.IntN(4)
			kept := slices.DeleteFunc(slices.Clone(w.Set.All()), func(o object.Object) bool {
				return strings.HasSuffix(o.ID.Kind, "Policy") && r.IntN(4) < gone
			})
			set, _ := object.NewSet(kept)
			m, _ := meaning.Of(set, w.Cluster)
			p := planOf(w)
			for i := range p.Namespaces {
				p.Namespaces[i].Governed = true
			}
			if len(m.Tiers) > 0 && r.IntN(2) == 0 {
				p.Guardrails, p.Stages.GuardrailTier = []plan.Guardrail{{}}, m.Tiers[0].Name
			}
			some, all, q, l := facts.ConflictsQuietly(p, m, set, population.Of(p, set))
			if diff := cmp.Diff(all, some); diff != "" {
				t.Errorf("seed %d %+v (-everywhere +found):\n%s", seed, f, diff)
			}
			for _, c := range all {
				conflicts[c.Kind]++
			}
			quiet, loud = quiet+q, loud+l
		}
	}
	t.Logf("%v, %d quiet classes, %d others", conflicts, quiet, loud)
	if quiet < 300 || loud < 300 || conflicts["tie"] < 10 || conflicts["pass-to-nothing"] < 10 || conflicts["tier-end"] < 10 || conflicts["dead-deny"] < 10 {
		t.Errorf("%v, %d quiet classes and %d others: too few to prove anything", conflicts, quiet, loud)
	}
}

// ruleAt is the rule at a place, if it is evaluated as one.
func ruleAt(m *meaning.Meaning, at facts.Reference) (found *meaning.Rule, in meaning.Direction, one bool) {
	for _, p := range m.Policies {
		for d := range p.Rules {
			for i := range p.Rules[d] {
				if p.ID == at.Object && p.Rules[d][i].Pointer == at.Pointer {
					one = found == nil
					found, in = &p.Rules[d][i], meaning.Direction(d)
				}
			}
		}
	}
	return found, in, one
}

func randomPacket(r *rand.Rand, own *meaning.Endpoint, all []*population.Pods, d meaning.Direction) meaning.Packet {
	peer := meaning.Pod(all[r.IntN(len(all))].Endpoint)
	if r.IntN(2) == 0 {
		places := []string{"8.8.8.8", "203.0.113.7", "203.0.113.200", "198.51.100.1", "192.168.1.1", "10.1.1.1", "2001:db8::1", "fd01::1"}
		peer = meaning.Address(netip.MustParseAddr(places[r.IntN(len(places))]))
	}
	sent := meaning.Packet{From: peer, To: meaning.Pod(own), Protocol: []packet.Protocol{packet.TCP, packet.UDP, packet.SCTP, 47}[r.IntN(4)], SourcePort: 40000}
	if sent.Protocol.HasPorts() {
		sent.Port = []uint16{1, 53, 80, 443, 1023, 1024, 5000, 5010, 8080, 65535}[r.IntN(10)]
	}
	if d == meaning.Egress {
		sent.From, sent.To = sent.To, sent.From
	}
	return sent
}

// Work that a budget stops is said, and no rule is called dead or alive for it.
func TestUndecidedRules(t *testing.T) {
	t.Parallel()
	p := world("shop", "kube-system")
	p.Workloads = []plan.Workload{workload("shop", "api"), workload("shop", "web")}
	manifests := global("deny", "order: 100, ingress: [{action: Deny, source: {selector: has(a) || has(b)}}]") + allowWeb
	objects, _ := object.Decode("manifests.yaml", []byte(manifests))
	set, _ := object.NewSet(objects)
	m, _ := meaning.Of(set, p.Cluster)
	for steps, want := range map[int]string{1: "undecided allow-web", 1000: ""} {
		got := ""
		for _, c := range facts.ConflictsWithin(steps, p, m, set, population.Of(p, set)) {
			got += c.Kind + " " + c.First.Object.Name
		}
		if got != want {
			t.Errorf("%d steps: found %q, expected %q", steps, got, want)
		}
	}
}
