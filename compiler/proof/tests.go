package proof

import (
	"fmt"
	"slices"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
)

var (
	broken = &diag.Rule{Code: "PC301", Severity: diag.Error,
		Title: "A test that does not hold",
		Help:  "The rendered policies do something else than the test expects, for at least the packet that the message names. Either a line is missing or too wide, or the test asks for what nobody wants any more. A failed test cannot be waived."}
	idle = &diag.Rule{Code: "PC302", Severity: diag.Error,
		Title: "A test that nothing can answer",
		Help:  "There is no packet that the test is about, so it would hold whatever the policies say. Name ends that exist in the environment, with addresses of a family that its pods have."}
)

// tests holds the plan's tests against the relation. Of a test that does not hold, one
// packet is shown. Tests about pods in quarantine pause.
func (p *prover) tests() diag.List {
	var found diag.List
	for i, t := range p.plan.Tests {
		if !Paused(p.plan, t) {
			found = append(found, p.test(t, meaning.Flow{From: p.ends.tests[i][0], To: p.ends.tests[i][1], Traffic: traffic(t.Ports)})...)
		}
	}
	return found
}

func (p *prover) test(t plan.Test, f meaning.Flow) diag.List {
	if !p.answerable(f) {
		return diag.List{idle.At(t.Span, "no packet can go from %s to %s here", t.From.Name, t.To.Name).
			Because("the test would hold whatever the policies say").
			Suggest("name ends that exist in the environment, with addresses of a family that its pods have")}
	}
	gaps := p.r.Overlap
	if t.Allow {
		gaps = p.r.Missing
	}
	// A pod that is two workloads at once may do what neither may, and one that wears a
	// label for quarantine nothing: the test speaks of neither.
	doubles := p.r.Doubles()
	all := slices.DeleteFunc(gaps([]meaning.Flow{f}), func(g meaning.Gap) bool {
		return g.From.Subtract(doubles).IsEmpty() || g.To.Subtract(doubles).IsEmpty()
	})
	if len(all) == 0 {
		return nil
	}
	g := all[0]
	half, direction := deciding(g.Verdict)
	d := broken.At(t.Span, "%s is %s, and the test expects %s", g.Witness, outcomes[g.Verdict.Outcome()], expected(t)).
		Because("%s: %s", direction, half.By.Reason)
	d.Related = decides(half.By)
	hint := "remove what opens it, or the test"
	if t.Allow {
		hint = "open the flow by a line of the intents, or remove the test"
	}
	return diag.List{d.Suggest("%s", hint)}
}

// answerable reports whether some packet has both ends, in a family that the cluster's
// pods have.
func (p *prover) answerable(f meaning.Flow) bool {
	for _, family := range families {
		if p.r.Families().Has(family) && !p.r.End(f.From, family).IsEmpty() && !p.r.End(f.To, family).IsEmpty() {
			return true
		}
	}
	return false
}

var outcomes = map[meaning.Outcome]string{meaning.Allowed: "allowed", meaning.Denied: "denied", meaning.Unknown: "not known to be allowed or denied"}

func expected(t plan.Test) string {
	if t.Allow {
		return "allow"
	}
	return "deny"
}

// deciding is the half that says no or does not know, or else the ingress, where a
// packet is let in last.
func deciding(v meaning.Verdict) (half meaning.Half, direction meaning.Direction) {
	if v.Egress.Outcome != meaning.Allowed {
		return v.Egress, meaning.Egress
	}
	return v.Ingress, meaning.Ingress
}

// decides points at the policy that decides, if it is one.
func decides(by meaning.Decision) []diag.Related {
	if by.Policy.IsZero() {
		return nil
	}
	return []diag.Related{{
		Subject: diag.Subject{Object: by.Policy, Pointer: by.Pointer}, Message: fmt.Sprintf("%s decides", by.Policy),
	}}
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
