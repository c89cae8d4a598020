package resolve

import (
	"slices"
	"strconv"
	"strings"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/object"
)

// guardrails resolves the Platform's guardrails, which say what no line may open, and holds the
// lines against them.
func (s *resolver) guardrails() {
	for _, g := range s.Platform.Spec.Guardrails {
		if !s.in(g.In) {
			continue
		}
		base := plan.Guardrail{Name: string(g.Name.Value), Unless: s.unless(g), Why: g.Why.Value, Span: g.Name.Span}
		switch {
		case (g.Deny != nil) == g.Isolate.Given():
			s.add(language.MissingField.At(g.Span, "the guardrail %s needs one of deny and isolate", g.Name.Value).
				Suggest("deny: {from, to, ports} denies traffic; isolate: LABEL keeps namespaces apart that carry the label with different values"))
		case g.Deny == nil:
			s.isolate(g, base)
		default:
			s.deny(*g.Deny, base)
		}
	}
}

// unless resolves the pods that a guardrail exempts, and refuses addresses among them.
func (s *resolver) unless(g language.GuardrailSpec) []plan.End {
	exempt := ends(s.peers(g.Unless, ""))
	if i := slices.IndexFunc(exempt, func(e plan.End) bool { return e.Pods == nil }); i >= 0 {
		s.add(language.BadPeer.At(g.Unless[0].Span, "unless names addresses (%s)", exempt[i].Name).Suggest("exempt pods: a workload or a set"))
		return nil
	}
	return exempt
}

// deny resolves a guardrail that denies traffic by its ends and ports: one for each pair of ends.
func (s *resolver) deny(d language.DenySpec, base plan.Guardrail) {
	if len(d.From) == 0 && len(d.To) == 0 {
		s.add(language.MissingField.At(d.Span, "the guardrail %s denies nothing in particular", base.Name).
			Suggest("say from, to or both: everything is denied already where nothing allows it"))
		return
	}
	for _, p := range d.Ports {
		if p.Value.Name != "" {
			s.add(unknownPort.At(p.Span, "a guardrail's ports are numbers, found %s", p.Value.Name).
				Because("what it denies must not depend on what intents declare").Suggest("write the number"))
			continue
		}
		base.Ports = append(base.Ports, p.Value.Ports...)
	}
	base.Ports = plan.NormalPorts(base.Ports)
	if len(base.Ports) == 1 && base.Ports[0].Protocol == plan.Any {
		base.Ports = nil
	}
	froms, tos := s.peers(d.From, ""), s.peers(d.To, "")
	for _, from := range orEverything(froms, len(d.From)) {
		for _, to := range orEverything(tos, len(d.To)) {
			each := base
			each.From, each.To = from, to
			if !denies(from) && !denies(to) {
				s.add(language.BadPeer.At(d.Span, "the guardrail %s names no pods", base.Name).
					Because("traffic between addresses outside never meets a policy").Suggest("name pods on one of the ends"))
				return
			}
			s.plan.Guardrails = append(s.plan.Guardrails, each)
			s.holdAgainst(each)
		}
	}
}

// denies reports whether a guardrail can stand at the end: at pods, or at everything.
func denies(end *plan.End) bool { return end == nil || end.Pods != nil }

// isolate keeps namespaces apart that carry a label with different values: one
// guardrail for each value that a namespace here has.
func (s *resolver) isolate(g language.GuardrailSpec, base plan.Guardrail) {
	key := string(g.Isolate.Value)
	var values []string
	for _, n := range s.plan.Namespaces {
		if v, carries := n.Labels[key]; carries {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	values = slices.Compact(values)
	if len(values) < 2 {
		s.add(noEffect.At(g.Isolate.Span, "fewer than two values of the label %s are among the namespaces", key).
			Because("the guardrail keeps nobody apart").Suggest("add the label to the Platform's namespaces, or restrict the guardrail with in"))
	}
	taken := map[string]bool{}
	for _, v := range values {
		each := base
		each.Name = isolationName(base.Name, v, taken)
		of := object.NewSelector(object.Equals(key, v))
		others := object.NewSelector(object.Requirement{Key: key, Op: object.Exists}, object.Requirement{Key: key, Op: object.NotIn, Values: []string{v}})
		each.From = &plan.End{Name: podsName("", plan.Pods{Namespaces: of}), Pods: &plan.Pods{Namespaces: of}}
		each.To = &plan.End{Name: podsName("", plan.Pods{Namespaces: others}), Pods: &plan.Pods{Namespaces: others}}
		s.plan.Guardrails = append(s.plan.Guardrails, each)
		s.holdAgainst(each)
	}
}

// isolationName makes the name of the guardrail for one value of a label. Values are no DNS
// labels: what gets lost in making one of them comes back as a number.
func isolationName(guardrail, value string, taken map[string]bool) string {
	full := guardrail + "-" + value
	name := full
	if !language.IsName(name) {
		name = strings.Trim(strings.Map(func(r rune) rune {
			if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
				return r
			}
			return '-'
		}, strings.ToLower(full)), "-")
		name = name[:min(len(name), 58)]
	}
	for i := 2; taken[name]; i++ {
		name = strings.TrimRight(name[:min(len(name), 58)], "-") + "-" + strconv.Itoa(i)
	}
	taken[name] = true
	return name
}

// ends returns the ends of resolved parties, without where they were written, as guardrails hold
// them.
func ends(parties []party) []plan.End {
	all := make([]plan.End, len(parties))
	for i, p := range parties {
		all[i] = p.end
	}
	return all
}

// orEverything returns the written ends of a guardrail, or a single nil, which is everything,
// where none was written.
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
		if !s.touches(f.From, g.From) || !s.touches(f.To, g.To) || s.exempt(f.From, g.Unless) || s.exempt(f.To, g.Unless) {
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

// touches reports whether a guardrail's end certainly is, in part, that of a flow.
func (s *resolver) touches(e plan.End, g *plan.End) bool { return g == nil || s.meet(e, *g) }

// exempt reports whether an end certainly is one that a guardrail's unless exempts.
func (s *resolver) exempt(e plan.End, unless []plan.End) bool {
	return slices.ContainsFunc(unless, func(u plan.End) bool { return s.within(e, u) })
}
