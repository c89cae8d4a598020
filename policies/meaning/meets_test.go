package meaning_test

import (
	"testing"

	"pgregory.net/rapid"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

// What a rule asks of both ends and of headers is, together, what it matches: of every
// packet between pods, in random worlds, for certain and perhaps.
func TestMeetsIsMatches(t *testing.T) {
	t.Parallel()
	worlds, count := 0, map[[2]bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		worlds++
		set, cluster := world(t)
		m, _ := meaning.Of(set, cluster)
		a := m.Asker()
		var pods []meaning.Peer
		for _, e := range m.Endpoints {
			if !e.HostNetwork {
				pods = append(pods, meaning.Pod(e))
			}
		}
		const stride = 13 // a prime, so that every kind of packet has its turn
		edges(pods, rapid.IntRange(0, stride-1).Draw(t, "first"), stride, func(p meaning.Packet) {
			for _, policy := range m.Policies {
				for _, rules := range policy.Rules {
					for i := range rules {
						r := &rules[i]
						certainly, perhaps := a.Meets(r, true, p.From.Endpoint, p.Family)
						yes, may := a.Meets(r, false, p.To.Endpoint, p.Family)
						of := packet.Traffic{}
						if r.Rendered(p.Family) {
							of = r.Traffic()
						}
						got := [2]bool{of.Intersect(certainly).Intersect(yes).Contains(p.Header()), of.Intersect(perhaps).Intersect(may).Contains(p.Header())}
						want := [2]bool{m.Matches(r, p), m.Mismatch(r, p) == meaning.Matching}
						if got != want {
							t.Fatalf("%s, %s %s: for certain %t, perhaps %t; expected %t and %t", p, policy.ID, r.Pointer, got[0], got[1], want[0], want[1])
						}
						count[want]++
					}
				}
			}
		})
	})
	for _, answer := range [][2]bool{{false, false}, {false, true}, {true, true}} {
		if enough := 10 * worlds; count[answer] < enough { // of each kind, however many worlds are drawn
			t.Errorf("%d answers are %t, expected %d in %d worlds: too few to tell", count[answer], answer, enough, worlds)
		}
	}
}
