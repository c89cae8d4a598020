package meaning

import (
	"net/netip"
	"slices"
)

// manyRules are so many that a policy's are looked up by their peer's address: fewer are
// sooner tried one after the other.
const manyRules = 64

// side is one direction of a policy.
type side struct {
	policy *Policy
	d      Direction
}

// candidates are the rules of a side of a policy, by the ranges that they ask their peer's
// address to be in. Of thousands a packet has to be held against the few that name a range
// with its address, and those that name none.
type candidates struct {
	anywhere []int // places of rules that name no range
	in       map[netip.Prefix][]int
	lengths  []netip.Prefix // one of each length and family that in has
}

// newCandidates files the rules of one direction of a policy under the ranges that they ask their
// peer's address to be in.
func newCandidates(s side) *candidates {
	c := &candidates{in: map[netip.Prefix][]int{}}
	type length struct{ bits, family int }
	seen := map[length]bool{}
	for i := range s.policy.Rules[s.d] {
		nets := s.policy.Rules[s.d][i].peer(s.d).Nets
		if len(nets) == 0 || slices.ContainsFunc(nets, func(n netip.Prefix) bool { return !n.IsValid() || n.Addr().Is4In6() }) {
			c.anywhere = append(c.anywhere, i)
			continue
		}
		for _, n := range nets {
			n = n.Masked()
			c.in[n] = append(c.in[n], i)
			if l := (length{n.Bits(), family(n.Addr())}); !seen[l] {
				seen[l] = true
				c.lengths = append(c.lengths, n)
			}
		}
	}
	return c
}

// peer picks of a rule's source and destination the end that its policy does not select.
func (r *Rule) peer(d Direction) *Entity {
	if d == Egress {
		return &r.Destination
	}
	return &r.Source
}

// of finds the rules that an address does not rule out, and gives their places in order.
func (c *candidates) of(a netip.Addr) []int {
	all := c.anywhere
	for _, l := range c.lengths {
		if l.Addr().Is4() != a.Is4() {
			continue
		}
		if n, err := a.Prefix(l.Bits()); err == nil && len(c.in[n]) > 0 {
			all = append(slices.Clip(all), c.in[n]...)
		}
	}
	if len(all) > len(c.anywhere) {
		slices.Sort(all)
		all = slices.Compact(all)
	}
	return all
}

// tries yields the places of the rules of a policy against which a packet has to be held,
// in order. One that is left out names ranges, and the peer's address is in none of them.
func (a *Asker) tries(s side, f *flow) func(yield func(int) bool) {
	peer, count := &f.from, len(s.policy.Rules[s.d])
	if s.d == Egress {
		peer = &f.to
	}
	return func(yield func(int) bool) {
		if a.candidates == nil || count < manyRules || !peer.addr.IsValid() {
			for i := range count {
				if a.tried++; !yield(i) {
					return
				}
			}
			return
		}
		c := a.candidates[s]
		if c == nil {
			c = newCandidates(s)
			a.candidates[s] = c
		}
		for _, i := range c.of(peer.addr) {
			if a.tried++; !yield(i) {
				return
			}
		}
	}
}
