package facts

import (
	"cmp"
	"fmt"
	"iter"
	"net/netip"
	"slices"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/selector"
)

// conflicts looks for packets on which the order of two policies matters: of each
// pair of rules the first endpoint and packet found.
func (a *asker) conflicts() []Conflict {
	s := &search{asker: a, found: map[pair]Conflict{}, done: map[string]bool{}}
	for _, e := range a.known.All {
		for _, d := range []meaning.Direction{meaning.Ingress, meaning.Egress} {
			s.direction(e, d)
		}
	}
	out := []Conflict{}
	for _, c := range s.found {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Conflict) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), compareReferences(a.First, b.First), compareReferences(a.Second, b.Second))
	})
	return out
}

type pair struct {
	kind          string
	first, second Reference
}

// search is one hunt for conflicts over all endpoints.
type search struct {
	*asker
	found map[pair]Conflict
	done  map[string]bool // lists of policies that hold no conflict, whatever the endpoint
}

func (s *search) add(kind string, first, second Reference, e *population.Pods, p meaning.Packet) {
	key := pair{kind, first, second}
	if _, ok := s.found[key]; !ok {
		s.found[key] = Conflict{Kind: kind, First: first, Second: second, Endpoint: e.Ref(), Packet: p.String()}
	}
}

// direction judges the policies of one endpoint and direction. Where no rule denies
// or passes and all policies are of one tier, their order cannot matter.
func (s *search) direction(e *population.Pods, d meaning.Direction) {
	policies := s.m.Governing(e.Endpoint, d).Policies
	if len(policies) == 0 || harmless(policies, d) {
		return
	}
	key := fmt.Sprintln(d, e.Namespace) + sharing(e, policies, d)
	if s.done[key] {
		return
	}
	s.done[key] = true
	for i, p := range policies {
		for j := range p.Rules[d] {
			s.rule(e, d, policies, p, &p.Rules[d][j])
		}
		for _, q := range policies[i+1:] {
			if meaning.Tied(p, q) {
				s.tie(e, d, policies, p, q)
			}
		}
	}
}

func harmless(policies []*meaning.Policy, d meaning.Direction) bool {
	for _, p := range policies {
		if p.Tier != policies[0].Tier {
			return false
		}
		for i := range p.Rules[d] {
			if a := p.Rules[d][i].Action; a == meaning.Deny || a == meaning.Pass {
				return false
			}
		}
	}
	return true
}

// rule judges one rule by the packets that it matches. It is dead if every one of
// them is decided otherwise before it. A deny of everything is a default deny: that
// rules before it allow is what it is for.
func (s *search) rule(e *population.Pods, d meaning.Direction, policies []*meaning.Policy, p *meaning.Policy, r *meaning.Rule) {
	if r.Action == meaning.Log || r.Action == meaning.Deny && r.MatchesAll() {
		return
	}
	own := Reference{Object: p.ID, Pointer: r.Pointer}
	var kind string
	var by Reference
	var witness meaning.Packet
	for sent := range s.packets(e, d, policies, r) {
		half := s.m.WalkHalf(sent, d)
		if r.Action == meaning.Pass {
			if half.Outcome == meaning.Allowed && half.By.Cause == meaning.ByProfile && s.plan.Governs(e.Namespace) && lastPass(half) == own {
				s.add("pass-to-nothing", own, Reference{}, e, sent)
				return
			}
			continue
		}
		found := ""
		switch {
		case half.By.Policy == p.ID || half.By.Cause == meaning.ByProfile || tied(policies, half.By, p):
		case s.meant(half.By): // an allow that loses to it is no accident
		case r.Action == meaning.Allow && half.Outcome == meaning.Denied && half.By.Cause == meaning.ByRule:
			found = "dead-allow"
		case r.Action == meaning.Allow && half.Outcome == meaning.Denied && half.By.Cause == meaning.ByTierEnd:
			found = "tier-end"
		case r.Action == meaning.Deny && half.Outcome == meaning.Allowed:
			found = "dead-deny"
		}
		if found == "" || kind != "" && kind != found {
			return // alive, or dead for more than one reason: no single pair to name
		}
		if kind == "" {
			kind, by, witness = found, reference(half.By), sent
		}
	}
	if kind != "" {
		s.add(kind, by, own, e, witness)
	}
}

// meant reports whether what decides is one of the plan's guardrails or quarantines,
// which win over every allow because somebody said so.
func (s *search) meant(by meaning.Decision) bool {
	return len(s.plan.Guardrails)+len(s.plan.Quarantine) > 0 && by.Tier == s.plan.Stages.GuardrailTier
}

// tied reports whether what decides is a policy of the same order as p, which is a
// conflict of its own.
func tied(policies []*meaning.Policy, by meaning.Decision, p *meaning.Policy) bool {
	return slices.ContainsFunc(policies, func(q *meaning.Policy) bool {
		return by.Cause == meaning.ByRule && q.ID == by.Policy && meaning.Tied(p, q)
	})
}

// lastPass is the rule that passed the packet out of its last tier.
func lastPass(h meaning.Half) Reference {
	if len(h.Steps) == 0 {
		return Reference{}
	}
	last := h.Steps[len(h.Steps)-1]
	return Reference{Object: last.Policy, Pointer: last.Pointer}
}

// tie looks for a packet that two policies of equal order decide differently.
func (s *search) tie(e *population.Pods, d meaning.Direction, policies []*meaning.Policy, p, q *meaning.Policy) {
	for j := range q.Rules[d] {
		second := &q.Rules[d][j]
		for i := range p.Rules[d] {
			first := &p.Rules[d][i]
			if first.Action == second.Action || first.Action == meaning.Log || second.Action == meaning.Log {
				continue
			}
			// A packet of the narrower rule; which that is, only asking can tell.
			for _, r := range []*meaning.Rule{second, first} {
				for sent := range s.packets(e, d, policies, r) {
					if s.m.Matches(first, sent) && s.m.Matches(second, sent) && decides(s.m.WalkHalf(sent, d), p, first) {
						s.add("tie", Reference{p.ID, first.Pointer}, Reference{q.ID, second.Pointer}, e, sent)
						return
					}
				}
			}
		}
	}
}

// decides reports whether the rule ended the packet's way through its tier.
func decides(h meaning.Half, p *meaning.Policy, r *meaning.Rule) bool {
	for _, step := range h.Steps {
		if step.Tier == p.Tier {
			return step.Policy == p.ID && step.Pointer == r.Pointer
		}
	}
	return false
}

// mostPackets bounds the packets tried for one rule at one endpoint. The order of
// trial makes a live rule show in the first few; a rule under which so many packets
// die is called dead.
const mostPackets = 4096

// packets yields packets that the rule matches at the endpoint, one for every way
// in which the policies tell packets apart: its own ports first, then those at the
// boundaries of the others; and of peers the addresses, then the known endpoints.
func (s *search) packets(e *population.Pods, d meaning.Direction, policies []*meaning.Policy, r *meaning.Rule) iter.Seq[meaning.Packet] {
	return func(yield func(meaning.Packet) bool) {
		addresses, groups := s.peers(e, d, policies, r)
		tried := 0
		try := func(c cell, peer meaning.Peer) bool {
			p := c.packet(peer, meaning.Pod(e.Endpoint))
			if d == meaning.Egress {
				p.From, p.To = p.To, p.From
			}
			if !s.m.Matches(r, p) {
				return true
			}
			tried++
			return tried <= mostPackets && yield(p)
		}
		for _, c := range s.ports(e, d, policies, r) {
			for _, address := range addresses {
				if !try(c, meaning.Address(address)) {
					return
				}
			}
			for _, group := range groups {
				for _, peer := range group {
					if peer != e && !try(c, meaning.Pod(peer.Endpoint)) {
						return
					}
				}
			}
		}
	}
}

// ports are the protocols and ports worth trying for a rule.
func (s *search) ports(e *population.Pods, d meaning.Direction, policies []*meaning.Policy, r *meaning.Rule) []cell {
	var own, others []cell
	for _, p := range policies {
		for i := range p.Rules[d] {
			rule := &p.Rules[d][i]
			into := &others
			if rule == r {
				into = &own
			}
			protocols := []meaning.Protocol{meaning.TCP, meaning.UDP, otherProtocol}
			if rule.Protocol != nil {
				protocols = []meaning.Protocol{*rule.Protocol}
			}
			if rule.ICMP != nil {
				*into = append(*into, cell{protocol: protocols[0], first: uint16(rule.ICMP.Type)})
			}
			if len(rule.Destination.Ports) == 0 {
				// Any port stands for all that no other rule names.
				for _, protocol := range protocols {
					*into = append(*into, cell{protocol: protocol, first: 1})
				}
			}
			for _, port := range rule.Destination.Ports {
				for _, protocol := range protocols {
					if port.Name == "" {
						*into = append(*into, cell{protocol: protocol, first: port.First})
						if port.Last < 65535 {
							*into = append(*into, cell{protocol: protocol, first: port.Last + 1})
						}
					}
				}
			}
		}
	}
	for _, port := range e.Ports {
		others = append(others, cell{protocol: port.Protocol, first: port.Number})
	}
	var unique []cell
	for _, c := range append(own, others...) {
		if !slices.Contains(unique, c) {
			unique = append(unique, c)
		}
	}
	return unique
}

// peers are the other ends worth trying for a rule: an address of every elementary
// range, and the endpoints that its selector does not leave out by their namespace.
func (s *search) peers(e *population.Pods, d meaning.Direction, policies []*meaning.Policy, r *meaning.Rule) (addresses []netip.Addr, groups [][]*population.Pods) {
	far := func(r *meaning.Rule) *meaning.Entity {
		if d == meaning.Egress {
			return &r.Destination
		}
		return &r.Source
	}
	if far(r).Selector == nil || len(s.m.Ranges()) > 0 {
		bounds := slices.Clone(s.m.Ranges())
		for _, p := range policies {
			for i := range p.Rules[d] {
				bounds = append(append(bounds, far(&p.Rules[d][i]).Nets...), far(&p.Rules[d][i]).NotNets...)
			}
		}
		for _, family := range []packet.Family{packet.IPv4, packet.IPv6} {
			for _, part := range packet.Elementary(packet.All(family), bounds) {
				addresses = append(addresses, inside(part.From(), part.To()))
			}
		}
	}
	switch namespace, fixed := namespaceOf(far(r).Selector); {
	case len(far(r).Nets) > 0: // pods have no address yet
		return addresses, nil
	case fixed:
		return addresses, [][]*population.Pods{s.known.ByNamespace[namespace], s.known.DNS}
	default:
		return addresses, [][]*population.Pods{s.known.ByNamespace[e.Namespace], s.known.All, {s.known.Stranger}}
	}
}

// namespaceOf is the only namespace whose pods a selector can select.
func namespaceOf(selector *selector.Selector) (string, bool) {
	if selector == nil {
		return "", false
	}
	for _, key := range []string{"projectcalico.org/namespace", "pcns.projectcalico.org/name", "pcns." + plan.NamespaceLabel} {
		if name, ok := selector.Requires(key); ok {
			return name, true
		}
	}
	return "", false
}

// inside is an address of the range that people recognise as one: the first of a
// network is rarely a host.
func inside(from, to netip.Addr) netip.Addr {
	if next := from.Next(); next.IsValid() && next.Compare(to) <= 0 {
		return next
	}
	return from
}
