package meaning

// turned says which unread policies may turn a half that was walked, if any may: what is not
// read, and what Calico's operator keeps for itself.
func (m *Meaning) turned(f *flow, d Direction, walked Half) (Decision, bool) {
	for _, u := range m.Unread {
		if by, turns := u.turns(m, f, d, walked); turns {
			return by, true
		}
	}
	return m.operatorOf().turns(f, d, walked)
}

// turns reports whether an unread policy may turn a half that was walked, and why.
func (u *Unread) turns(m *Meaning, f *flow, d Direction, walked Half) (Decision, bool) {
	at := &f.to
	if d == Egress {
		at = &f.from
	}
	switch {
	case walked.Outcome == Unknown || walked.Outcome == Denied && u.Restricts || !u.governs(d):
		return Decision{}, false
	case at.pod != nil && !u.Selects(at.pod, d), at.pod == nil && !(u.hosts && at.onNode(m)):
		return Decision{}, false
	case u.Adds && walked.By.Cause == ByRule && walked.Outcome == Allowed && walked.By.Tier == DefaultTier:
		return Decision{}, false // beside a rule that allows, another changes nothing
	}
	return Decision{Cause: Outside, Policy: u.ID, Reason: u.Reason}, true
}

// MayBeTurned reports whether policies of which nobody knows what they do may turn what a pod's
// own do.
func (m *Meaning) MayBeTurned(e *Endpoint) bool {
	for _, u := range m.Unread {
		if u.Selects(e, Ingress) || u.Selects(e, Egress) {
			return true
		}
	}
	return m.operatorOf().concerns(e)
}
