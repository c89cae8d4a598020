package facts

import (
	"iter"
	"maps"
	"slices"

	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/relation"
)

// death is what is known of a rule that another policy may have killed.
type death struct {
	lives bool // for some pod
	told  bool // of a pod that somebody knows
	why   reason
}

// reason is why the packets of a rule get another verdict than its own.
type reason struct {
	mixed    bool // there is more than one, or none that is a conflict: no single pair to name
	conflict *Conflict
	settled  bool // it is not given up for another one
	known    int  // how many of its packet's ends somebody knows
}

// suspects tells which rules of some in their order may be dead: before it another policy decides
// otherwise, or may hand on to one that does. A deny of everything is a default deny: that rules before
// it allow is what it is for. Of fewer rules none is suspect that is not among more.
func (j *judge) suspects(d meaning.Direction, rules iter.Seq[*relation.Rule]) map[*relation.Rule]bool {
	suspects := map[*relation.Rule]bool{}
	var denies, allows several // before the rule
	tier, passes := "", false  // before it in its tier
	for r := range rules {
		if r.Policy.Tier != tier {
			tier, passes = r.Policy.Tier, false
		}
		switch r.Action {
		case meaning.Allow:
			if passes || denies.besides(r.Policy) || j.drops[d][tier] {
				suspects[r] = true
			}
			allows.add(r.Policy)
		case meaning.Pass:
			passes = true
		case meaning.Deny:
			if !r.Of.MatchesAll() && (passes || allows.besides(r.Policy)) {
				suspects[r] = true
			}
			if !j.meant(tier) {
				denies.add(r.Policy)
			}
		}
	}
	return suspects
}

// dropping gathers the tiers above which another may drop what it does not decide, so that their
// rules may be dead.
func (j *judge) dropping(d meaning.Direction) map[string]bool {
	below, drops := map[string]bool{}, false
	for _, t := range j.m.Tiers {
		below[t.Name] = drops
		governs := slices.ContainsFunc(t.Policies, func(p *meaning.Policy) bool { return p.Live() && p.Governs[d] })
		drops = drops || governs && !t.PassAtEnd && !j.meant(t.Name)
	}
	return below
}

// several is a set of policies of which it matters whether it has another than one.
type several struct{ one, another *meaning.Policy }

// add takes in one policy more, as far as the question needs to remember.
func (s *several) add(p *meaning.Policy) {
	if s.one == nil {
		s.one = p
	} else if s.one != p {
		s.another = p
	}
}

// besides reports whether the set has another policy than this one, which may make its rules dead.
func (s *several) besides(p *meaning.Policy) bool {
	return s.one != nil && s.one != p || s.another != nil
}

// dead looks for rules of a class that are dead: for each pod that somebody knows, and for
// all pods of the class together.
func (j *judge) dead(c *class, known []*population.Pods, deaths map[*relation.Rule]*death) {
	suspects := [2]map[*relation.Rule]bool{j.suspects(c.d, c.matching(pods)), j.suspects(c.d, c.matching(addresses))}
	for _, r := range c.rules {
		suspect := [2]bool{suspects[0][r], suspects[1][r]}
		if suspect == [2]bool{} {
			continue
		}
		if deaths[r] == nil {
			deaths[r] = &death{}
		}
		of := deaths[r]
		for _, e := range known {
			if !r.Policy.Selects(e) {
				continue
			}
			lives, err := j.lives(c, r, e, suspect)
			switch {
			case err != nil:
				j.cannotTell(r)
				of.lives = true
			case lives:
				of.lives = true
			default:
				var why reason
				j.why(c, r, e, &why)
				if why.conflict != nil && !why.mixed {
					j.add(*why.conflict)
					of.told = true
				}
			}
		}
		if of.lives || of.told {
			continue
		}
		lives, err := j.lives(c, r, nil, suspect)
		if err != nil {
			j.cannotTell(r)
		}
		if of.lives = lives || err != nil; !of.lives {
			j.why(c, r, nil, &of.why)
		}
	}
}

// lives reports whether a rule is not dead: a packet of it gets its verdict, from the rule or from
// another; of a pod, or of any.
func (j *judge) lives(c *class, r *relation.Rule, e *population.Pods, suspect [2]bool) (bool, error) {
	for kind := range c.cubes {
		wanted := relation.Wanted{Program: c.parts[kind], Verdict: relation.Allows, Ungoverned: relation.Allows}
		if r.Action == meaning.Deny {
			wanted.Verdict = relation.Denies
		}
		q, some := c.ask(kind, r, e, wanted)
		if !some {
			continue
		}
		if !suspect[kind] {
			q.Wanted = nil // whatever matches lives
		}
		if lives, err := j.search.Some(q); lives || err != nil {
			return lives, err
		}
	}
	return false, nil
}

// mostReasons is how many parts of a dead rule's packets are looked at for what decides
// them.
const mostReasons = 32

// why walks packets of a dead rule to what decides them.
func (j *judge) why(c *class, r *relation.Rule, e *population.Pods, why *reason) {
	kinds := []int{pods, addresses}
	if peer := peerOf(r.Of, c.d); peer.Selector == nil && peer.Service == nil {
		kinds = []int{addresses, pods}
	}
	for _, kind := range kinds {
		wanted := relation.Wanted{Program: c.parts[kind], Verdict: relation.Denies, Ungoverned: relation.Allows}
		if r.Action == meaning.Deny {
			wanted.Verdict = relation.Allows
		}
		q, some := c.ask(kind, r, e, wanted)
		if !some {
			continue
		}
		left := mostReasons
		why.settled = why.conflict != nil
		// What is not decided of this changes words: that the rule is dead is certain.
		_ = j.search.Witnesses(q, func(w *relation.Witness) bool {
			j.reason(r, e, w, why)
			left--
			return why.mixed || left == 0
		})
	}
}

// reason adds to why a rule is dead what decides one of its packets.
func (j *judge) reason(r *relation.Rule, e *population.Pods, w *relation.Witness, why *reason) {
	half := j.m.WalkHalf(w.Packet, w.Direction)
	found := ""
	switch {
	case half.Outcome == meaning.Unknown: // what a manifest would tell is missing: it dies all the same
		return
	case half.By.Policy == r.Policy.ID || half.By.Cause == meaning.ByProfile || j.meant(half.By.Tier) || j.decidesTied(half.By, r.Policy):
	case r.Action == meaning.Allow && half.By.Cause == meaning.ByRule:
		found = "dead-allow"
	case r.Action == meaning.Allow && half.By.Cause == meaning.ByTierEnd:
		found = "tier-end"
	case r.Action == meaning.Deny:
		found = "dead-deny"
	}
	by := reference(half.By)
	if passed, another := passedBy(half, r.Policy); found == "dead-deny" && another {
		found, by = "passed-deny", passed
	}
	if found == "" || why.conflict != nil && why.conflict.Kind != found {
		why.mixed = true
		return
	}
	if why.conflict != nil && (why.settled || why.known >= w.Described) {
		return
	}
	why.known = w.Described
	conflict := j.witnessed(found, by, ruleReference(r), w, e)
	why.conflict = &conflict
}

// passedBy finds the rule of another policy that passes a packet on in a dead rule's tier, if one
// does.
func passedBy(h meaning.Half, p *meaning.Policy) (by Reference, another bool) {
	for _, step := range h.Steps {
		if step.Tier == p.Tier && step.Result == "pass" && step.Pointer != "" {
			return Reference{Object: step.Policy, Pointer: step.Pointer}, step.Policy != p.ID
		}
	}
	return Reference{}, false
}

// decidesTied reports whether what decides before a dead rule is a policy of the same order as p,
// which is a conflict of its own.
func (j *judge) decidesTied(by meaning.Decision, p *meaning.Policy) bool {
	return by.Cause == meaning.ByRule && by.Tier == p.Tier && slices.ContainsFunc(j.tiers[p.Tier].Policies, func(q *meaning.Policy) bool {
		return q.ID == by.Policy && meaning.Tied(p, q)
	})
}

// buried adds the rules that are dead in every class, and of which there was nothing to tell at a
// pod that somebody knows. Of a rule of the cluster's it cannot tell where some classes are unknown.
func (j *judge) buried(d meaning.Direction, deaths map[*relation.Rule]*death) {
	for _, r := range slices.SortedFunc(maps.Keys(deaths), inOrder) {
		of := deaths[r]
		if len(j.unknown) > 0 && r.Policy.ID.Namespace == "" && !of.lives && !of.told {
			j.cannotTell(r)
			continue
		}
		if of.lives || of.told || of.why.mixed || of.why.conflict == nil {
			continue
		}
		lives := false
		for number := 0; number < j.search.Universe.Classes() && !lives; number++ {
			var err error
			if lives, err = j.lives(j.class(number, d), r, nil, [2]bool{true, true}); err != nil {
				j.cannotTell(r)
				lives = true
			}
		}
		if !lives {
			j.add(*of.why.conflict)
		}
	}
}
