package proof

import (
	"slices"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

var (
	missing = &diag.Rule{Code: "PC303", Severity: diag.Error,
		Title: "Traffic that is meant and not allowed",
		Help:  "A packet passes when the sender may send it and the receiver accepts it. The rendered policies do not let pass, on the half that the message names, what a line asks for; the policy that decides is named beside it. What Portcullis emits opens both halves, so look at what changes it: a component. This is the proof itself and cannot be waived."}
	// Excess is traffic that nobody meant. What opens it may have been accepted: see its
	// findings' subjects.
	Excess = &diag.Rule{Code: "PC304", Severity: diag.Error,
		Title: "Traffic that nobody meant",
		Help:  "The rendered policies let pods of a governed namespace send or accept what no line of an intent or of the Platform asks for. If it is meant, write it as a line, where it is reviewed; else take away the rule that opens it. One half alone is as wrong: the next change to the other half opens it. No waiver can name this rule; only where one accepts what another rule finds about the very rule of a policy that opens the traffic (PC203, for example), the traffic is accepted with it."}
	breached = &diag.Rule{Code: "PC305", Severity: diag.Error,
		Title: "A guardrail or quarantine that does not hold",
		Help:  "The rendered policies let through what a guardrail or a quarantine of the Platform forbids. Its denies stand in a tier of their own, before every other: look at what decides before them. This is the proof itself and cannot be waived."}
	cutOff = &diag.Rule{Code: "PC306", Severity: diag.Error,
		Title: "DNS servers without an upstream",
		Help:  "The cluster's DNS pods pass on what they do not know to servers outside the cluster, on UDP and TCP 53. Without that no pod finds a name outside. A policy that selects the DNS pods must let them. This is the proof itself and cannot be waived."}
)

// flows holds everything but the tests: nothing that is meant is missing, nothing else
// is there, nothing passes that is forbidden, and the DNS pods reach their upstream.
func (p *prover) flows() diag.List {
	meant := p.meant()
	halves := map[meaning.Direction][]meaning.Rectangle{}
	for _, d := range directions {
		halves[d] = p.r.Half(d)
	}
	var found diag.List
	for _, d := range directions {
		found = append(found, p.missing(meant, d, halves[d])...)
		found = append(found, p.excess(meant, d, halves[d])...)
	}
	found = slices.Concat(found, p.breached(meant), p.upstream(meant, halves[meaning.Egress]))
	for _, d := range directions {
		found = append(found, p.closing(meant, d, halves[d], found)...)
	}
	return found
}

var directions = []meaning.Direction{meaning.Egress, meaning.Ingress}

func (l line) half(d meaning.Direction) []meaning.Rectangle {
	if d == meaning.Egress {
		return l.leaves
	}
	return l.enters
}

// own are the classes whose half it is.
func own(x *meaning.Rectangle, d meaning.Direction) *packet.Numbers {
	if d == meaning.Egress {
		return &x.From
	}
	return &x.To
}

// on is a part of rectangles: those whose own end is in a side.
func on(s side, d meaning.Direction, all []meaning.Rectangle) []meaning.Rectangle {
	var kept []meaning.Rectangle
	for _, x := range all {
		for i, of := range families {
			if !x.Families.Has(of) {
				continue
			}
			y := x
			y.Families = [2]meaning.Families{meaning.IPv4, meaning.IPv6}[i]
			half := own(&y, d)
			*half = half.Intersect(s[i])
			kept = append(kept, y)
		}
	}
	return kept
}

// missing is what lines mean and one half does not let through for certain. Where the
// half is no policy's, nothing is missing.
func (p *prover) missing(m meant, d meaning.Direction, half []meaning.Rectangle) diag.List {
	var certain []meaning.Rectangle
	for _, x := range half {
		if x.Outcome == meaning.Allowed {
			certain = append(certain, x)
		}
	}
	denied, allowed := p.r.Cover(m.forbidden()), p.r.Cover(certain)
	governed := side{p.r.Governed(), p.r.Governed()}
	var found diag.List
	for _, l := range m.lines {
		var left []meaning.Rectangle
		for _, x := range on(governed, d, possible(l.half(d))) {
			for _, y := range denied.Less(x) {
				left = append(left, allowed.Less(y)...)
			}
		}
		for _, g := range p.gaps(p.r.Merge(left), d) {
			found = append(found, p.lacking(l, g))
		}
	}
	return found
}

func (p *prover) lacking(l line, g *gap) diag.Diagnostic {
	half := g.half()
	what := p.flow(g, "is not let out", "is not let in")
	if half.Outcome == meaning.Unknown {
		what = p.flow(g, "may not be let out", "may not be let in")
	}
	asks := "this line asks for it"
	if l.resolves {
		asks = "without it no name is resolved"
	}
	d := missing.At(l.span, "%s, and %s", what, asks).
		Because("the %s half of %s: %s", g.direction, g.witness, half.By.Reason).
		Suggest("let no component close what is emitted for the line")
	d.Related = decides(half.By)
	return d
}

// excess is what one half of governed pods lets through and no line asks for.
func (p *prover) excess(m meant, d meaning.Direction, half []meaning.Rectangle) diag.List {
	var asked []meaning.Rectangle
	for _, l := range m.lines {
		asked = append(asked, l.half(d)...)
	}
	cover := p.r.Cover(asked)
	var left []meaning.Rectangle
	for _, x := range on(m.held, d, half) {
		// What one rule opens is not merged with what another does: each is a finding.
		left = append(left, p.r.Merge(cover.Less(x))...)
	}
	var found diag.List
	for _, g := range p.gaps(left, d) {
		found = append(found, p.unmeant(g))
	}
	return found
}

func (p *prover) unmeant(g *gap) diag.Diagnostic {
	half := g.half()
	what := p.flow(g, "is let out", "is let in")
	if half.Outcome == meaning.Unknown {
		what = p.flow(g, "may be let out", "may be let in")
	}
	d := Excess.On(diag.Subject{Object: half.By.Policy, Pointer: half.By.Pointer}, "%s, and no line asks for it", what)
	if half.By.Policy.IsZero() {
		d = Excess.At(p.home(g), "%s, and no line asks for it", what)
	}
	other, name := g.other()
	passes := map[meaning.Outcome]string{
		meaning.Allowed: "the other half is open", meaning.Denied: "the other half is closed today", meaning.Unknown: "nobody knows about the other half",
	}[other.Outcome]
	return d.Because("the %s half of %s: %s; %s (%s: %s)", g.direction, g.witness, half.By.Reason, passes, name, other.By.Reason).
		Suggest("take away what opens it or, if it is meant, write it as a line of an intent or of the Platform")
}

// home is the line that governs the namespace of the pod whose half it is.
func (p *prover) home(g *gap) diag.Span {
	if e := g.owner().Endpoint; e != nil {
		if n, ok := p.plan.Namespace(e.Namespace); ok && !n.Span.IsZero() {
			return n.Span
		}
	}
	return p.plan.Platform
}

// breached is what passes and is forbidden.
func (p *prover) breached(m meant) diag.List {
	var found diag.List
	cover := p.r.Cover(p.r.Rectangles())
	for _, g := range m.denied {
		var common []meaning.Rectangle
		for _, x := range possible(g.all) {
			common = append(common, cover.Common(x)...)
		}
		all := p.r.Merge(common)
		if len(all) == 0 {
			continue
		}
		gap := p.r.Gap(all[0])
		d := breached.At(g.span, "%s is %s, and %s forbids it", gap.Witness, outcomes[gap.Outcome], g.name).
			Because("egress: %s; ingress: %s", gap.Verdict.Egress.By.Reason, gap.Verdict.Ingress.By.Reason).
			Suggest("take away what decides before it")
		d.Related = append(decides(gap.Verdict.Egress.By), decides(gap.Verdict.Ingress.By)...)
		found = append(found, d)
	}
	return found
}
