package meaning

import (
	"net/netip"
	"slices"

	"portcullis.dev/policies/packet"
)

// Parts divides traffic from one end to another so that Walk says the same, and gives the
// same reason, for all headers of a part.
func (a *Asker) Parts(from, to Peer, of packet.Traffic) []packet.Traffic {
	c := cutter{m: a.m, headers: a.headersOf, parts: []packet.Traffic{of}}
	c.ports = append(c.ports, a.portsAt(to)...)
	a.rules(from, Egress, c.rule)
	a.rules(to, Ingress, c.rule)
	return c.parts
}

// headersOf tells what a rule asks for by headers, as [Rule.Traffic] does, and remembers it.
func (a *Asker) headersOf(r *Rule) packet.Traffic {
	if a.headers == nil {
		return r.Traffic()
	}
	t, known := a.headers[r]
	if !known {
		t = r.Traffic()
		a.headers[r] = t
	}
	return t
}

// rules calls do with each rule that may decide an end's packets, so that traffic is divided by
// it.
func (a *Asker) rules(p Peer, d Direction, do func(*Rule)) {
	if e := a.lookUp(p, a.m.familyOf(Packet{From: p, To: p})); e.pod != nil {
		for _, s := range a.stages(e.pod, e.pod.Namespace, d) {
			for _, policy := range s.policies {
				each(policy.Rules[d], do)
			}
		}
		return
	}
	if len(a.m.Hosts) == 0 {
		return // nothing governs it
	}
	for _, policy := range a.m.Policies {
		if policy.ID.Namespace == "" && policy.Live() && policy.Governs[d] {
			each(policy.Rules[d], do)
		}
	}
	for _, h := range a.m.Hosts {
		for _, profile := range h.profiles {
			each(profile.rules[d], do)
		}
	}
}

// each calls do with each of some rules, in place.
func each(rules []Rule, do func(*Rule)) {
	for i := range rules {
		do(&rules[i])
	}
}

// portsAt gathers all ports to which somebody gives a name whom an end may be, since rules divide
// traffic by names of ports.
func (a *Asker) portsAt(p Peer) []NamedPort {
	e := a.lookUp(p, a.m.familyOf(Packet{From: p, To: p}))
	if e.pod != nil {
		return e.pod.Ports
	}
	var all []NamedPort
	for _, h := range a.m.Hosts {
		all = append(all, h.Ports...)
	}
	for _, e := range a.m.Endpoints {
		if e.HostNetwork {
			all = append(all, e.Ports...)
		}
	}
	return all
}

// cutter divides traffic by what rules ask of headers.
type cutter struct {
	m       *Meaning
	headers func(*Rule) packet.Traffic
	ports   []NamedPort // of the destination
	seen    []packet.Traffic
	parts   []packet.Traffic
}

// by divides every part into what is in some traffic and what is not.
func (c *cutter) by(t packet.Traffic) {
	if slices.ContainsFunc(c.seen, t.Equal) {
		return
	}
	c.seen = append(c.seen, t)
	for i := range len(c.parts) {
		if part := c.parts[i]; part.Overlaps(t) && !t.Covers(part) {
			c.parts[i] = part.Intersect(t)
			c.parts = append(c.parts, part.Subtract(t))
		}
	}
}

// rule divides the parts by all that one rule asks of headers: ports, names of ports, a Service.
func (c *cutter) rule(r *Rule) {
	c.by(c.headers(r))
	from, to := &r.Source, &r.Destination
	if named(from.Ports) || named(from.NotPorts) || named(to.Ports) || named(to.NotPorts) {
		for _, p := range withPorts {
			c.by(packet.Of(p)) // which alone have names of ports
		}
		for _, p := range slices.Concat(to.Ports, to.NotPorts) {
			c.port(p)
		}
	}
	if to.Service == nil {
		return
	}
	_, served, _ := c.m.Selected(*to.Service)
	for _, p := range served {
		if p.Name != "" {
			c.by(packet.Of(p.Protocol))
			c.port(PortMatch{Name: p.Name})
		} else {
			c.by(packet.Ports(p.Protocol, p.Number, p.Number))
		}
	}
	if s := c.m.services[to.Service.Namespace+"/"+to.Service.Name]; s != nil {
		for _, slice := range s.slices {
			c.by(slicePorts(slice.Ports))
		}
	}
}

// port divides the parts by one port of a rule, a number or whatever the destination calls so.
func (c *cutter) port(p PortMatch) {
	if p.Name == "" {
		c.by(plainPorts([]PortMatch{p}))
		return
	}
	for _, own := range c.ports {
		if own.Name == p.Name {
			c.by(packet.Ports(own.Protocol, own.Number, own.Number))
		}
	}
}

// Boundaries gathers the addresses that divide the space of addresses into parts, in each of
// which all ends are alike: those that rules name and, where they are somebody's,
// [Meaning.Ranges].
func (m *Meaning) Boundaries() []netip.Prefix {
	all := slices.Clone(m.ranges)
	of := func(r *Rule) {
		for _, e := range []*Entity{&r.Source, &r.Destination} {
			all = append(append(all, e.Nets...), e.NotNets...)
		}
	}
	for _, p := range m.Policies {
		each(p.Rules[Ingress], of)
		each(p.Rules[Egress], of)
	}
	for _, h := range m.Hosts {
		for _, p := range h.profiles {
			each(p.rules[Ingress], of)
			each(p.rules[Egress], of)
		}
	}
	slices.SortFunc(all, netip.Prefix.Compare)
	return slices.Compact(all)
}
