package relation_test

import (
	"fmt"
	"testing"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/relation"
)

// wish is a verdict that is wanted of one set of policies on one half of a flow.
type wish struct {
	ofNew   bool
	half    meaning.Direction
	verdict relation.Verdicts
}

func (x wish) granted(old, new meaning.Verdict) bool {
	v := old
	if x.ofNew {
		v = new
	}
	h := v.Ingress
	if x.half == meaning.Egress {
		h = v.Egress
	}
	return h.Outcome == meaning.Allowed && x.verdict == relation.Allows || h.Outcome == meaning.Denied && x.verdict == relation.Denies
}

// ask turns wishes into a question about the flows for which a formula holds, as seen from
// the end of one direction.
func (w *tiny) ask(u *relation.Universe, d meaning.Direction, where *relation.Formula, wishes []wish) relation.Question {
	q := relation.Question{Of: u.Pairs(), Where: where, Direction: d}
	for _, x := range wishes {
		m := w.old
		if x.ofNew {
			m = w.new
		}
		q.Wanted = append(q.Wanted, relation.Wanted{Program: u.Of(m, x.half), Verdict: x.verdict, Opposite: x.half != d, Ungoverned: relation.Allows})
	}
	return q
}

// between is a random formula over both ends of a flow, and what it says of two pods.
type between struct {
	formula *relation.Formula
	holds   func(own, peer *meaning.Endpoint) bool
}

func (w *tiny) between(t *testing.T, u *relation.Universe, depth int) between {
	t.Helper()
	if depth > 0 && w.IntN(3) > 0 {
		a, b := w.between(t, u, depth-1), w.between(t, u, depth-1)
		switch w.IntN(3) {
		case 0:
			return between{relation.Or(a.formula, b.formula), func(own, peer *meaning.Endpoint) bool { return a.holds(own, peer) || b.holds(own, peer) }}
		case 1:
			return between{relation.And(a.formula, relation.Not(b.formula)), func(own, peer *meaning.Endpoint) bool { return a.holds(own, peer) && !b.holds(own, peer) }}
		}
		return between{relation.And(a.formula, b.formula), func(own, peer *meaning.Endpoint) bool { return a.holds(own, peer) && b.holds(own, peer) }}
	}
	if w.once(4) {
		pattern := w.pick("a*", "*b", "a*b", "p*d", "*", "ab*ab", "o*")
		return between{u.NamedLike(relation.Peer, pattern), func(_, peer *meaning.Endpoint) bool { return fits(pattern, peer.Namespace) }}
	}
	if own, s := w.selects(t, u, relation.Own); w.once(2) {
		return between{own, func(own, _ *meaning.Endpoint) bool { return s.Matches(own) }}
	}
	peer, s := w.selects(t, u, relation.Peer)
	return between{peer, func(_, peer *meaning.Endpoint) bool { return s.Matches(peer) }}
}

// Flows are found on both halves at once: where two pods that can exist beside each other
// have one that matches a formula, and on which every set of policies has the verdict that
// is wanted of it, such a flow is found; and what is found is one.
func TestFlowsBetweenCoupledEnds(t *testing.T) {
	t.Parallel()
	var questions, answered, shared, flows int
	var effort effortOf
	for i := range *pairWorlds {
		seed := *first + uint64(i)
		w := newTiny(t, seed)
		u := w.universe()
		search := &relation.Search{Universe: u, Described: w.described}
		type asked struct {
			q      relation.Question
			of     between
			wishes []wish
			found  bool
		}
		var all []asked
		for range 12 {
			of, d := w.between(t, u, 2), []meaning.Direction{meaning.Ingress, meaning.Egress}[w.IntN(2)]
			wishes := []wish{{true, meaning.Ingress, relation.Allows}, {true, meaning.Egress, relation.Allows}}
			if w.once(2) {
				wishes = append(wishes, wish{false, []meaning.Direction{meaning.Ingress, meaning.Egress}[w.IntN(2)], relation.Denies})
			}
			x := asked{q: w.ask(u, d, of.formula, wishes), of: of, wishes: wishes}
			found, err := search.Witness(x.q)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if questions++; found != nil {
				answered++
				x.found = true
				own, peer := found.Own().Endpoint, found.Peer().Endpoint
				if own.Namespace == peer.Namespace {
					shared++
				}
				if reason := w.refuse(found, of, wishes); reason != "" {
					t.Errorf("seed %d, question %d: the witness %s (%+v, %+v): %s", seed, len(all), found.Packet, own, peer, reason)
				}
			}
			all = append(all, x)
		}
		w.pairs(func(p meaning.Packet, old, new meaning.Verdict) {
			for i, x := range all {
				own, peer := p.To.Endpoint, p.From.Endpoint
				if x.q.Direction == meaning.Egress {
					own, peer = peer, own
				}
				granted := x.of.holds(own, peer)
				for _, of := range x.wishes {
					granted = granted && of.granted(old, new)
				}
				if !granted {
					continue
				}
				if flows++; !x.found && !t.Failed() {
					t.Errorf("seed %d, question %d: %s (%+v, %+v) was not found", seed, i, p, p.From.Endpoint, p.To.Endpoint)
				}
			}
		})
		effort.add(search)
		if t.Failed() {
			return
		}
	}
	t.Logf("%d questions, %d of them answered, %d inside one namespace; %d flows of pairs", questions, answered, shared, flows)
	effort.near(t)
	if answered < questions/10 || answered > questions*9/10 || shared < answered/20 {
		t.Error("too few or too many questions have an answer to prove anything")
	}
}

// refuse says what is wrong about a witness of a question; empty if nothing is.
func (w *tiny) refuse(x *relation.Witness, of between, wishes []wish) string {
	if reason := w.impossible(x); reason != "" {
		return reason
	}
	if !of.holds(x.Own().Endpoint, x.Peer().Endpoint) {
		return "the formula does not hold"
	}
	old, new := w.old.Walk(x.Packet), w.new.Walk(x.Packet)
	for _, wanted := range wishes {
		if !wanted.granted(old, new) {
			return fmt.Sprintf("%+v is not granted: before %v and %v, after %v and %v", wanted, old.Egress.By, old.Ingress.By, new.Egress.By, new.Ingress.By)
		}
	}
	return ""
}
