package resolve

import (
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
)

// quarantine resolves which pods the Platform puts in quarantine, cut off from everything.
func (s *resolver) quarantine() {
	for _, q := range s.Platform.Spec.Quarantine {
		if !s.in(q.In) {
			continue
		}
		s.requireCalico(q.Peer.Span, "quarantine")
		for _, p := range s.peer(q.Peer.Value, q.Peer.Span, "", "") {
			if !p.pods() {
				s.add(language.BadPeer.At(q.Peer.Span, "%s is addresses", p.end.Name).
					Because("only pods can be cut off: what is outside is outside of policy").
					Suggest("name a workload or a set of pods; addresses are kept away by a guardrail"))
				continue
			}
			s.plan.Quarantine = append(s.plan.Quarantine, plan.Quarantined{
				End: p.end, Why: q.Why.Value, Ticket: q.Ticket.Value, Until: string(q.Until.Value), Span: q.Peer.Span,
			})
		}
	}
}
