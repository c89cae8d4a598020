package meaning

import (
	"cmp"
	"fmt"

	"portcullis.dev/policies/object"
)

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
	Peer    string    // of the rule's peer, where those are several
	Reason  string    // one clause for people
}

// Place is the pointer of the rule or, where that has several peers, of the one that matched.
func (d Decision) Place() string { return cmp.Or(d.Peer, d.Pointer) }

// ungoverned is what decides for ends that no policy can govern.
var ungoverned = Decision{Cause: Outside, Reason: "no policy governs this end"}

// onNodeOf is why nobody knows what becomes of a packet of some node's.
func onNodeOf(h *Host) Decision {
	return Decision{Cause: Outside, Reason: fmt.Sprintf("nobody knows the node, which may be that of %s", h.ID)}
}

func byRule(p *Policy, r *Rule) Decision {
	word := "denies"
	if r.Action == Allow {
		word = "allows"
	}
	return Decision{Cause: ByRule, Tier: p.Tier, Policy: p.ID, Pointer: r.Pointer, Peer: r.Peer, Reason: fmt.Sprintf("a rule of %s %s it", p.ID, word)}
}

func inDoubt(p *Policy, r *Rule) Decision {
	return Decision{Cause: ByRule, Tier: p.Tier, Policy: p.ID, Pointer: r.Pointer, Peer: r.Peer,
		Reason: fmt.Sprintf("whether a rule of %s matches depends on an address, a port or a label that is not known", p.ID)}
}

func selectingInDoubt(t *Tier, p *Policy) Decision {
	return Decision{Cause: ByTierEnd, Tier: t.Name, Policy: p.ID,
		Reason: fmt.Sprintf("whether %s selects the endpoint depends on labels of its Namespace, which nobody wrote down", p.ID)}
}

func byTierEnd(t *Tier, isolating *Policy) Decision {
	return Decision{Cause: ByTierEnd, Tier: t.Name, Policy: isolating.ID,
		Reason: fmt.Sprintf("no rule in tier %s allows it, and %s isolates the endpoint", t.Name, isolating.ID)}
}

// Isolating is the policy that best explains why a tier's end drops a packet: the
// first of those with the fewest rules.
func Isolating(policies []*Policy, d Direction) *Policy {
	best := policies[0]
	for _, p := range policies[1:] {
		if len(p.Rules[d]) < len(best.Rules[d]) {
			best = p
		}
	}
	return best
}

// byNoProfile is what decides after the last profile.
var byNoProfile = Decision{Cause: ByProfile, Reason: "no policy and no profile allows it"}

func byMissingProfile(p *profile) Decision {
	return Decision{Cause: ByProfile, Reason: fmt.Sprintf("no policy decides, and Calico drops what reaches the profile %s, of which nothing is known", p.name)}
}

func byProfileRule(p *profile, r *Rule) Decision {
	word := "denies"
	if r.Action == Allow {
		word = "allows"
	}
	return Decision{Cause: ByProfile, Reason: fmt.Sprintf("no policy decides, and the profile %s %s it", p.name, word)}
}

func inProfileDoubt(p *profile) Decision {
	return Decision{Cause: ByProfile, Reason: fmt.Sprintf("whether a rule of the profile %s matches depends on an address or port that is not known", p.name)}
}
