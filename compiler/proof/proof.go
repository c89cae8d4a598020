// Package proof holds what rendered policies mean against what was expected of them.
//
// Its invariant: an answer is exact over everything that the policies can tell apart,
// never over samples; what is not known does not count as held. A finding shows one
// packet and what decides it.
//
// It must not know how policies are spelt, nor how they came about.
package proof

import (
	"fmt"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

var (
	broken = &diag.Rule{Code: "PC301", Severity: diag.Error,
		Title: "A test that does not hold",
		Help:  "The rendered policies do something else than the test expects, for at least the packet that the message names. Either a line is missing or too wide, or the test asks for what nobody wants any more. A failed test cannot be waived."}
	idle = &diag.Rule{Code: "PC302", Severity: diag.Error,
		Title: "A test that nothing can answer",
		Help:  "There is no packet that the test is about, so it would hold whatever the policies say. Name ends that exist in the environment, with addresses of a family that its pods have."}
)

// Rules are the findings of this package.
var Rules = []*diag.Rule{broken, idle}

// Tests holds the plan's tests against the meaning of what was rendered. Of a test
// that does not hold, one packet is shown. Tests about pods in quarantine pause.
func Tests(p *plan.Plan, m *meaning.Meaning) diag.List {
	if len(p.Tests) == 0 {
		return nil
	}
	a := atomsOf(p)
	var asked []plan.Test
	var flows []meaning.Flow
	for _, t := range p.Tests {
		if !Paused(p, t) {
			asked = append(asked, t)
			flows = append(flows, meaning.Flow{From: end(a, t.From), To: end(a, t.To), Traffic: traffic(t.Ports)})
		}
	}
	r := meaning.Evaluate(m, a)
	var found diag.List
	for i, t := range asked {
		found = append(found, judge(r, t, flows[i])...)
	}
	return found
}

func judge(r *meaning.Relation, t plan.Test, f meaning.Flow) diag.List {
	if !answerable(r, f) {
		return diag.List{idle.At(t.Span, "no packet can go from %s to %s here", t.From.Name, t.To.Name).
			Because("the test would hold whatever the policies say").
			Suggest("name ends that exist in the environment, with addresses of a family that its pods have")}
	}
	gaps := r.Overlap
	if t.Allow {
		gaps = r.Missing
	}
	all := gaps([]meaning.Flow{f})
	if len(all) == 0 {
		return nil
	}
	g := all[0]
	half, direction := deciding(g.Verdict)
	d := broken.At(t.Span, "%s is %s, and the test expects %s", g.Witness, outcomes[g.Verdict.Outcome()], expected(t)).
		Because("%s: %s", direction, half.By.Reason)
	if !half.By.Policy.IsZero() {
		d.Related = append(d.Related, diag.Related{
			Subject: diag.Subject{Object: half.By.Policy, Pointer: half.By.Pointer}, Message: fmt.Sprintf("%s decides", half.By.Policy),
		})
	}
	hint := "remove what opens it, or the test"
	if t.Allow {
		hint = "open the flow by a line of the intents, or remove the test"
	}
	return diag.List{d.Suggest("%s", hint)}
}

// answerable reports whether some packet has both ends, in a family that the cluster's
// pods have.
func answerable(r *meaning.Relation, f meaning.Flow) bool {
	for _, family := range []int{4, 6} {
		if r.Families().Has(family) && !r.End(f.From, family).IsEmpty() && !r.End(f.To, family).IsEmpty() {
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
func deciding(v meaning.Verdict) (half meaning.Half, direction string) {
	if v.Egress.Outcome != meaning.Allowed {
		return v.Egress, "egress"
	}
	return v.Ingress, "ingress"
}

// Paused reports whether a test waits: pods that it is about are in quarantine.
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

// atomsOf are the workloads of the plan, which need no manifest: each as a pod with
// just the labels by which it is selected.
func atomsOf(p *plan.Plan) *meaning.Atoms {
	var a meaning.Atoms
	for _, w := range p.Workloads {
		if n, ok := p.Namespace(w.Namespace); ok && !w.HostNetwork && !n.Pattern {
			a.Add(&meaning.Endpoint{
				Namespace: w.Namespace, Name: w.Name, Labels: w.Selector.Example(), NamespaceLabels: n.Labels, ServiceAccount: "default",
			})
		}
	}
	return &a
}

func end(a *meaning.Atoms, e plan.End) meaning.End {
	if e.Pods != nil {
		return a.Pods(e.Pods.Namespace, e.Pods.Namespaces, e.Pods.Selector)
	}
	return a.Addresses(packet.AddressesOf(plan.Ranges(e.Blocks)...))
}

// traffic is what a port list stands for; none is everything.
func traffic(ports []plan.Port) packet.Traffic {
	if ports == nil {
		return packet.Anything()
	}
	var all packet.Traffic
	for _, p := range ports {
		protocol, _ := packet.ProtocolNamed(string(p.Protocol))
		switch {
		case p.Protocol == plan.Any:
			return packet.Anything()
		case p.IsICMP():
			all = all.Union(packet.Types(protocol, uint8(p.First), uint8(p.Last)))
		default:
			all = all.Union(packet.Ports(protocol, p.First, p.Last))
		}
	}
	return all
}
