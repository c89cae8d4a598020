package proof

import (
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/relation"
)

var missing = &diag.Rule{Code: "PC303", Severity: diag.Error,
	Title: "Traffic that is meant and not allowed",
	Why:   "A packet passes when the sender may send it and the receiver accepts it. The rendered policies do not let pass, on the half that the message names, what a line asks for; the policy that decides is named beside it. Every pod of the line counts that may exist, whatever other labels it wears and whichever service account it runs as.",
	Mend:  "What Portcullis emits opens both halves, so look at what changes it: a component. This is the proof itself and cannot be waived."}

// missing finds what lines mean and is missing in the policies, which do not let it through on one
// half. A rule that denies is told once, at the first line that it closes; where nothing allows a
// line, each line is. What is closed and no line's is kept for closing.
func (p *prover) missing() diag.List {
	var found diag.List
	for _, d := range directions {
		denied := map[opener]bool{} // by rules
		told := map[int]map[opener]bool{}
		p.search.Compare(relation.Comparison{
			Direction: d, Classes: p.classes, Allowing: p.promised(d), Denying: p.rendered[d], Patterns: relation.Allows, Rather: p.openBeyond(d), Undecided: p.toNobodyHeld(d),
		}, func(r *relation.Rule) bool {
			return r == nil && len(p.closings) >= mostFindings
		}, func(x relation.Difference, err error) bool {
			switch {
			case x.Rule == nil:
				p.closes(failure{d, x.Witness, err})
				return false
			case err != nil:
				found = append(found, p.undecidable(undecided.At(p.lines[x.Rule.Source].span, "whether the %s of what this line asks for is open is not decided", d), err))
				return len(found) >= mostFindings
			}
			half := halfOf(p.m.Walk(x.Witness.Packet), d)
			by := opener{policy: half.By.Policy, pointer: half.By.Pointer}
			if by.pointer != "" && denied[by] || told[x.Rule.Source][by] {
				return false
			}
			denied[by] = true
			if told[x.Rule.Source] == nil {
				told[x.Rule.Source] = map[opener]bool{}
			}
			told[x.Rule.Source][by] = true
			found = append(found, p.lacking(&p.lines[x.Rule.Source], x.Witness, half))
			return len(found) >= mostFindings
		})
	}
	return found
}

// promised makes the program of what the plan promises on one half, against which what is missing
// shows.
func (p *prover) promised(d meaning.Direction) *relation.Program {
	if p.promises[d] == nil {
		p.promises[d] = p.intended(d, must).program(p.lines, p.denials)
	}
	return p.promises[d]
}

// openBeyond asks that the other half lets a packet pass, so that it is missing for this half
// alone.
func (p *prover) openBeyond(d meaning.Direction) []relation.Wanted {
	return []relation.Wanted{p.allowed(1-d, true)}
}

// lacking makes the finding of a line that a half lacks: what is missing, and the rule that denies
// it.
func (p *prover) lacking(l *line, w *relation.Witness, half meaning.Half) diag.Diagnostic {
	p.show(missing, w)
	what := p.flow(w, "is not let out", "is not let in")
	if len(w.Unsettled) > 0 {
		what = p.flow(w, "may not be let out", "may not be let in")
	}
	asks := "this line asks for it"
	if l.resolves {
		asks = "without it no name is resolved"
	}
	d := missing.At(l.span, "%s, and %s", what, asks).
		Because("the %s half of %s: %s", w.Direction, w.Packet, half.By.Reason).
		Suggest("let no component close what is emitted for the line")
	d.Related = decides(half.By)
	d.Cause = cause(half.By)
	return d
}
