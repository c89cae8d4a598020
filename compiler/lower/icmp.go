package lower

import (
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/object"
)

// controlMessages emits the halves of flows that Kubernetes has no words for: a
// Calico policy beside the Kubernetes one of the same subject. It allows and never
// denies. That it selects a pod isolates nothing anew: the namespace's default deny
// governs both directions already.
func (l *lowering) controlMessages() {
	for _, s := range l.subjects {
		var all []ruling
		self := []entity{{}} // the policy selects them
		for _, h := range s.halves {
			_, control := divide(h.ports)
			if len(control) == 0 {
				continue
			}
			from, to := l.entities(&h.peer, "", earliest(h.origins)), self
			if h.egress {
				from, to = to, from
			}
			all = append(all, l.rulings("Allow", h.egress, from, to, control, h.origins)...)
		}
		if len(all) == 0 {
			continue
		}
		all = canonical(all)
		name := s.name(prefixICMP, prefixICMPSet)
		selectors, ok := alternatives(s.selector, maxSelector)
		if !ok {
			l.tooLong(earliest(all[0].origins), "the selector "+s.selector.String())
		}
		for _, selector := range selectors {
			name := name
			if len(selectors) > 1 {
				name = named(prefixPods, digest(selector.String())[:digestLength]+"-"+name)
			}
			for _, p := range parts("", name, all, ruling.key, fitsCalico) {
				l.controlPolicy(s, p, selector)
			}
		}
	}
}

// controlPolicy emits the Calico policy that allows a part of a subject's ICMP messages.
func (l *lowering) controlPolicy(s *subject, p part[ruling], selector object.Selector) {
	var lines []plan.Origin
	for _, r := range p.things {
		lines = append(lines, r.origins...)
	}
	a, span := l.about(s, p.name, lines)
	rules, places := sections(p.things, l.why)
	kind := "NetworkPolicy"
	spec := object.Map{{Key: "tier", Value: "default"}, {Key: "order", Value: l.Stages.AllowOrder}}
	if s.namespace.Staged {
		kind = "StagedNetworkPolicy"
		spec = append(object.Map{{Key: "stagedAction", Value: "Set"}}, spec...)
	}
	spec = append(append(spec, object.Field{Key: "selector", Value: selector.Calico()}), rules...)
	l.emit(calicoObject(kind, a, spec), span, places...)
}
