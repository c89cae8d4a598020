package meaning

// Governed is what applies to an endpoint in one direction.
type Governed struct {
	Policies []*Policy // in the order of evaluation
	// Isolated: a packet that no rule allows is dropped, whichever way it takes
	// through the tiers. IsolatedBy are the policies that see to it: those of the
	// tier whose end drops, or the one whose rule denies everything.
	Isolated   bool
	IsolatedBy []*Policy
	// Perhaps: it is not isolated for certain, and would be if every policy applied of which
	// that hangs on labels of the Namespace that nobody wrote down.
	Perhaps bool
}

// Governing says which policies apply to the endpoint, and whether they isolate it.
// Nothing governs a host-network pod.
func (m *Meaning) Governing(e *Endpoint, d Direction) Governed { return m.once().Governing(e, d) }

// isolated follows a packet that no rule allows, to learn whether the tiers isolate an endpoint
// and which policies see to it. A rule that passes may send it on to the next tiers, so those
// must drop it as well.
func isolated(stages []stage, d Direction) ([]*Policy, bool) {
	if len(stages) == 0 {
		return nil, false
	}
	s, rest := stages[0], stages[1:]
	by, below := isolated(rest, d)
	for n, p := range s.policies {
		certain := !s.mayApply(n)
		for i := range p.Rules[d] {
			switch r := &p.Rules[d][i]; {
			case r.Action == Deny && r.MatchesAll() && certain:
				return []*Policy{p}, true
			case r.Action == Pass && (r.MatchesAll() && certain || !below):
				return by, below
			}
		}
	}
	if s.tier.PassAtEnd || s.mayBeSkipped() {
		return by, below
	}
	return s.policies, true
}
