package lower

import (
	"cmp"
	"slices"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/object"
)

// firstGuardrail is the order of the first guardrail. Quarantine has those before
// it, so that adding to it moves nothing else.
const (
	firstGuardrail    = 10_000
	betweenGuardrails = 10
)

// guardrailTier emits what no team's policy may open: quarantine, then guardrails,
// each denied on every end that is a pod. All of its rules deny, so none can take
// another's effect away, and every order is another's.
func (l *lowering) guardrailTier() {
	before := len(l.emitted)
	order := l.quarantine()
	l.guardrails(max(firstGuardrail, (order/firstGuardrail+1)*firstGuardrail))
	if len(l.emitted) > before {
		l.emit(calicoObject("Tier", about{name: l.Stages.GuardrailTier, intent: l.platform(), wave: waveTiers, reason: "what no team's policy may open"}, object.Map{
			{Key: "order", Value: l.Stages.GuardrailTierOrder},
			{Key: "defaultAction", Value: "Pass"},
		}), l.Platform)
	}
}

// quarantine emits a policy for each set of pods that is cut off: denied at their
// own ends, no packet leaves or enters. The result is the last order.
func (l *lowering) quarantine() (order int) {
	entries := map[string][]plan.Quarantined{} // of the same pods
	var sets []string
	for _, q := range l.Quarantine {
		key := q.End.Pods.Namespace + "/{" + q.End.Pods.Namespaces.String() + "}/" + q.End.Pods.Selector.String()
		if entries[key] == nil {
			sets = append(sets, key)
		}
		entries[key] = append(entries[key], q)
	}
	deny := object.List{object.Map{{Key: "action", Value: "Deny"}}}
	for _, key := range sets {
		first := entries[key][0]
		var lines []plan.Origin
		for _, q := range entries[key] {
			lines = append(lines, plan.Origin{Span: q.Span, Why: q.Why, Ticket: q.Ticket, Until: q.Until})
		}
		pods := *first.End.Pods
		selectors, ok := alternatives(pods.Selector, maxSelector)
		if !ok {
			l.tooLong(first.Span, "the selector "+pods.Selector.String())
		}
		for _, namespaces := range l.namespaceTerms(pods, anyNamespace, first.Span) {
			for _, selector := range selectors {
				order++
				name := slug(first.End.Name) + digest(namespaces + "\n" + selector.String())[:digestLength]
				spec := object.Map{
					{Key: "tier", Value: l.Stages.GuardrailTier},
					{Key: "order", Value: order},
					{Key: "namespaceSelector", Value: namespaces},
				}
				if len(selector) > 0 {
					spec = append(spec, object.Field{Key: "selector", Value: selector.Calico()})
				}
				l.emit(calicoObject("GlobalNetworkPolicy", about{
					name: named(l.Stages.GuardrailTier+".", prefixQuarantine+name), intent: l.platform(), wave: waveDenies, reason: reasons(lines),
				}, append(spec,
					object.Field{Key: "types", Value: object.List{"Ingress", "Egress"}},
					object.Field{Key: "ingress", Value: deny}, object.Field{Key: "egress", Value: deny},
				)), earliest(lines))
			}
		}
	}
	return order
}

// guardrails emits a policy for each guardrail over every pod outside system: its
// rules deny leaving the pods that it names as sources, and entering those that it
// names as destinations.
func (l *lowering) guardrails(order int) {
	var names []string
	byName := map[string][]plan.Guardrail{}
	for _, g := range l.Guardrails {
		if byName[g.Name] == nil {
			names = append(names, g.Name)
		}
		byName[g.Name] = append(byName[g.Name], g)
	}
	if len(names) == 0 {
		return
	}
	header := l.everyPodBut(slices.Sorted(slices.Values(l.Cluster.System)), nil)
	for _, name := range names {
		var all []ruling
		for _, g := range byName[name] {
			not := l.anyOf(g.Unless, "the list of exempt pods", g.Span)
			from, to := l.entities(g.From, not, g.Span), l.entities(g.To, not, g.Span)
			lines := []plan.Origin{{Span: g.Span, Why: g.Why}}
			if g.To == nil || g.To.Pods != nil {
				all = append(all, l.rulings("Deny", false, from, to, g.Ports, lines)...)
			}
			if g.From == nil || g.From.Pods != nil {
				all = append(all, l.rulings("Deny", true, from, to, g.Ports, lines)...)
			}
		}
		if len(all) == 0 {
			continue // between addresses there is no pod to hold to it
		}
		for _, p := range parts(l.Stages.GuardrailTier+".", prefixGuardrail+name, canonical(all), ruling.key, fitsCalico) {
			first := byName[name][0]
			rules, places := sections(p.things, nil)
			spec := append(object.Map{
				{Key: "tier", Value: l.Stages.GuardrailTier},
				{Key: "order", Value: order},
			}, header...)
			order += betweenGuardrails
			l.emit(calicoObject("GlobalNetworkPolicy", about{
				name: p.name, intent: l.platform(), wave: waveDenies, reason: cmp.Or(first.Why, "the guardrail "+name),
			}, append(spec, rules...)), first.Span, places...)
		}
	}
}
