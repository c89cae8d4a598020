package lower

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/compiler/proof"
	"portcullis.dev/policies/meaning"
)

// TestLoweredPlansAreProved holds one half of the compiler against the other: what is
// emitted for a plan is, by the proof, what the plan means.
func TestLoweredPlansAreProved(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := aPlan(t)
		emitted, found := Lower(p)
		if len(found) > 0 {
			t.Fatal(found.Err())
		}
		for _, d := range proof.Prove(p, population.RelationOf(p, meaningOf(t, emitted, p.Cluster, bystanders)), everybody(p)) {
			// DNS pods of a governed namespace are nobody's to open but the intents'.
			if dns := d.Rule.Code == "PC306" || strings.HasSuffix(d.Message, "no name is resolved"); !dns || !p.Governs(p.Cluster.DNS.Namespace) {
				t.Fatalf("%s %s: %s\n%s", d.Rule.Code, d.Message, d.Why, text(emitted))
			}
		}
	})
}

// TestProofTellsPlansApart proves a plan on what was emitted for another one. Where some
// packet is meant by one of the two alone, by the plan's own word, the proof must fail.
func TestProofTellsPlansApart(t *testing.T) {
	t.Parallel()
	apart, found := 0, map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		p := aPlan(t)
		other := *p
		another(t, &other)
		emitted, refused := Lower(&other)
		if len(refused) > 0 {
			t.Fatal(refused.Err())
		}
		all := proof.Prove(p, population.RelationOf(p, meaningOf(t, emitted, p.Cluster, bystanders)), everybody(p))
		for _, d := range all {
			found[d.Rule.Code]++
		}
		if len(all) > 0 {
			apart++
			return
		}
		places := places(p)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "packets"), 1))
		for range 2000 {
			from, to, kind, number := drawn([]*plan.Plan{p, &other}[random.IntN(2)], places, random)
			if !p.Holds(from) && !p.Holds(to) || kind.protocol.HasPorts() && number == 0 || !sameFamily(from, to, kind) {
				continue
			}
			if meant := p.Between(from, to).Allows(kind.planned, number); meant != other.Between(from, to).Allows(kind.planned, number) {
				t.Fatalf("%v -> %v %s %d is meant by one plan alone (the first: %v), and the proof holds\n%s", from, to, kind.planned, number, meant, text(emitted))
			}
		}
	})
	t.Logf("%d proofs failed: %v", apart, found)
	for _, code := range []string{"PC303", "PC304", "PC305"} {
		if found[code] == 0 && !t.Failed() {
			t.Errorf("no proof failed with %s: too little was tried", code)
		}
	}
}

// another changes one thing about a plan.
func another(t *rapid.T, p *plan.Plan) {
	g := &generator{t: t, plan: p, line: 1000}
	flows := slices.Clone(p.Flows)
	changes := []func(){func() { g.flow() }, func() { g.guardrail("other") }}
	if len(flows) > 0 {
		i := rapid.IntRange(0, len(flows)-1).Draw(t, "changed flow")
		changes = append(changes,
			func() { p.Flows = slices.Delete(flows, i, i+1) },
			func() { flows[i].Ports = g.ports(); p.Flows = flows },
			func() { flows[i].From, flows[i].To = flows[i].To, flows[i].From; p.Flows = flows })
	}
	if n := len(p.Guardrails); n > 0 {
		changes = append(changes, func() { p.Guardrails = p.Guardrails[:n-1] })
	}
	if n := len(p.Quarantine); n > 0 {
		changes = append(changes, func() { p.Quarantine = p.Quarantine[:n-1] })
	}
	if n := len(p.Workloads); n > 0 {
		i := rapid.IntRange(0, n-1).Draw(t, "changed workload")
		changes = append(changes, func() {
			p.Workloads = slices.Clone(p.Workloads)
			p.Workloads[i].DNS = !p.Workloads[i].DNS
		})
	}
	changes[rapid.IntRange(0, len(changes)-1).Draw(t, "change")]()
}

// everybody are the pods of the plan's places.
func everybody(p *plan.Plan) []*meaning.Endpoint {
	var all []*meaning.Endpoint
	for _, place := range places(p) {
		if place.Namespace != "" {
			all = append(all, peer(place).Endpoint)
		}
	}
	return all
}
