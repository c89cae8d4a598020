package relation_test

import (
	"flag"
	"fmt"
	"testing"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/relation"
)

var pairWorlds = flag.Int("pairs", 60, "how many worlds in which every pair of pods is walked")

// decides is what decided a half, as the place of a difference.
func decides(h meaning.Half) place {
	if h.By.Cause == meaning.ByRule {
		return place{h.By.Policy, h.By.Pointer}
	}
	return place{}
}

// Of every two pods that can exist beside each other, the half that one set of policies
// allows and the other denies is found for the very rule that allows it; and what is found
// are two such pods. A rule that decides one of them is not dead.
func TestDifferencesBetweenCoupledEnds(t *testing.T) {
	t.Parallel()
	var pairs, decided, differing, found, shared, described, whole int
	var effort effortOf
	for i := range *pairWorlds {
		seed := *first + uint64(i)
		w := newTiny(t, seed)
		u := w.universe()
		search := &relation.Search{Universe: u, Described: w.described}
		var known, dead [2]map[place]bool
		for _, d := range []meaning.Direction{meaning.Ingress, meaning.Egress} {
			known[d], dead[d] = map[place]bool{}, map[place]bool{}
			for _, r := range search.Dead(u.Of(w.new, d), d, func(r *relation.Rule, err error) { t.Errorf("seed %d: %v: %v", seed, r.Of.Pointer, err) }) {
				dead[d][place{r.Policy.ID, r.Of.Pointer}] = true
			}
			c := relation.Comparison{
				Direction: d, Allowing: u.Of(w.new, d), Denying: u.Of(w.old, d), Patterns: w.closed,
				Rather: []relation.Wanted{{Program: u.Of(w.new, 1-d), Verdict: relation.Allows, Opposite: true, Ungoverned: relation.Allows}},
			}
			search.Compare(c, nil, func(x relation.Difference, err error) bool {
				if err != nil {
					t.Errorf("seed %d: %v", seed, err)
					return true
				}
				of := place{}
				if x.Rule != nil {
					of = place{x.Rule.Policy.ID, x.Rule.Of.Pointer}
				}
				known[d][of] = true
				found++
				described += x.Witness.Described
				if own, peer := x.Witness.Own().Endpoint, x.Witness.Peer().Endpoint; peer != nil && own.Namespace == peer.Namespace {
					shared++
				}
				if x.Witness.Whole {
					whole++
				}
				if reason := w.judge(x.Witness); reason != "" {
					t.Errorf("seed %d, %s: the witness %s of %v (%+v, %+v): %s", seed, d, x.Witness.Packet, of, x.Witness.Own().Endpoint, x.Witness.Peer().Endpoint, reason)
				}
				return false
			})
		}
		w.pairs(func(p meaning.Packet, old, new meaning.Verdict) {
			pairs++
			for d, own := range []*meaning.Endpoint{p.To.Endpoint, p.From.Endpoint} {
				d := meaning.Direction(d)
				a, b := w.half(new, d, own), w.half(old, d, own)
				for _, by := range deciders(a) {
					if decided++; dead[d][by] && !t.Failed() {
						t.Errorf("seed %d: %s %s (%+v, %+v) is decided by %v, which is called dead", seed, d, p, p.From.Endpoint, p.To.Endpoint, by)
					}
				}
				if a.Outcome != meaning.Allowed || b.Outcome != meaning.Denied {
					continue
				}
				if differing++; !known[d][decides(a)] && !t.Failed() {
					t.Errorf("seed %d: %s %s (%+v, %+v) is allowed by %v and denied by %v, and was not found", seed, d, p, p.From.Endpoint, p.To.Endpoint, a.By, b.By)
				}
			}
		})
		effort.add(search)
		if t.Failed() {
			return
		}
	}
	t.Logf("%d pairs, %d times a rule decided, %d differing halves; %d differences, %d inside one namespace, %d whole flows, %d described ends",
		pairs, decided, differing, found, shared, whole, described)
	effort.near(t)
	if differing < pairs/50 || shared < found/50 || whole == 0 || described == 0 {
		t.Error("too little differs to prove anything")
	}
}

// judge says what is wrong about a witness of what the new policies allow and the old ones
// deny; empty if nothing is.
func (w *tiny) judge(x *relation.Witness) string {
	if reason := w.impossible(x); reason != "" {
		return reason
	}
	verdicts := func(m *meaning.Meaning) meaning.Verdict { return m.Walk(x.Packet) }
	old, new := verdicts(w.old), verdicts(w.new)
	own := x.Own().Endpoint
	a, b := w.half(new, x.Direction, own), w.half(old, x.Direction, own)
	switch {
	case a.Outcome != meaning.Allowed || b.Outcome != meaning.Denied:
		return fmt.Sprintf("it is %s by %v and %s by %v", a.Outcome, a.By, b.Outcome, b.By)
	case x.Whole && x.Peer().Endpoint != nil && new.Outcome() != meaning.Allowed:
		return fmt.Sprintf("its other half is not allowed: %v", new)
	}
	return ""
}
