package relation_test

import (
	"fmt"
	"slices"
	"testing"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/relation"
)

// deciders are the rules that decided a packet in the tiers that it came to.
func deciders(h meaning.Half) []place {
	var all []place
	for _, step := range h.Steps {
		if step.Pointer != "" && step.Result != "unknown" {
			all = append(all, place{step.Policy, step.Pointer})
		}
	}
	return all
}

// No rule that decides a packet is dead, and of every rule that is not there is a packet
// that it decides, as Walk says.
func TestDeadRulesDecideNothing(t *testing.T) {
	t.Parallel()
	var packets, dead, living, unsettled, hardest int
	for i := range *worlds {
		for _, f := range features {
			seed := *first + uint64(i)
			w := randomWorld(t, seed, f.minor, f.of)
			search := &relation.Search{Universe: w.universe}
			at := func(format string, args ...any) {
				t.Errorf("seed %d, 3.%d %+v: %s", seed, f.minor, f.of, fmt.Sprintf(format, args...))
			}
			for _, d := range []meaning.Direction{meaning.Ingress, meaning.Egress} {
				program := w.universe.Of(w.new, d)
				gone := map[*relation.Rule]bool{}
				for _, r := range search.Dead(program, d, func(_ *relation.Rule, err error) { at("%v", err) }) {
					gone[r] = true
				}
				lives := map[place]bool{}
				for _, of := range []*relation.Cube{w.universe.Pairs(), w.universe.Outside()} {
					part := program.On(of)
					for r, when := range part.Rules() {
						by := place{r.Policy.ID, r.Of.Pointer}
						lives[by] = lives[by] || !gone[r]
						x, err := search.Witness(relation.Question{Of: of, Where: when, Direction: d, Wanted: []relation.Wanted{part.DecidedBy(r)}})
						switch {
						case err != nil:
							at("%v", err)
						case x == nil:
							dead++
						case gone[r]:
							at("%s of %s is dead, and decides %s", r.Of.Pointer, r.Policy.ID, x.Packet)
						case len(x.Unsettled) > 0:
							unsettled++
						default:
							living++
							if half := w.new.WalkHalf(x.Packet, d); !slices.Contains(deciders(half), by) {
								at("%s (%+v, %+v) is decided by %v, expected %s of %s", x.Packet, x.Packet.From.Endpoint, x.Packet.To.Endpoint, half.By, r.Of.Pointer, r.Policy.ID)
							}
						}
					}
				}
				for range 250 {
					p, ok := w.packet(d)
					if !ok {
						continue
					}
					packets++
					for _, by := range deciders(w.new.WalkHalf(p, d)) {
						if !lives[by] {
							at("%s %s (%+v, %+v) is decided by %v, which is called dead", d, p, p.From.Endpoint, p.To.Endpoint, by)
						}
					}
				}
			}
			hardest = max(hardest, search.Hardest)
			if t.Failed() {
				return
			}
		}
	}
	t.Logf("%d packets; of each kind of peer %d rules dead, %d living, %d unsettled; the hardest took %d steps", packets, dead, living, unsettled, hardest)
	if dead < living/50 || living < dead/50 {
		t.Errorf("%d rules are dead and %d live: too few to prove anything", dead, living)
	}
}
