package meaning

import (
	"fmt"

	"portcullis.dev/policies/object"
)

// Outcome is what becomes of a packet. The zero Outcome is invalid.
type Outcome int

// The outcomes. Unknown: what is not known of the packet decides.
const (
	Allowed Outcome = iota + 1
	Denied
	Unknown
)

// String is allow, deny or unknown.
func (o Outcome) String() string { return [...]string{"", "allow", "deny", "unknown"}[o] }

// Cause is the kind of thing that decides a half.
type Cause int

// The causes.
const (
	ByRule    Cause = iota + 1 // a policy's rule matched
	ByTierEnd                  // no rule of a tier whose policies apply matched
	ByProfile                  // no tier decided: the namespace's or host endpoint's profile
	Outside                    // no policy governs this end
)

// Decision is what decided one half.
type Decision struct {
	Cause   Cause
	Tier    string    // for ByRule and ByTierEnd
	Policy  object.ID // for ByTierEnd the one whose purpose that is: with the fewest rules
	Pointer string    // of the rule; empty but for ByRule
	Reason  string    // one clause for people
}

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
type Verdict struct{ Egress, Ingress Half }

// Outcome joins the halves.
func (v Verdict) Outcome() Outcome {
	switch {
	case v.Egress.Outcome == Denied || v.Ingress.Outcome == Denied:
		return Denied
	case v.Egress.Outcome == Allowed && v.Ingress.Outcome == Allowed:
		return Allowed
	default:
		return Unknown
	}
}

// Walk evaluates one packet on both halves: what the source may send, and what the
// destination accepts.
func (m *Meaning) Walk(p Packet) Verdict {
	f := m.flow(p)
	return Verdict{Egress: m.half(&f, Egress), Ingress: m.half(&f, Ingress)}
}

// WalkHalf evaluates one half alone.
func (m *Meaning) WalkHalf(p Packet, d Direction) Half {
	f := m.flow(p)
	return m.half(&f, d)
}

func (m *Meaning) flow(p Packet) flow {
	f := flow{Packet: p, family: m.familyOf(p)}
	f.from, f.to = m.lookUp(p.From, f.family), m.lookUp(p.To, f.family)
	return f
}

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
	if len(m.pods.of(4)) == 0 && len(m.pods.of(6)) > 0 {
		return 6
	}
	return 4
}

func (m *Meaning) half(f *flow, d Direction) Half {
	at := &f.to
	if d == Egress {
		at = &f.from
	}
	w := walk{m: m, f: f, d: d}
	switch {
	case at.pod != nil:
		w.stages = m.stages(at.pod, at.pod.Namespace, d)
		w.profiles = []*profile{{name: "kns." + at.pod.Namespace, missing: true}}
		if at.pod.NamespaceLabels != nil {
			w.profiles[0] = allowAll(w.profiles[0].name)
		}
	case at.host != nil:
		w.stages = m.stages(at.host, "", d)
		w.profiles = at.host.profiles
	case at.anonymous:
		return Half{Outcome: Unknown, By: Decision{Cause: Outside, Reason: fmt.Sprintf("nobody describes the pod with the address %s", at.addr)}}
	case !at.addr.IsValid():
		return m.onSomeNode(*f, d)
	default:
		return ungoverned
	}
	switch w.from(0) {
	case mayAllow:
		return Half{Outcome: Allowed, By: w.by, Steps: w.steps[:w.last]}
	case mayDeny:
		return Half{Outcome: Denied, By: w.by, Steps: w.steps[:w.last]}
	default:
		if w.doubt.Cause == ByProfile {
			return Half{Outcome: Unknown, By: w.doubt, Steps: w.steps[:w.last]}
		}
		doubtful := &w.steps[w.doubtAt]
		doubtful.Result, doubtful.Policy, doubtful.Pointer = "unknown", w.doubt.Policy, w.doubt.Pointer
		return Half{Outcome: Unknown, By: w.doubt, Steps: w.steps[:w.doubtAt+1]}
	}
}

var ungoverned = Half{Outcome: Allowed, By: Decision{Cause: Outside, Reason: "no policy governs this end"}}

// onSomeNode is the half of a pod on the host's network whose node nobody knows: it
// may be any that a host endpoint protects, or another.
func (m *Meaning) onSomeNode(f flow, d Direction) Half {
	at := &f.to
	if d == Egress {
		at = &f.from
	}
	for _, h := range m.Hosts {
		at.host = h
		if m.half(&f, d).Outcome != Allowed {
			return Half{Outcome: Unknown, By: Decision{Cause: Outside, Reason: fmt.Sprintf("nobody knows the node, which may be that of %s", h.ID)}}
		}
	}
	return ungoverned
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
	suffix  map[int]outcomes // of the tiers from a place on, once computed
}

// from is what may become of a packet that reaches a stage.
func (w *walk) from(i int) outcomes {
	if got, ok := w.suffix[i]; ok {
		return got
	}
	got := w.fromStage(i)
	if w.suffix == nil {
		w.suffix = map[int]outcomes{}
	}
	w.suffix[i] = got
	return got
}

func (w *walk) fromStage(i int) outcomes {
	if i == len(w.stages) {
		return w.profile()
	}
	s := w.stages[i]
	w.steps = append(w.steps[:i], Step{Tier: s.tier.Name, Policies: s.policies, Result: "pass"})
	var got outcomes
	for _, p := range s.policies {
		for j := range p.Rules[w.d] {
			r := &p.Rules[w.d][j]
			if r.Action == Log {
				continue
			}
			switch w.m.match(r, w.f) {
			case yes:
				return got | w.apply(i, p, r)
			case maybe:
				w.suspect(i, p.ID, r.Pointer)
				got |= w.maybeApply(i, r)
			}
		}
	}
	if s.tier.PassAtEnd {
		return got | w.from(i+1)
	}
	last := isolating(s.policies, w.d)
	w.end(i, "deny", Decision{Cause: ByTierEnd, Tier: s.tier.Name, Policy: last.ID,
		Reason: fmt.Sprintf("no rule in tier %s allows it, and %s isolates the endpoint", s.tier.Name, last.ID)})
	return got | mayDeny
}

// apply is what becomes of a packet that a rule matches.
func (w *walk) apply(i int, p *Policy, r *Rule) outcomes {
	w.steps[i].Policy, w.steps[i].Pointer = p.ID, r.Pointer
	by := Decision{Cause: ByRule, Tier: p.Tier, Policy: p.ID, Pointer: r.Pointer}
	switch r.Action {
	case Pass:
		return w.from(i + 1)
	case Allow:
		by.Reason = fmt.Sprintf("a rule of %s allows it", p.ID)
		w.end(i, "allow", by)
		return mayAllow
	default:
		by.Reason = fmt.Sprintf("a rule of %s denies it", p.ID)
		w.end(i, "deny", by)
		return mayDeny
	}
}

// maybeApply is what else becomes of a packet that a rule may match.
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

func (w *walk) end(i int, result string, by Decision) {
	w.steps[i].Result = result
	w.by, w.last = by, i+1
}

func (w *walk) suspect(i int, policy object.ID, pointer string) {
	if w.doubt.Cause == 0 {
		w.doubtAt = i
		w.doubt = Decision{Cause: ByRule, Tier: w.stages[i].tier.Name, Policy: policy, Pointer: pointer,
			Reason: fmt.Sprintf("whether a rule of %s matches depends on an address or port that is not known", policy)}
	}
}

// isolating is the policy that best explains why a tier's end drops a packet: the
// first of those with the fewest rules.
func isolating(policies []*Policy, d Direction) *Policy {
	best := policies[0]
	for _, p := range policies[1:] {
		if len(p.Rules[d]) < len(best.Rules[d]) {
			best = p
		}
	}
	return best
}

// profile is what becomes of a packet that no tier decides: the first rule of the
// profiles that matches, else a drop. A Pass in a profile drops.
func (w *walk) profile() outcomes {
	w.last = len(w.stages)
	w.by = Decision{Cause: ByProfile, Reason: "no policy and no profile allows it"}
	var got outcomes
	for _, p := range w.profiles {
		if p.missing {
			w.by.Reason = fmt.Sprintf("no policy decides, and Calico drops what reaches the profile %s, of which nothing is known", p.name)
			return got | mayDeny
		}
		for i := range p.rules[w.d] {
			r := &p.rules[w.d][i]
			match := w.m.match(r, w.f)
			if match == no || r.Action == Log {
				continue
			}
			outcome, word := mayDeny, "denies"
			if r.Action == Allow {
				outcome, word = mayAllow, "allows"
			}
			got |= outcome
			if match == yes {
				w.by.Reason = fmt.Sprintf("no policy decides, and the profile %s %s it", p.name, word)
				return got
			}
			if w.doubt.Cause == 0 {
				w.doubt = Decision{Cause: ByProfile, Reason: fmt.Sprintf("whether a rule of the profile %s matches depends on an address or port that is not known", p.name)}
			}
		}
	}
	return got | mayDeny
}
