package proof

import (
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/relation"
)

var closed = &diag.Rule{Code: "PC307", Severity: diag.Error,
	Title: "Pods that nobody governs and something closes",
	Why:   "What no intent and no line of the Platform governs stays open: namespaces of the system, those that are not enforced or only staged, and those that nobody listed unless unknownNamespaces says deny. The rendered policies close such pods, so that traffic stops of which nobody here knows: of the system's own programs, or of teams that have not written their lines.",
	Mend:  "Leave their namespaces out of the policy's selector; or govern them, or forbid what must not be by a guardrail. This is the proof itself and cannot be waived."}

// failure is a packet of a half that does not pass, or the error of what is not decided.
type failure struct {
	direction meaning.Direction
	witness   *relation.Witness
	err       error
}

// toNobodyHeld makes the formula of peers whom nobody holds: what is closed between those who are
// held, lines tell.
func (p *prover) toNobodyHeld(d meaning.Direction) *relation.Formula {
	t := p.intended(d, may)
	return relation.Not(relation.Or(t.held(relation.Peer), t.closedElsewhere(relation.Peer)))
}

// closes keeps what is closed and no line's: one failure for each policy.
func (p *prover) closes(x failure) {
	if x.err == nil {
		by := halfOf(p.m.Walk(x.witness.Packet), x.direction).By
		if p.closedBy[by.Policy] {
			return
		}
		p.closedBy[by.Policy] = true
	}
	p.closings = append(p.closings, x)
}

// closing finds what is closed, on one half, between pods that nobody holds and others whom nobody
// holds, and that nobody forbids: one finding for each policy. Policies about which something else
// was found are not named again.
func (p *prover) closing(before diag.List) diag.List {
	named := map[object.ID]bool{}
	for _, b := range before {
		named[b.Subject.Object] = true
		for _, r := range b.Related {
			named[r.Subject.Object] = true
		}
	}
	var found diag.List
	for _, x := range p.closings {
		if x.err != nil {
			found = append(found, p.notDecided(nil, x.direction, x.err))
			continue
		}
		by := halfOf(p.m.Walk(x.witness.Packet), x.direction).By
		if !named[by.Policy] {
			named[by.Policy] = true
			found = append(found, p.closure(x.witness, by))
		}
	}
	return found
}

// closure makes the finding of a policy by which traffic is closed that nobody holds.
func (p *prover) closure(w *relation.Witness, by meaning.Decision) diag.Diagnostic {
	p.show(closed, w)
	return closed.On(diag.Subject{Object: by.Policy, Pointer: by.Pointer}, "%s, and nobody governs those pods", p.flow(w, "is not let out", "is not let in")).
		Because("the %s half of %s: %s", w.Direction, w.Packet, by.Reason).
		Suggest("leave out pods that the plan leaves open, or govern their namespace")
}
