package proof

import (
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/relation"
)

// excess is traffic that nobody meant.
var excess = &diag.Rule{Code: "PC304", Severity: diag.Error,
	Title: "Traffic that nobody meant",
	Why:   "The rendered policies let pods of a governed namespace send or accept what no line of an intent or of the Platform asks for. Every pod counts that may exist: a rule for a label, a service account or a namespace that nobody has today opens for whoever has it tomorrow.",
	Mend:  "If it is meant, write it as a line, where it is reviewed; else take away the rule that opens it. One half alone is as wrong: the next change to the other half opens it. This is the proof itself and cannot be waived: a waiver of another rule (PC203, for example) lifts traffic that a line means, and none of this."}

// opener is what opens something: a rule, or that no policy governs pods of a namespace.
type opener struct {
	policy    object.ID
	pointer   string
	namespace string
}

// excess finds what one half of held pods lets through and no line asks for: one finding for
// each rule that opens something.
func (p *prover) excess() diag.List {
	var found diag.List
	for _, d := range directions {
		told := map[opener]bool{}
		p.search.Compare(relation.Comparison{
			Direction: d, Classes: p.classes, Allowing: p.rendered[d], Denying: p.intended(d, may).program(p.lines, nil), Patterns: relation.Denies, Rather: p.whole(d),
		}, func(r *relation.Rule) bool {
			return r != nil && told[opener{policy: r.Policy.ID, pointer: r.Of.Pointer}]
		}, func(x relation.Difference, err error) bool {
			if err != nil {
				found = append(found, p.notDecided(x.Rule, d, err))
				return len(found) >= mostFindings
			}
			by := opener{namespace: x.Witness.Own().Endpoint.Namespace}
			if x.Rule != nil {
				by = opener{policy: x.Rule.Policy.ID, pointer: x.Rule.Of.Pointer}
			}
			if !told[by] {
				told[by] = true
				found = append(found, p.unmeant(x))
			}
			return len(found) >= mostFindings
		})
	}
	return found
}

// unmeant makes the finding of an excess: a packet that one half lets through and no line means,
// with the rule that opens it.
func (p *prover) unmeant(x relation.Difference) diag.Diagnostic {
	w := x.Witness
	p.show(excess, w)
	verdict := p.m.Walk(w.Packet)
	half := halfOf(verdict, w.Direction)
	what := p.flow(w, "is let out", "is let in")
	if len(w.Unsettled) > 0 {
		what = p.flow(w, "may be let out", "may be let in")
	}
	d := excess.At(p.home(w), "%s, and no line asks for it", what)
	if x.Rule != nil {
		d = excess.On(diag.Subject{Object: x.Rule.Policy.ID, Pointer: x.Rule.Of.Pointer}, "%s, and no line asks for it", what)
	}
	other := halfOf(verdict, 1-w.Direction)
	passes := map[meaning.Outcome]string{
		meaning.Allowed: "the other half is open", meaning.Denied: "the other half is closed today", meaning.Unknown: "nobody knows about the other half",
	}[other.Outcome]
	return d.Because("the %s half of %s: %s; %s (%s: %s)", w.Direction, w.Packet, half.By.Reason, passes, 1-w.Direction, other.By.Reason).
		Suggest("take away what opens it or, if it is meant, write it as a line of an intent or of the Platform")
}

// home finds the line that governs the namespace of the pod to which an excess opens.
func (p *prover) home(w *relation.Witness) diag.Span {
	if n, ok := p.plan.Namespace(w.Own().Endpoint.Namespace); ok && !n.Span.IsZero() {
		return n.Span
	}
	return p.plan.Platform
}
