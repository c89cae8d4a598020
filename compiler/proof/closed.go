package proof

import (
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
)

var closed = &diag.Rule{Code: "PC307", Severity: diag.Error,
	Title: "Pods that nobody governs and something closes",
	Help:  "What no intent and no line of the Platform governs stays open: namespaces of the system, those that are not enforced or only staged, and those that nobody listed unless unknownNamespaces says deny. The rendered policies close such pods, so that traffic stops of which nobody here knows: of the system's own programs, or of teams that have not written their lines. Leave their namespaces out of the policy's selector; or govern them, or forbid what must not be by a guardrail. This is the proof itself and cannot be waived."}

// closing is what certainly does not pass, for one half, between pods that nobody holds
// and others whom nobody holds, and that nobody forbids. What passes to and from those
// who are held, lines tell. The pods are those that somebody describes and those without
// labels: who knows which others may come to wear a label that a policy asks for. What a
// policy of their own namespace closes is its owners' word. Policies about which
// something else was found are not named again.
func (p *prover) closing(m meant, d meaning.Direction, half []meaning.Rectangle, before diag.List) diag.List {
	named := map[object.ID]bool{}
	for _, b := range before {
		named[b.Subject.Object] = true
		for _, r := range b.Related {
			named[r.Subject.Object] = true
		}
	}
	everywhere := side{p.r.End(meaning.End{}, families[0]), p.r.End(meaning.End{}, families[1])}
	there := p.there()
	from, to := m.open.and(side{there, there}), everywhere.minus(m.held)
	if d == meaning.Ingress {
		from, to = to, from
	}
	denied, open := p.r.Cover(m.forbidden()), p.r.Cover(half)
	var left []meaning.Rectangle
	for _, x := range possible(rectangles(from, to, packet.Anything())) {
		for _, y := range denied.Less(x) {
			left = append(left, open.Less(y)...)
		}
	}
	var found diag.List
	for _, g := range p.gaps(p.r.Merge(left), d) {
		by := g.half().By
		if named[by.Policy] || by.Policy.Namespace != "" {
			continue
		}
		found = append(found, closed.On(diag.Subject{Object: by.Policy, Pointer: by.Pointer}, "%s, and nobody governs those pods", p.flow(g, "is not let out", "is not let in")).
			Because("the %s half of %s: %s", g.direction, g.witness, by.Reason).
			Suggest("leave out pods that the plan leaves open, or govern their namespace"))
	}
	return found
}

// there are the classes of ends that somebody describes, and those of pods without labels.
func (p *prover) there() packet.Numbers {
	unlabelled, stranger := p.r.Unlabelled()
	all := unlabelled.Union(packet.Between(stranger, stranger))
	for n, c := range p.r.Classes() {
		if !c.Future {
			all = all.Union(packet.Between(uint32(n), uint32(n)))
		}
	}
	return all
}
