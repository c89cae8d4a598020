package explain

import (
	"fmt"
	"slices"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
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
	unaddressed []int // pods of which nobody knows an address
	addressed   []int // and all other ends
	governing   *meaning.Asker
	network     packet.Addresses // of pods, whom nobody may know
	found       map[string][]int
}

// reach prepares to find whom rules may reach among some ends, by their namespaces.
func (w *World) reach(ends []end) *reach {
	r := &reach{m: w.Meaning, holders: w.Meaning.Holders(), ends: ends, byNamespace: map[string][]int{}, found: map[string][]int{},
		governing: w.asking(), network: packet.AddressesOf(w.Meaning.Cluster.PodCIDRs...)}
	for i, e := range ends {
		if e.isPod() {
			r.byNamespace[e.Endpoint.Namespace] = append(r.byNamespace[e.Endpoint.Namespace], i)
		} else {
			r.others = append(r.others, i)
		}
		if e.isPod() && !e.Addr.IsValid() && len(e.Endpoint.Addresses) == 0 {
			r.unaddressed = append(r.unaddressed, i)
		} else {
			r.addressed = append(r.addressed, i)
		}
	}
	return r
}

// isPod reports whether an end is a pod with an address of its own, which selectors reach.
func (e end) isPod() bool { return e.Endpoint != nil && !e.Endpoint.HostNetwork }

// from marks the ends that one end's half may reach by the rules that allow; nil says that it may be
// all of them.
func (r *reach) from(own end, d meaning.Direction) []bool {
	some, all := r.those(own, d)
	if all {
		return nil
	}
	marks := make([]bool, len(r.ends))
	for _, i := range some {
		marks[i] = true
	}
	return marks
}

// those lists, in order, the ends that one end's half may reach by the rules that allow, unless it may
// be all of them.
func (r *reach) those(own end, d meaning.Direction) (some []int, all bool) {
	if !own.isPod() {
		return nil, true
	}
	g := r.governing.Governing(own.Endpoint, d)
	if !g.Isolated || r.m.MayBeTurned(own.Endpoint) {
		return nil, true
	}
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
			if of, asks := peer.Addresses(); asks && peer.Selector == nil {
				some = append(some, r.at(of)...)
				continue
			}
			if peer.Selector == nil || slices.ContainsFunc(r.holders, func(h meaning.Holder) bool { return peer.Selector.Matches(h.Labels) }) {
				return nil, true // it is about whoever has an address
			}
			some = append(some, r.selected(*peer.Selector)...)
		}
	}
	slices.Sort(some)
	return slices.Compact(some), false
}

// selected gathers the ends that a rule's selector reaches, and of those that are no pods all that it
// may reach: an address that is no pod's has the labels of sets and hosts alone.
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
	held := slices.ContainsFunc(r.holders, func(h meaning.Holder) bool { return meaning.MayHold(s, h.Labels) })
	for _, i := range r.others {
		if held || r.mayBePod(r.ends[i]) {
			found = append(found, i)
		}
	}
	r.found[key] = found
	return found
}

// at gathers the ends that may have one of the addresses that a rule asks for. Pods of which no address
// is known are alike in that.
func (r *reach) at(of packet.Addresses) []int {
	key := fmt.Sprint(of.IPSet().Ranges()) // which is no selector
	found, known := r.found[key]
	if known {
		return found
	}
	if len(r.unaddressed) > 0 && r.governing.MayHave(r.ends[r.unaddressed[0]].Peer, of) {
		found = append(found, r.unaddressed...)
	}
	for _, i := range r.addressed {
		if r.governing.MayHave(r.ends[i].Peer, of) {
			found = append(found, i)
		}
	}
	r.found[key] = found
	return found
}

// mayBePod reports whether an end that no selector reaches as a pod may be one all the same, or a node.
func (r *reach) mayBePod(e end) bool {
	a := e.Addr.Unmap()
	return e.Endpoint != nil || !a.IsValid() || r.network.Contains(a) || r.m.PodAt(a) != nil
}
