package relation_test

import (
	"flag"
	"math/rand/v2"
	"testing"

	"portcullis.dev/policies/relation"
)

var programs = flag.Int("programs", 200, "about how many pairs of programs z3 is asked")

// One program allows what another denies, somewhere among all that may exist, if and only
// if z3 says so.
func TestProgramsAreThoseOfZ3(t *testing.T) {
	t.Parallel()
	z := startZ3(t)
	answers := map[string]int{}
	questions := 0
	var effort effortOf
	for i := range *programs {
		seed := *first + uint64(i)
		g := sketcher{rand.New(rand.NewPCG(seed, 31))}
		c, a := g.known(), g.sketch(t)
		b := g.changed(t, a)
		u := c.universe()
		search := &relation.Search{Universe: u}
		for _, peerIsPod := range []bool{true, false} {
			of := u.Outside()
			if peerIsPod {
				of = u.Pairs()
			}
			w, err := search.Witness(relation.Question{Of: of, Wanted: []relation.Wanted{
				{Program: a.program(u), Verdict: relation.Allows, Ungoverned: relation.Allows},
				{Program: b.program(u), Verdict: relation.Denies, Ungoverned: relation.Allows},
			}})
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			m := newTheory(peerIsPod)
			m.anyString = true
			m.say("(assert (and %s (not %s)))", a.smt(m, "one"), b.smt(m, "other"))
			m.world(c)
			if w != nil {
				if reason := c.impossible(w); reason != "" {
					t.Errorf("seed %d: the witness %s: %s", seed, w.Packet, reason)
				}
				m.witness(w)
			}
			questions++
			answer := z.check(t, m.text.String())
			if answers[answer]++; answer == "sat" && w == nil || answer == "unsat" && w != nil {
				t.Errorf("seed %d, the peer is a pod: %v: z3 says %s, and the search found %+v\n%s", seed, peerIsPod, answer, w, m.text.String())
			}
		}
		if effort.add(search); t.Failed() {
			return
		}
	}
	t.Logf("%d questions: z3 says %v", questions, answers)
	effort.near(t)
	z3Said(t, answers, questions)
}

// witness says that the ends and the packet are those.
func (m *theory) witness(w *relation.Witness) {
	m.is(relation.Own, w.Own().Endpoint, w.Own().Addr)
	if peer := w.Peer(); peer.Endpoint != nil {
		m.is(relation.Peer, peer.Endpoint, peer.Addr)
	} else {
		m.at(relation.Peer, peer.Addr)
	}
	m.say("(assert (and (= protocol %d) (= port %d)))", w.Packet.Protocol, w.Packet.Port)
}
