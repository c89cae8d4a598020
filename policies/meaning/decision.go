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

// Place points at the rule that decided or, where that has several peers, at the one that
// matched.
func (d Decision) Place() string { return cmp.Or(d.Peer, d.Pointer) }

// ungoverned is what decides for ends that no policy can govern.
var ungoverned = Decision{Cause: Outside, Reason: "no policy governs this end"}

// onNodeOf gives the reason why nobody knows what becomes of a packet whose node may be that of a
// host endpoint.
func onNodeOf(h *Host) Decision {
	return Decision{Cause: Outside, Reason: fmt.Sprintf("nobody knows the node, which may be that of %s", h.ID)}
}

// byRule says that a policy's rule, which matches, decides a half.
func byRule(p *Policy, r *Rule) Decision {
	word := "denies"
	if r.Action == Allow {
		word = "allows"
	}
	return Decision{Cause: ByRule, Tier: p.Tier, Policy: p.ID, Pointer: r.Pointer, Peer: r.Peer, Reason: fmt.Sprintf("a rule of %s %s it", p.ID, word)}
}

// inDoubt says that a half hangs on a policy's rule of which nobody knows whether it matches.
func inDoubt(p *Policy, r *Rule) Decision {
	return Decision{Cause: ByRule, Tier: p.Tier, Policy: p.ID, Pointer: r.Pointer, Peer: r.Peer,
		Reason: fmt.Sprintf("whether a rule of %s matches depends on an address, a port or a label that is not known", p.ID)}
}

// selectingInDoubt says that a half hangs on whether a policy of a tier selects the endpoint,
// which nobody knows.
func selectingInDoubt(t *Tier, p *Policy) Decision {
	return Decision{Cause: ByTierEnd, Tier: t.Name, Policy: p.ID,
		Reason: fmt.Sprintf("whether %s selects the endpoint depends on labels of its Namespace, which nobody wrote down", p.ID)}
}

// byTierEnd says that the end of a tier decides a half: no rule there allowed the packet, and a
// policy isolates.
func byTierEnd(t *Tier, isolating *Policy) Decision {
	return Decision{Cause: ByTierEnd, Tier: t.Name, Policy: isolating.ID,
		Reason: fmt.Sprintf("no rule in tier %s allows it, and %s isolates the endpoint", t.Name, isolating.ID)}
}

// Isolating chooses the policy that best explains why a tier's end drops a packet: the first of
// those with the fewest rules.
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

// byMissingProfile says that a half is dropped because nothing is known of the endpoint's
// profile.
func byMissingProfile(p *profile) Decision {
	return Decision{Cause: ByProfile, Reason: fmt.Sprintf("no policy decides, and Calico drops what reaches the profile %s, of which nothing is known", p.name)}
}

// byProfileRule says that a rule of an endpoint's profile decides a half, where no policy did.
func byProfileRule(p *profile, r *Rule) Decision {
	word := "denies"
	if r.Action == Allow {
		word = "allows"
	}
	return Decision{Cause: ByProfile, Reason: fmt.Sprintf("no policy decides, and the profile %s %s it", p.name, word)}
}

// inProfileDoubt says that a half hangs on a rule of a profile of which nobody knows whether it
// matches.
func inProfileDoubt(p *profile) Decision {
	return Decision{Cause: ByProfile, Reason: fmt.Sprintf("whether a rule of the profile %s matches depends on an address or port that is not known", p.name)}
}
