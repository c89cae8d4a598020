package proof

import (
	"slices"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

// meant is what a plan means between all ends at once: what [plan.Plan.Between] says
// of two places.
type meant struct {
	held   side // lets through no more than lines ask for
	open   side // pods that nothing holds, and that let through everything
	lines  []line
	denied []denial
}

// line is something that the plan asks for. What its ends may send and what they
// accept can differ: in a namespace that nobody listed the Platform's word alone counts.
type line struct {
	resolves       bool // the way to DNS, which no flow asks for
	span           diag.Span
	leaves, enters []meaning.Rectangle
}

// denial is what a guardrail or a quarantine forbids.
type denial struct {
	name string // for people
	span diag.Span
	all  []meaning.Rectangle
}

// forbidden is all that is denied.
func (m meant) forbidden() []meaning.Rectangle {
	var all []meaning.Rectangle
	for _, d := range m.denied {
		all = append(all, d.all...)
	}
	return all
}

func (p *prover) meant() meant {
	var m meant
	pods := sideOf(p.r, p.ends.pods)
	var listed side
	for _, name := range diag.SortedKeys(p.ends.namespaces) {
		here := sideOf(p.r, p.ends.namespaces[name])
		listed = listed.or(here)
		if p.plan.Governs(name) {
			m.held = m.held.or(here)
		}
	}
	var unknown side // held without being listed
	if p.plan.DenyUnknown {
		unknown = pods.minus(listed).minus(union(p.r, p.ends.spared))
		m.held = m.held.or(unknown)
	}
	for i, f := range p.plan.Flows {
		from, to := sideOf(p.r, p.ends.flows[i][0]), sideOf(p.r, p.ends.flows[i][1])
		sending, accepting := from, to
		if !f.Platform() {
			sending, accepting = from.minus(unknown), to.minus(unknown)
		}
		t := traffic(f.Ports)
		m.lines = append(m.lines, line{
			span: f.Origins[0].Span, leaves: rectangles(sending, to, t), enters: rectangles(from, accepting, t),
		})
	}
	m.open = pods.minus(m.held)
	m.lines = append(m.lines, p.resolving(unknown)...)
	m.denied = p.denied(pods)
	return m
}

// resolving are the ways to DNS, by namespace.
func (p *prover) resolving(unknown side) []line {
	var all []line
	add := func(from side, span diag.Span) {
		for i, s := range p.plan.DNSServers() {
			to := sideOf(p.r, p.ends.servers[i])
			x := rectangles(from, to, traffic(s.Ports))
			all = append(all, line{resolves: true, span: span, leaves: x, enters: x})
		}
	}
	for _, n := range p.plan.Namespaces {
		if n.Governed && !n.Pattern {
			add(union(p.r, p.ends.resolving[n.Name]), n.Span)
		}
	}
	add(unknown.minus(union(p.r, p.ends.unresolving)), p.plan.Platform)
	return all
}

// denied is what nobody may open. Without Calico nothing can deny: then a guardrail
// holds of what is emitted, and nobody else's pods are bound by it.
func (p *prover) denied(pods side) []denial {
	all := side{p.r.End(meaning.End{}, families[0]), p.r.End(meaning.End{}, families[1])}
	var denials []denial
	for i, q := range p.plan.Quarantine {
		cut := sideOf(p.r, p.ends.quarantine[i])
		denials = append(denials, denial{
			name: "the quarantine of " + q.End.Name, span: q.Span,
			all: append(rectangles(cut, all, packet.Anything()), rectangles(all, cut, packet.Anything())...),
		})
	}
	var system side
	for _, name := range p.plan.Cluster.System {
		system = system.or(sideOf(p.r, p.ends.namespaces[name]))
	}
	bound := pods.minus(system)
	if !p.plan.HasTarget("calico") {
		bound = side{}
		for _, n := range p.plan.Namespaces {
			if n.Governed && !n.Pattern {
				bound = bound.or(sideOf(p.r, p.ends.namespaces[n.Name]))
			}
		}
	}
	for i, g := range p.plan.Guardrails {
		from, to := all, all
		if g.From != nil {
			from = sideOf(p.r, p.ends.guardrails[i].from)
		}
		if g.To != nil {
			to = sideOf(p.r, p.ends.guardrails[i].to)
		}
		exempt := union(p.r, p.ends.guardrails[i].unless)
		from, to = from.minus(exempt), to.minus(exempt)
		t := packet.Anything()
		if len(g.Ports) > 0 {
			t = traffic(g.Ports)
		}
		denials = append(denials, denial{
			name: "guardrail " + g.Name, span: g.Span,
			all: append(rectangles(from.and(bound), to, t), rectangles(from.minus(bound), to.and(bound), t)...),
		})
	}
	return denials
}

// possible leaves out control messages of the other family: ICMP is IPv4's, ICMPv6
// IPv6's (RFC 792, RFC 4443), so that nothing is missing where they are.
func possible(all []meaning.Rectangle) []meaning.Rectangle {
	var kept []meaning.Rectangle
	for _, x := range all {
		for _, f := range []struct {
			family meaning.Families
			others packet.Traffic
		}{{meaning.IPv4, packet.Of(packet.ICMPv6)}, {meaning.IPv6, packet.Of(packet.ICMP)}} {
			if y := x; y.Families&f.family != 0 {
				y.Families, y.Traffic = f.family, x.Traffic.Subtract(f.others)
				kept = append(kept, y)
			}
		}
	}
	return slices.Clip(kept)
}
