package proof

import (
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/relation"
)

// denial is what a guardrail or a quarantine forbids, whatever lines say.
type denial struct {
	name      string // for people
	span      diag.Span
	guardrail *plan.Guardrail
	pods      *plan.End // in quarantine; nil for a guardrail
}

func denialsOf(p *plan.Plan) []denial {
	var all []denial
	for i := range p.Quarantine {
		q := &p.Quarantine[i]
		all = append(all, denial{name: "the quarantine of " + q.End.Name, span: q.Span, pods: &q.End})
	}
	for i := range p.Guardrails {
		g := &p.Guardrails[i]
		all = append(all, denial{name: "guardrail " + g.Name, span: g.Span, guardrail: g})
	}
	return all
}

// denied asks whether a packet is forbidden. What is denied is denied to whoever may be
// meant.
func (t *intended) denied(x *denial) *relation.Formula {
	read := *t
	read.reading = may
	if x.pods != nil {
		return relation.Or(read.end(x.pods, relation.Own), read.end(x.pods, relation.Peer))
	}
	g := x.guardrail
	from, to := read.end(g.From, t.source()), read.end(g.To, t.destination())
	for i := range g.Unless {
		from = relation.And(from, relation.Not(read.end(&g.Unless[i], t.source())))
		to = relation.And(to, relation.Not(read.end(&g.Unless[i], t.destination())))
	}
	return relation.And(from, to, t.u.Traffic(traffic(g.Ports)), relation.Or(t.bound(relation.Own), t.bound(relation.Peer)))
}

// bound asks whether guardrails can stop a packet at an end. Without Calico nothing can
// deny: then a guardrail holds of what is emitted, and nobody else's pods are bound by it.
func (t *intended) bound(x relation.End) *relation.Formula {
	if t.p.HasTarget("calico") {
		return relation.And(t.u.IsPod(x), relation.Not(t.u.Namespaces(x, t.p.Cluster.System...)))
	}
	var governed []string
	for _, n := range t.p.Namespaces {
		if n.Governed && !n.Pattern {
			governed = append(governed, n.Name)
		}
	}
	return t.u.Namespaces(x, governed...)
}
