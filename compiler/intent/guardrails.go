package intent

import (
	"slices"

	"portcullis.dev/compiler/plan"
)

// guardrails resolves what no line may open, and holds the lines against it.
func (s *resolver) guardrails() {
	for _, g := range s.spec.Guardrails {
		if !s.in(g.In) {
			continue
		}
		if len(g.Deny.From) == 0 && len(g.Deny.To) == 0 {
			s.add(missingField.At(g.Deny.Span, "the guardrail %s denies nothing in particular", g.Name.Value).
				Suggest("say from, to or both: everything is denied already where nothing allows it"))
			continue
		}
		unless := ends(s.peers(g.Unless, ""))
		if i := slices.IndexFunc(unless, func(e plan.End) bool { return e.Pods == nil }); i >= 0 {
			s.add(badPeer.At(g.Unless[0].Span, "unless names addresses (%s)", unless[i].Name).Suggest("exempt pods: a workload or a set"))
			continue
		}
		base := plan.Guardrail{Name: string(g.Name.Value), Unless: unless, Why: g.Why.Value, Span: g.Name.Span}
		for _, p := range g.Deny.Ports {
			if p.Value.Name != "" {
				s.add(unknownPort.At(p.Span, "a guardrail's ports are numbers, found %s", p.Value.Name).
					Because("what it denies must not depend on what intents declare").Suggest("write the number"))
				continue
			}
			base.Ports = append(base.Ports, p.Value.Port)
		}
		base.Ports = plan.NormalPorts(base.Ports)
		if len(base.Ports) == 1 && base.Ports[0].Protocol == plan.Any {
			base.Ports = nil
		}
		for _, from := range orEverything(s.peers(g.Deny.From, ""), len(g.Deny.From)) {
			for _, to := range orEverything(s.peers(g.Deny.To, ""), len(g.Deny.To)) {
				each := base
				each.From, each.To = from, to
				s.plan.Guardrails = append(s.plan.Guardrails, each)
				s.holdAgainst(each)
			}
		}
	}
}

func ends(parties []party) []plan.End {
	all := make([]plan.End, len(parties))
	for i, p := range parties {
		all[i] = p.end
	}
	return all
}

// orEverything is the written ends, or a single nil where none was written.
func orEverything(parties []party, written int) []*plan.End {
	if written == 0 {
		return []*plan.End{nil}
	}
	var all []*plan.End
	for i := range parties {
		all = append(all, &parties[i].end)
	}
	return all
}

// holdAgainst complains of each intent's line that the guardrail certainly denies,
// even in part. A Platform's own line loses the denied pairs without a word.
func (s *resolver) holdAgainst(g plan.Guardrail) {
	for _, f := range s.plan.Flows {
		if !touches(f.From, g.From) || !touches(f.To, g.To) || exempt(f.From, g.Unless) || exempt(f.To, g.Unless) {
			continue
		}
		denied := f.Ports
		if g.Ports != nil {
			denied = plan.IntersectPorts(f.Ports, g.Ports)
		}
		if len(denied) == 0 {
			continue
		}
		for _, o := range f.Origins {
			if o.Intent != "" {
				s.add(guarded.At(o.Span, "%s → %s on %s is denied by the guardrail %s", f.From.Name, f.To.Name, plan.FormatPorts(denied), g.Name).
					Because("guardrails win over every intent, so the line would never carry this traffic").
					See(g.Span, "the guardrail").Suggest("remove the line, or ask the platform team for an exception under unless"))
			}
		}
	}
}

func touches(e plan.End, g *plan.End) bool {
	if g == nil {
		return true
	}
	if e.Pods == nil && g.Pods == nil {
		for _, p := range plan.Ranges(e.Blocks) {
			if _, both := overlap(p, plan.Ranges(g.Blocks)); both {
				return true
			}
		}
		return false
	}
	return within(e, *g) || within(*g, e)
}

func exempt(e plan.End, unless []plan.End) bool {
	return slices.ContainsFunc(unless, func(u plan.End) bool { return within(e, u) })
}
