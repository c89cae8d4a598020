package proof

import (
	"slices"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/relation"
	"portcullis.dev/policies/selector"
)

var (
	broken = &diag.Rule{Code: "PC301", Severity: diag.Error,
		Title: "A test that does not hold",
		Why:   "The rendered policies do something else than the test expects, for at least the packet that the message names.",
		Mend:  "Either a line is missing or too wide, or the test asks for what nobody wants any more. A failed test cannot be waived."}
	idle = &diag.Rule{Code: "PC302", Severity: diag.Error,
		Title: "A test that nothing can answer",
		Why:   "There is no packet that the test is about, so it would hold whatever the policies say.",
		Mend:  "Name ends that exist in the environment, with addresses of a family that its pods have."}
)

// tests holds the plan's tests against the rendered policies. Of a test that does not hold,
// one packet is shown. Tests about pods in quarantine pause.
func (p *prover) tests() diag.List {
	var found diag.List
	for i := range p.plan.Tests {
		if t := &p.plan.Tests[i]; !Paused(p.plan, *t) {
			found = append(found, p.test(t)...)
		}
	}
	return found
}

// test holds one test against the rendered policies: whether any packet is of it at all, and
// whether one goes otherwise.
func (p *prover) test(t *plan.Test) diag.List {
	questions := p.questions(t)
	some := false
	for _, q := range questions {
		q.Wanted = nil
		w, err := p.search.Witness(q)
		some = some || w != nil || err != nil
	}
	if !some {
		return diag.List{idle.At(t.Span, "no packet can go from %s to %s here", t.From.Name, t.To.Name).
			Because("the test would hold whatever the policies say").
			Suggest("name ends that exist in the environment, with addresses of a family that its pods have")}
	}
	for _, q := range questions {
		for _, q.Of = range p.near(q.Of) {
			switch w, err := p.search.Witness(q); {
			case err != nil:
				return diag.List{p.undecidable(undecided.At(t.Span, "whether the test holds is not decided"), err)}
			case w != nil:
				return diag.List{p.breaks(t, w)}
			}
		}
	}
	return nil
}

// questions makes the searches for packets of a test that pass where none should, or that one half
// denies where all should pass. Where one half alone is known, each is asked about by itself.
func (p *prover) questions(t *plan.Test) []relation.Question {
	var all []relation.Question
	ask := func(of *relation.Cube, d meaning.Direction, wanted ...relation.Wanted) {
		if t.Allow {
			for i := range wanted {
				wanted[i].Verdict = relation.Denies
				all = append(all, relation.Question{Of: of, Where: p.tested(t, d), Direction: d, Wanted: wanted[i : i+1 : i+1]})
			}
			return
		}
		all = append(all, relation.Question{Of: of, Where: p.tested(t, d), Direction: d, Wanted: wanted})
	}
	ask(p.u.Pairs(), meaning.Egress, p.between(meaning.Egress)...)
	if p.alone {
		ask(p.u.Pairs(), meaning.Ingress, p.between(meaning.Ingress)...)
	}
	ask(p.u.Outside(), meaning.Egress, p.allowed(meaning.Egress, false))
	ask(p.u.Outside(), meaning.Ingress, p.allowed(meaning.Ingress, false))
	return all
}

// tested makes the formula of whether a packet is one that a test is about.
func (p *prover) tested(t *plan.Test, d meaning.Direction) *relation.Formula {
	i := p.intended(d, must)
	return relation.And(p.speaksOf(i, &t.From, i.source()), p.speaksOf(i, &t.To, i.destination()), p.u.Traffic(traffic(t.Ports)))
}

// speaksOf makes the formula of whether an end is one that a test speaks of. A pod that is two
// workloads at once may do what neither may, and one that wears a label for quarantine nothing: a
// test of a workload speaks of neither.
func (p *prover) speaksOf(i *intended, e *plan.End, x relation.End) *relation.Formula {
	of := i.end(e, x)
	if e.Pods == nil {
		return of
	}
	all := []*relation.Formula{of}
	for j := range p.plan.Quarantine {
		all = append(all, relation.Not(i.end(&p.plan.Quarantine[j].End, x)))
	}
	if e.Pods.Namespace == "" || len(e.Pods.Selector) == 0 {
		return relation.And(all...)
	}
	for _, w := range p.plan.Workloads {
		if w.Namespace == e.Pods.Namespace && !implies(e.Pods.Selector, w.Selector) {
			all = append(all, relation.Not(p.u.Selected(x, selector.OfRequirements(w.Selector))))
		}
	}
	return relation.And(all...)
}

// implies reports whether one selector of a test's end selects no more than the other does, as far
// as their terms tell.
func implies(s, other object.Selector) bool {
	return !slices.ContainsFunc(other, func(r object.Requirement) bool {
		return !slices.ContainsFunc(s, func(o object.Requirement) bool {
			return o.Key == r.Key && o.Op == r.Op && slices.Equal(o.Values, r.Values)
		})
	})
}

// breaks makes the finding of a test that does not hold, with one packet and what decides it.
func (p *prover) breaks(t *plan.Test, w *relation.Witness) diag.Diagnostic {
	p.show(broken, w)
	v := p.m.Walk(w.Packet)
	half, direction := deciding(v)
	outcome := outcomes[v.Outcome()]
	if len(w.Unsettled) > 0 {
		outcome = outcomes[meaning.Unknown]
	}
	d := broken.At(t.Span, "%s is %s, and the test expects %s", packetOf(w), outcome, expected(*t)).
		Because("%s: %s", direction, half.By.Reason)
	d.Related = decides(half.By)
	d.Cause = cause(half.By)
	hint := "remove what opens it, or the test"
	if t.Allow {
		hint = "open the flow by a line of the intents, or remove the test"
	}
	return d.Suggest("%s", hint)
}

var outcomes = map[meaning.Outcome]string{meaning.Allowed: "allowed", meaning.Denied: "denied", meaning.Unknown: "not known to be allowed or denied"}

// expected spells the verdict that a test expects.
func expected(t plan.Test) string {
	if t.Allow {
		return "allow"
	}
	return "deny"
}

// deciding picks the half of a test's packet that says no or does not know, or else the ingress,
// where a packet is let in last.
func deciding(v meaning.Verdict) (half meaning.Half, direction meaning.Direction) {
	if v.Egress.Outcome != meaning.Allowed {
		return v.Egress, meaning.Egress
	}
	return v.Ingress, meaning.Ingress
}

// Paused reports whether a test of the plan waits, for pods that it is about are in
// quarantine.
func Paused(p *plan.Plan, t plan.Test) bool { return paused(p, t.From) || paused(p, t.To) }

// paused reports whether the end's pods are certainly in quarantine.
func paused(p *plan.Plan, e plan.End) bool {
	if e.Pods == nil || e.Pods.Namespace == "" {
		return false
	}
	n, _ := p.Namespace(e.Pods.Namespace)
	for _, q := range p.Quarantine {
		if q.End.Pods.Matches(n.Name, n.Labels, e.Pods.Selector.Example()) {
			return true
		}
	}
	return false
}

// Tests holds the plan's tests alone against the relation of what was rendered.
func Tests(p *plan.Plan, r *relation.Relation, endpoints []*meaning.Endpoint) diag.List {
	return newProver(p, r, endpoints).tests()
}
