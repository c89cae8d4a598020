package meaning

import "portcullis.dev/policies/object"

// Outcome is what becomes of a packet. The zero Outcome is invalid.
type Outcome int

// The outcomes. Unknown: what is not known of the packet decides.
const (
	Allowed Outcome = iota + 1
	Denied
	Unknown
)

// String spells what becomes of a packet: allow, deny or unknown.
func (o Outcome) String() string { return [...]string{"", "allow", "deny", "unknown"}[o] }

// Step is a packet's way through one tier.
type Step struct {
	Tier     string
	Policies []*Policy // that apply, in the order of evaluation
	// Result is "allow", "deny" or "pass", or "unknown" where that depends on what
	// is not known.
	Result  string
	Policy  object.ID // whose rule gave the result; zero at the end of the tier
	Pointer string
}

// Half is the verdict of one end.
type Half struct {
	Outcome Outcome
	By      Decision
	Steps   []Step // tiers without a policy that applies are skipped and not here
}

// Verdict is what becomes of a packet: both halves allow it, or it is dropped.
type Verdict struct {
	Egress, Ingress Half
	// OnTheWay is what may decide between the halves, at host endpoints, and is not
	// evaluated; nil for nothing. Only Follow looks there.
	OnTheWay *Decision
}

// Outcome joins the two halves of a verdict: what one denies is denied.
func (v Verdict) Outcome() Outcome {
	switch {
	case v.Egress.Outcome == Denied || v.Ingress.Outcome == Denied:
		return Denied
	case v.Egress.Outcome == Allowed && v.Ingress.Outcome == Allowed && v.OnTheWay == nil:
		return Allowed
	default:
		return Unknown
	}
}

// Walk evaluates one packet on both halves: what the source may send, and what the
// destination accepts.
func (m *Meaning) Walk(p Packet) Verdict { return m.once().Walk(p) }

// WalkHalf evaluates one half of a packet alone.
func (m *Meaning) WalkHalf(p Packet, d Direction) Half { return m.WalkBelow(p, d, "") }

// WalkBelow evaluates one half as if the tier passed the packet on: what the tiers
// below it make of it.
func (m *Meaning) WalkBelow(p Packet, d Direction, tier string) Half {
	a := m.once()
	f := a.flow(p)
	return a.halfBelow(&f, d, tier)
}

// familyOf chooses the family in which a packet is walked: its own, that of its ends' addresses,
// or else the pod network's.
func (m *Meaning) familyOf(p Packet) int {
	if p.Family != 0 {
		return p.Family
	}
	for _, peer := range []Peer{p.From, p.To} {
		if n := family(peer.Addr); n != 0 {
			return n
		}
	}
	for _, peer := range []Peer{p.From, p.To} {
		if peer.Endpoint != nil && len(peer.Endpoint.Addresses) > 0 {
			return family(peer.Endpoint.Addresses[0])
		}
	}
	if len(m.network.of(4)) == 0 && len(m.network.of(6)) > 0 {
		return 6
	}
	return 4
}

// outcomes is the set of what may become of a packet.
type outcomes uint8

const (
	mayAllow outcomes = 1 << iota
	mayDeny
)

// walk is one evaluation. Where a rule may match, both ways are followed; if they
// part, the first rule that may match is what decides.
type walk struct {
	a        *Asker
	m        *Meaning
	f        *flow
	d        Direction
	stages   []stage
	profiles []*profile

	steps []Step
	by    Decision // of the way on which no rule matches that only may
	last  int      // how many steps that way has
	doubt Decision // about the first rule that may match; zero if there is none
	// doubtAt is the place of doubt's step.
	doubtAt int
	suffix  []outcomes // of the tiers from a place on, once computed
}

// from tells what may become of a packet that reaches a stage, and remembers it.
func (w *walk) from(i int) outcomes {
	if w.suffix == nil {
		w.suffix = make([]outcomes, len(w.stages)+1)
	}
	if w.suffix[i] == 0 {
		w.suffix[i] = w.fromStage(i)
	}
	return w.suffix[i]
}

// fromStage walks one tier, rule by rule: where a rule only may match, the way on which it does
// not is followed as well.
func (w *walk) fromStage(i int) outcomes {
	if i == len(w.stages) {
		return w.profile()
	}
	s := w.stages[i]
	w.steps = append(w.steps[:i], Step{Tier: s.tier.Name, Policies: s.policies, Result: "pass"})
	var got outcomes
	for n, p := range s.policies {
		for j := range w.a.tries(side{p, w.d}, w.f) {
			r := &p.Rules[w.d][j]
			if r.Action == Log {
				continue
			}
			match := w.m.match(r, w.f)
			if s.mayApply(n) {
				match = min(match, maybe)
			}
			switch match {
			case yes:
				return got | w.apply(i, p, r)
			case maybe:
				w.suspect(i, p, r)
				got |= w.maybeApply(i, r)
			}
		}
	}
	if s.tier.PassAtEnd {
		return got | w.from(i+1)
	}
	if s.mayBeSkipped() {
		w.suspectAll(i, s)
		got |= w.from(i + 1)
	}
	w.end(i, "deny", byTierEnd(s.tier, Isolating(s.policies, w.d)))
	return got | mayDeny
}

// apply tells what becomes of a packet that a rule matches on the walk.
func (w *walk) apply(i int, p *Policy, r *Rule) outcomes {
	w.steps[i].Policy, w.steps[i].Pointer = p.ID, r.Pointer
	switch r.Action {
	case Pass:
		return w.from(i + 1)
	case Allow:
		w.end(i, "allow", byRule(p, r))
		return mayAllow
	default:
		w.end(i, "deny", byRule(p, r))
		return mayDeny
	}
}

// maybeApply tells what else may become of a packet on the walk, which a rule may match.
func (w *walk) maybeApply(i int, r *Rule) outcomes {
	switch r.Action {
	case Pass:
		return w.from(i + 1)
	case Allow:
		return mayAllow
	default:
		return mayDeny
	}
}

// end notes where the walk ends, with what result, and what decided.
func (w *walk) end(i int, result string, by Decision) {
	w.steps[i].Result = result
	w.by, w.last = by, i+1
}

// suspect notes the first rule of the walk of which nobody knows whether it matches.
func (w *walk) suspect(i int, p *Policy, r *Rule) {
	if w.doubt.Cause == 0 {
		w.doubtAt, w.doubt = i, inDoubt(p, r)
	}
}

// suspectAll notes that the walk hangs on policies of a tier of which nobody knows whether they
// apply.
func (w *walk) suspectAll(i int, s stage) {
	if w.doubt.Cause == 0 {
		w.doubtAt, w.doubt = i, selectingInDoubt(s.tier, Isolating(s.policies, w.d))
	}
}

// profile tells what becomes of a packet that no tier decides: the first rule of the profiles
// that matches, else a drop. A Pass in a profile drops.
func (w *walk) profile() outcomes {
	w.last = len(w.stages)
	w.by = byNoProfile
	var got outcomes
	for _, p := range w.profiles {
		if p.missing {
			w.by = byMissingProfile(p)
			return got | mayDeny
		}
		for i := range p.rules[w.d] {
			r := &p.rules[w.d][i]
			match := w.m.match(r, w.f)
			if match == no || r.Action == Log {
				continue
			}
			if r.Action == Allow {
				got |= mayAllow
			} else {
				got |= mayDeny
			}
			if match == yes {
				w.by = byProfileRule(p, r)
				return got
			}
			if w.doubt.Cause == 0 {
				w.doubt = inProfileDoubt(p)
			}
		}
	}
	return got | mayDeny
}
