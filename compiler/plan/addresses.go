package plan

import (
	"net/netip"
	"slices"

	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
)

// Assumed is the cluster as far as the Platform describes it, and beyond: where it does
// not say where pods or nodes are, they are anywhere but at the addresses that lines
// name, for those are outside the cluster. Where no line names any, nothing is assumed.
func (p *Plan) Assumed() object.Cluster {
	c := p.Cluster
	named := p.named()
	if named.IsEmpty() {
		return c
	}
	elsewhere := func(known ...netip.Prefix) []netip.Prefix {
		return named.Union(packet.AddressesOf(known...)).Complement().Prefixes()
	}
	pods, nodes := c.PodCIDRs, c.NodeCIDRs
	if len(pods) == 0 {
		c.PodCIDRs = elsewhere(append(slices.Clone(c.ServiceCIDRs), nodes...)...)
	}
	if len(nodes) == 0 {
		c.NodeCIDRs = elsewhere(append(slices.Clone(c.ServiceCIDRs), pods...)...)
	}
	return c
}

// named are the addresses that lines, guardrails and tests name.
func (p *Plan) named() packet.Addresses {
	var all []netip.Prefix
	add := func(ends ...*End) {
		for _, e := range ends {
			if e != nil {
				all = append(all, Ranges(e.Blocks)...)
			}
		}
	}
	for i := range p.Flows {
		add(&p.Flows[i].From, &p.Flows[i].To)
	}
	for _, g := range p.Guardrails {
		add(g.From, g.To)
	}
	for i := range p.Tests {
		add(&p.Tests[i].From, &p.Tests[i].To)
	}
	for _, s := range p.DNSServers() {
		add(&s.End)
	}
	return packet.AddressesOf(all...)
}

// Ranges are the addresses of blocks as the fewest plain prefixes, in order.
func Ranges(blocks []Block) []netip.Prefix {
	var all []netip.Prefix
	for _, b := range blocks {
		all = append(all, packet.Subtract([]netip.Prefix{b.CIDR}, b.Except)...)
	}
	return packet.Merge(all)
}
