package explain

import (
	"slices"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/selector"
)

// reach finds whom rules may allow, among some ends. It spares walks: between two ends of
// which one is isolated and has no rule that may allow the other, everything is denied.
type reach struct {
	m           *meaning.Meaning
	holders     []meaning.Holder
	ends        []end
	byNamespace map[string][]int
	others      []int // that are no pods
	found       map[string][]int
}

// reach prepares to find whom rules may reach among some ends, by their namespaces.
func (w *World) reach(ends []end) *reach {
	r := &reach{m: w.Meaning, holders: w.Meaning.Holders(), ends: ends, byNamespace: map[string][]int{}, found: map[string][]int{}}
	for i, e := range ends {
		if e.isPod() {
			r.byNamespace[e.Endpoint.Namespace] = append(r.byNamespace[e.Endpoint.Namespace], i)
		} else {
			r.others = append(r.others, i)
		}
	}
	return r
}

// isPod reports whether an end is a pod with an address of its own, which selectors reach.
func (e end) isPod() bool { return e.Endpoint != nil && !e.Endpoint.HostNetwork }

// from marks the ends that one end's half may reach by the rules that allow; nil says that it may
// be all of them.
func (r *reach) from(own end, d meaning.Direction) []bool {
	if !own.isPod() {
		return nil
	}
	g := r.m.Governing(own.Endpoint, d)
	if !g.Isolated || r.m.MayBeTurned(own.Endpoint) {
		return nil
	}
	marks := make([]bool, len(r.ends))
	for _, p := range g.Policies {
		for i := range p.Rules[d] {
			rule := &p.Rules[d][i]
			if rule.Action != meaning.Allow {
				continue
			}
			peer := &rule.Source
			if d == meaning.Egress {
				peer = &rule.Destination
			}
			if peer.Selector == nil || slices.ContainsFunc(r.holders, func(h meaning.Holder) bool { return peer.Selector.Matches(h.Labels) }) {
				return nil // it is about whoever has an address
			}
			for _, n := range r.selected(*peer.Selector) {
				marks[n] = true
			}
		}
	}
	return marks
}

// selected gathers the ends that a rule's selector reaches, and those that are no pods.
func (r *reach) selected(s selector.Selector) []int {
	key := s.String()
	found, known := r.found[key]
	if known {
		return found
	}
	find := func(among []int) {
		for _, i := range among {
			if meaning.MayHold(s, r.ends[i].Endpoint) {
				found = append(found, i)
			}
		}
	}
	if name, one := onlyNamespace(s); one {
		find(r.byNamespace[name])
	} else {
		for _, in := range r.byNamespace {
			find(in)
		}
	}
	found = append(found, r.others...)
	r.found[key] = found
	return found
}
