package resolve

import (
	"net/netip"
	"slices"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
)

// exactly returns the selector of just these labels, for questions of containment.
func exactly(labels map[string]string) object.Selector {
	var all []object.Requirement
	for k, v := range labels {
		all = append(all, object.Equals(k, v))
	}
	return object.NewSelector(all...)
}

// within reports whether every pod or address of the end a is certainly contained in b.
func (s *resolver) within(a, b plan.End) bool {
	if a.Pods == nil || b.Pods == nil {
		return a.Pods == nil && b.Pods == nil && len(packet.Subtract(plan.Ranges(a.Blocks), plan.Ranges(b.Blocks))) == 0
	}
	return s.namespaceWithin(*a.Pods, *b.Pods) && implies(a.Pods.Selector, b.Pods.Selector)
}

// namespaceWithin reports whether the namespaces of one set of pods are certainly contained in
// those of another.
func (s *resolver) namespaceWithin(a, b plan.Pods) bool {
	if b.Namespace != "" {
		return a.Namespace == b.Namespace
	}
	return implies(s.namespaceSelector(a), b.Namespaces)
}

// namespaceSelector returns what is known of the labels of a set's namespaces, as a selector that
// can be compared.
func (s *resolver) namespaceSelector(p plan.Pods) object.Selector {
	if p.Namespace == "" {
		return p.Namespaces
	}
	if of, known := s.selectors[p.Namespace]; known {
		return of
	}
	if n, ok := s.plan.Namespace(p.Namespace); ok {
		s.selectors[n.Name] = exactly(n.Labels)
		return s.selectors[n.Name]
	}
	return object.NewSelector(object.Equals(plan.NamespaceLabel, p.Namespace))
}

// meet reports whether some pods or addresses certainly are of both ends: one set contains the
// other, or what they ask of the same labels can be true of one pod.
func (s *resolver) meet(a, b plan.End) bool {
	if a.Pods == nil || b.Pods == nil {
		if a.Pods != nil || b.Pods != nil {
			return false
		}
		others := plan.Ranges(b.Blocks)
		return slices.ContainsFunc(plan.Ranges(a.Blocks), func(p netip.Prefix) bool { _, both := overlap(p, others); return both })
	}
	if a.Pods.Namespace != "" && b.Pods.Namespace != "" && a.Pods.Namespace != b.Pods.Namespace {
		return false
	}
	return agree(s.namespaceSelector(*a.Pods), s.namespaceSelector(*b.Pods)) && agree(a.Pods.Selector, b.Pods.Selector)
}

// agree reports whether labels can satisfy both selectors, so that two sets meet, where one of
// them asks of no label that the other says nothing about.
func agree(a, b object.Selector) bool {
	var few [8]object.Requirement // as most ask at most
	return (asksOf(a, b) || asksOf(b, a)) && append(append(object.Selector(few[:0]), a...), b...).Satisfiable()
}

// asksOf reports whether a says something of every label that b asks of.
func asksOf(a, b object.Selector) bool {
	return !slices.ContainsFunc(b, func(want object.Requirement) bool {
		return !slices.ContainsFunc(a, func(have object.Requirement) bool { return have.Key == want.Key })
	})
}

// implies reports whether whatever satisfies a satisfies b, requirement by
// requirement.
func implies(a, b object.Selector) bool {
	for _, want := range b {
		if !slices.ContainsFunc(a, func(have object.Requirement) bool { return stronger(have, want) }) {
			return false
		}
	}
	return true
}

// stronger reports whether one requirement of a selector implies another of the same label.
func stronger(have, want object.Requirement) bool {
	if have.Key != want.Key {
		return false
	}
	subset := func(a, b []string) bool {
		return !slices.ContainsFunc(a, func(v string) bool { return !slices.Contains(b, v) })
	}
	switch want.Op {
	case object.In:
		return have.Op == object.In && subset(have.Values, want.Values)
	case object.NotIn:
		return have.Op == object.DoesNotExist ||
			have.Op == object.NotIn && subset(want.Values, have.Values) ||
			have.Op == object.In && !slices.ContainsFunc(have.Values, func(v string) bool { return slices.Contains(want.Values, v) })
	case object.Exists:
		return have.Op == object.Exists || have.Op == object.In
	default:
		return have.Op == object.DoesNotExist
	}
}

// overlap finds the first of the ranges that shares an address with the prefix, or contains it.
func overlap(p netip.Prefix, ranges []netip.Prefix) (netip.Prefix, bool) {
	for _, r := range ranges {
		if p.Overlaps(r) {
			return r, true
		}
	}
	return netip.Prefix{}, false
}

// inSet reports whether a workload's pods are all contained in a set.
func (s *resolver) inSet(w *plan.Workload, set plan.Pods) bool {
	pods := s.pods(w.Namespace)
	return s.namespaceWithin(pods, set) && implies(w.Selector, set.Selector)
}
