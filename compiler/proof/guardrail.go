package proof

import (
	"slices"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/relation"
)

var breached = &diag.Rule{Code: "PC305", Severity: diag.Error,
	Title: "A guardrail or quarantine that does not hold",
	Why:   "The rendered policies let through what a guardrail or a quarantine of the Platform forbids.",
	Mend:  "Its denies stand in a tier of their own, before every other: look at what decides before them. This is the proof itself and cannot be waived."}

// breached finds what passes and a guardrail or quarantine forbids. One half that is closed is
// enough: which, is for whoever emits policies to choose.
func (p *prover) breached() diag.List {
	var found diag.List
	for i := range p.denials {
		x := &p.denials[i]
		w, err := p.passing(x)
		switch {
		case err != nil:
			found = append(found, p.undecidable(undecided.At(x.span, "whether %s holds is not decided", x.name), err))
		case w != nil:
			found = append(found, p.breach(x, w))
		}
	}
	return found
}

// passing searches for a packet that a guardrail forbids and that passes. Between two pods both
// halves let it pass; what an address sends and accepts no policy holds. Where some namespaces are
// spared, a packet has its sender or its receiver in another; where nothing is known of a peer's half,
// it is taken to let everything pass.
func (p *prover) passing(x *denial) (*relation.Witness, error) {
	type search struct {
		cube   *relation.Cube
		d      meaning.Direction
		wanted []relation.Wanted
	}
	searches := []search{
		{p.u.Pairs(), meaning.Egress, p.between(meaning.Egress)},
		{p.u.Outside(), meaning.Egress, []relation.Wanted{p.allowed(meaning.Egress, false)}},
		{p.u.Outside(), meaning.Ingress, []relation.Wanted{p.allowed(meaning.Ingress, false)}},
	}
	if p.classes != nil || p.alone {
		searches = append(searches, search{p.u.Pairs(), meaning.Ingress, p.between(meaning.Ingress)})
	}
	for _, of := range searches {
		where := p.intended(of.d, may).denied(x)
		for class := range p.u.Classes() {
			if p.classes != nil && !slices.Contains(p.classes, class) || p.alone && !slices.Contains(p.changed, class) {
				continue
			}
			cube := of.cube.In(class)
			if cube == nil {
				continue
			}
			w, err := p.search.Witness(relation.Question{Of: cube, Where: where, Direction: of.d, Wanted: of.wanted})
			if w != nil || err != nil {
				return w, err
			}
		}
	}
	return nil, nil
}

// breach makes the finding of a guardrail or quarantine that a packet passes against.
func (p *prover) breach(x *denial, w *relation.Witness) diag.Diagnostic {
	p.show(breached, w)
	verdict := p.m.Walk(w.Packet)
	is := "allowed"
	if len(w.Unsettled) > 0 {
		is = "not known to be denied"
	}
	d := breached.At(x.span, "%s is %s, and %s forbids it", packetOf(w), is, x.name).
		Because("egress: %s; ingress: %s", verdict.Egress.By.Reason, verdict.Ingress.By.Reason).
		Suggest("take away what decides before it")
	d.Related = append(decides(verdict.Egress.By), decides(verdict.Ingress.By)...)
	return d
}
