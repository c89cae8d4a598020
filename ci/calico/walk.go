package main

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/projectcalico/calico/felix/proto"
	"github.com/projectcalico/calico/felix/rules"
)

// half walks Calico's calculated policies of the end with the address, as a dataplane renders
// them: tiers, then profiles.
func (c *cluster) half(p packet, address netip.Addr, ingress bool) (outcome, by string) {
	profiles, governed := []string(nil), false
tiers:
	for _, t := range c.chain {
		e, ok := t.graph.endpoints[address]
		if !ok {
			continue
		}
		profiles, governed = e.profiles, true
		names := e.egress
		if ingress {
			names = e.ingress
		}
		for _, name := range names {
			policy, ok := t.graph.policies[name]
			if !ok {
				return "error", "the graph did not send policy " + name
			}
			list := policy.OutboundRules
			if ingress {
				list = policy.InboundRules
			}
			action, i := t.graph.first(list, p)
			by := fmt.Sprintf("tier %s, policy %s, rule %d", t.name, name, i)
			switch action {
			case "allow", "deny":
				return action, by
			case "next-tier", "pass":
				continue tiers
			}
		}
		if len(names) > 0 && !t.passAtEnd {
			return "deny", "the end of tier " + t.name
		}
	}
	if !governed {
		return "allow", "nothing governs " + address.String()
	}
	g := c.chain[0].graph
	for _, name := range profiles {
		profile, ok := g.profiles[name]
		if !ok {
			return "error", "the graph did not send profile " + name
		}
		list := profile.OutboundRules
		if ingress {
			list = profile.InboundRules
		}
		switch action, _ := g.first(list, p); action {
		case "":
		case "allow":
			return "allow", "profile " + name
		default:
			return "deny", "profile " + name
		}
	}
	return "deny", "no profile"
}

// first walks rules that Calico rendered to the first that matches and decides, and gives its
// action.
func (g *graph) first(list []*proto.Rule, p packet) (string, int) {
	for i, r := range list {
		if action := strings.ToLower(r.Action); action != "log" && g.matches(r, p) {
			return action, i
		}
	}
	return "", -1
}

// matches asks a rule that Calico rendered, on a packet's walk, for its criteria in the packet's
// family.
func (g *graph) matches(rule *proto.Rule, p packet) bool {
	family := uint8(4)
	if p.To.Is6() {
		family = 6
	}
	r := rules.FilterRuleToIPVersion(family, rule)
	switch {
	case r == nil,
		r.Protocol != nil && !isProtocol(r.Protocol, p.Protocol),
		r.NotProtocol != nil && isProtocol(r.NotProtocol, p.Protocol):
		return false
	}
	switch icmp := r.Icmp.(type) {
	case *proto.Rule_IcmpType:
		if !isICMP(p, icmp.IcmpType, nil) {
			return false
		}
	case *proto.Rule_IcmpTypeCode:
		if !isICMP(p, icmp.IcmpTypeCode.Type, &icmp.IcmpTypeCode.Code) {
			return false
		}
	}
	switch icmp := r.NotIcmp.(type) {
	case *proto.Rule_NotIcmpType:
		if isICMP(p, icmp.NotIcmpType, nil) {
			return false
		}
	case *proto.Rule_NotIcmpTypeCode:
		if isICMP(p, icmp.NotIcmpTypeCode.Type, &icmp.NotIcmpTypeCode.Code) {
			return false
		}
	}
	source := side{
		nets: r.SrcNet, notNets: r.NotSrcNet, sets: r.SrcIpSetIds, notSets: r.NotSrcIpSetIds,
		ports: r.SrcPorts, notPorts: r.NotSrcPorts, named: r.SrcNamedPortIpSetIds, notNamed: r.NotSrcNamedPortIpSetIds,
	}
	destination := side{
		nets: r.DstNet, notNets: r.NotDstNet, sets: append(r.DstIpSetIds, r.DstIpPortSetIds...), notSets: r.NotDstIpSetIds,
		ports: r.DstPorts, notPorts: r.NotDstPorts, named: r.DstNamedPortIpSetIds, notNamed: r.NotDstNamedPortIpSetIds,
	}
	return g.fits(source, p.From, p.Protocol, p.SourcePort) && g.fits(destination, p.To, p.Protocol, p.Port)
}

// side is what a rendered rule asks of one end.
type side struct {
	nets, notNets   []string
	sets, notSets   []string
	ports, notPorts []*proto.PortRange
	named, notNamed []string
}

// fits reports on a packet's walk whether one end is what a rule that Calico rendered asks of
// that side: nets, sets and ports.
func (g *graph) fits(s side, address netip.Addr, protocol, port int) bool {
	for _, id := range s.sets {
		if !g.holds(id, address, protocol, port) {
			return false
		}
	}
	for _, id := range append(s.notSets, s.notNamed...) {
		if g.holds(id, address, protocol, port) {
			return false
		}
	}
	if len(s.nets) > 0 && !within(s.nets, address) || within(s.notNets, address) || inRanges(s.notPorts, protocol, port) {
		return false
	}
	if len(s.ports)+len(s.named) == 0 || inRanges(s.ports, protocol, port) {
		return true
	}
	for _, id := range s.named {
		if g.holds(id, address, protocol, port) {
			return true
		}
	}
	return false
}

// portNames are the protocols that have ports, as members of sets spell them.
var portNames = map[int]string{6: "tcp", 17: "udp", 132: "sctp"}

// holds reports on a packet's walk whether an IP set that Felix' graph sent has the end, or the
// end with its port.
func (g *graph) holds(id string, address netip.Addr, protocol, port int) bool {
	s, ok := g.sets[id]
	switch {
	case !ok:
		return false
	case s.withPorts:
		return s.members[fmt.Sprintf("%s,%s:%d", address, portNames[protocol], port)]
	default:
		for member := range s.members {
			if within([]string{member}, address) {
				return true
			}
		}
		return false
	}
}

// within reports on a packet's walk whether an address lies in one of a rendered rule's nets.
func within(nets []string, address netip.Addr) bool {
	for _, text := range nets {
		if n, err := netip.ParsePrefix(text); err == nil && n.Contains(address) {
			return true
		}
	}
	return false
}

// inRanges reports on a packet's walk whether its port lies in one of a rendered rule's ranges;
// protocols without ports lie in none.
func inRanges(ranges []*proto.PortRange, protocol, port int) bool {
	for _, r := range ranges {
		if portNames[protocol] != "" && int(r.First) <= port && port <= int(r.Last) {
			return true
		}
	}
	return false
}

var protocolNumbers = map[string]int{"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58, "sctp": 132, "udplite": 136}

// isProtocol reports on a packet's walk whether its protocol is the one that a rendered rule
// names or numbers.
func isProtocol(wanted *proto.Protocol, protocol int) bool {
	if name := wanted.GetName(); name != "" {
		return protocolNumbers[strings.ToLower(name)] == protocol
	}
	return int(wanted.GetNumber()) == protocol
}

// isICMP reports on a packet's walk whether it is of a rendered rule's type of ICMP, and of its
// code where it has one.
func isICMP(p packet, icmpType int32, code *int32) bool {
	if p.Protocol != 1 && p.Protocol != 58 || int(icmpType) != p.Type {
		return false
	}
	return code == nil || int(*code) == p.Code
}
