package plan

import (
	"net/netip"
	"slices"

	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
)

// Assumed describes the cluster as far as the Platform does, and the addresses beyond: where it
// does not say where pods or nodes are, they are at addresses that no line names, for those are
// outside the cluster. Any other address may be a pod's or nobody's, so that there are two
// clusters to look at then: in one of them it is a pod's. Where lines tell nothing of the pods,
// nothing is assumed.
func (p *Plan) Assumed() []object.Cluster {
	c := p.Cluster
	named := p.outside()
	if named.IsEmpty() {
		return []object.Cluster{c}
	}
	free := named.Union(packet.AddressesOf(slices.Concat(c.PodCIDRs, c.ServiceCIDRs, c.NodeCIDRs)...)).Complement().Prefixes()
	if len(c.NodeCIDRs) == 0 {
		c.NodeCIDRs = free
	}
	if len(c.PodCIDRs) > 0 {
		return []object.Cluster{c}
	}
	clusters := []object.Cluster{c, c}
	for i, prefix := range free {
		half := &clusters[i%2]
		half.PodCIDRs = append(half.PodCIDRs, prefix)
	}
	return clusters
}

// Whereabouts tells the addresses that pods may have, and those of everything else. Where the
// Platform does not say where pods are, they have none that a line names, for those are outside
// the cluster; any other may be a pod's or somebody else's.
func (p *Plan) Whereabouts() (pods, others packet.Addresses) {
	c := p.Cluster
	if len(c.PodCIDRs) > 0 {
		pods = packet.AddressesOf(c.PodCIDRs...)
		return pods, pods.Complement()
	}
	if len(c.PodSpace) > 0 {
		return packet.AddressesOf(c.PodSpace...), packet.EveryAddress()
	}
	named := p.outside()
	if named.IsEmpty() {
		return packet.EveryAddress(), packet.EveryAddress()
	}
	return named.Union(packet.AddressesOf(slices.Concat(c.ServiceCIDRs, c.NodeCIDRs)...)).Complement(), packet.EveryAddress()
}

// outside gathers the addresses that are nobody's pod's, for lines name them: none where these are
// so many that pods of one family would be nowhere. Who writes 0.0.0.0/0 means pods too, and a
// proof about pods without addresses would be one about nothing.
func (p *Plan) outside() packet.Addresses {
	named := p.named()
	for _, f := range []packet.Family{packet.IPv4, packet.IPv6} {
		if !HasRoom(named.Complement(), f) {
			return packet.Addresses{}
		}
	}
	return named
}

// HasRoom reports whether pods could have their addresses of a family among some: as many as the
// network of one node has.
func HasRoom(among packet.Addresses, f packet.Family) bool {
	const node = 256
	return packet.Size(among.Intersect(packet.Routable(f)).IPSet().Ranges()...) >= node
}

// named gathers the addresses that lines, guardrails and tests of the plan name.
func (p *Plan) named() packet.Addresses {
	var all []Block
	add := func(ends ...*End) {
		for _, e := range ends {
			if e != nil {
				all = append(all, e.Blocks...)
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
	slices.SortFunc(all, func(a, b Block) int { return a.CIDR.Compare(b.CIDR) })
	all = slices.CompactFunc(all, Block.equal) // thousands of lines name the same few
	return packet.AddressesOf(Ranges(all)...)
}

// Ranges writes the addresses of blocks as the fewest plain prefixes, in order.
func Ranges(blocks []Block) []netip.Prefix {
	if len(blocks) == 1 { // as of most ends
		return packet.Subtract([]netip.Prefix{blocks[0].CIDR}, blocks[0].Except)
	}
	var all []netip.Prefix
	for _, b := range blocks {
		all = append(all, packet.Subtract([]netip.Prefix{b.CIDR}, b.Except)...)
	}
	return packet.Merge(all)
}
