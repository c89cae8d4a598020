package compiler

import (
	"flag"
	"path/filepath"
	"regexp"
	"slices"
	"sync/atomic"
	"testing"

	"portcullis.dev/compiler/population"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/relation"
)

var omissions = flag.Int("omissions", 40, "try one of so many omissions; -shard says which")

// omitted are the mutants in which something is left out, so that a rule is gone or wider,
// or stands elsewhere.
var omitted = regexp.MustCompile(`( gone|becomes every port)$| with \d+ before |/spec/order becomes `)

// TestOmissions leaves out of what was rendered for the examples a policy, a rule, a peer, a
// port, or moves it. The proof finds each; or else it was redundant, by the word of the
// relation: no packet between any two pods that may exist, or a pod and an address, passes
// that did not before, nor the reverse. Where TestMutants asks the oracle about the packets
// that texts tell apart, nothing is sampled here.
//
// It tries one of forty, and always the same ones; -omissions 1 tries all.
func TestOmissions(t *testing.T) {
	t.Parallel()
	var found, flows, redundant atomic.Int64 // found: and of those, the ones that change whole flows
	t.Cleanup(func() {
		t.Logf("%d omissions are found, of which %d change whole flows; %d are redundant", found.Load(), flows.Load(), redundant.Load())
		if 2*redundant.Load() > found.Load() || 2*flows.Load() < found.Load() {
			t.Error("much of what is emitted is redundant, or the relation does not tell sets of policies apart")
		}
	})
	for _, dir := range repositories(t) {
		files, _, err := sources.ReadTree(dir, sources.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rendered(t, filepath.Base(dir), files) {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				kept := slices.DeleteFunc(r.mutants(), func(m mutant) bool { return !omitted.MatchString(m.name) })
				for i, m := range kept {
					if i%*omissions != *shard%*omissions {
						continue
					}
					changed := m.among(r.set)
					d := r.difference(t, changed)
					switch {
					case prove(r.plan, changed, r.world).Failed():
						found.Add(1)
						if d != "" {
							flows.Add(1)
						}
					case d != "":
						t.Errorf("%s is not found, and changes something: %s", m.name, d)
					default:
						redundant.Add(1)
					}
				}
			})
		}
	}
}

// difference is a packet that passes by the original or by changed objects, and not by the
// other; empty where there is none.
func (r outcome) difference(t *testing.T, changed object.Set) string {
	t.Helper()
	u := population.UniverseOf(r.plan)
	search := &relation.Search{Universe: u}
	var programs [2][2]*relation.Program
	for i, set := range []object.Set{r.set, changed} {
		m, found := meaning.Of(set, r.plan.Cluster)
		if found.Failed() {
			t.Fatal(found.Err())
		}
		for _, d := range []meaning.Direction{meaning.Egress, meaning.Ingress} {
			programs[i][d] = u.Of(m, d)
		}
	}
	wanted := func(set int, d meaning.Direction, v relation.Verdicts, opposite bool) relation.Wanted {
		return relation.Wanted{Program: programs[set][d], Verdict: v, Opposite: opposite, Ungoverned: relation.Allows}
	}
	for set := range 2 {
		var questions []relation.Question
		for _, d := range []meaning.Direction{meaning.Egress, meaning.Ingress} {
			questions = append(questions,
				relation.Question{Of: u.Outside(), Direction: d, Wanted: []relation.Wanted{wanted(set, d, relation.Allows, false), wanted(1-set, d, relation.Denies, false)}},
				relation.Question{Of: u.Pairs(), Direction: d, Wanted: []relation.Wanted{
					wanted(set, d, relation.Allows, false), wanted(set, 1-d, relation.Allows, true), wanted(1-set, d, relation.Denies, false),
				}})
		}
		for _, q := range questions {
			all := q.Of
			for class := range u.Classes() {
				if q.Of = all.In(class); q.Of == nil {
					continue
				}
				switch w, err := search.Witness(q); {
				case err != nil:
					return err.Error()
				case w != nil:
					return []string{"no longer passes: ", "passes: "}[set] + w.Packet.String()
				}
			}
		}
	}
	return ""
}
