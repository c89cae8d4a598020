package facts

import (
	"net/netip"
	"slices"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/selector"
)

// node is a host endpoint as Calico's controllers make one of every node: with the
// labels that each node has. It stands for hosts that no manifest describes.
var node = selector.Map{
	"kubernetes.io/hostname": "node", "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
	"projectcalico.org/created-by": "calico-kube-controllers",
}

// hosts gathers the host endpoints that a policy selects, known and unknown.
func (a *asker) hosts(p *meaning.Policy) []selector.Labels {
	var all []selector.Labels
	if p.Selects(node) {
		all = append(all, node)
	}
	for _, h := range a.m.Hosts {
		if p.Selects(h) {
			all = append(all, h)
		}
	}
	return all
}

// closes reports whether host endpoints lose, for this policy, what none of its tier's
// rules speaks of. Where a policy of the tier passes on or allows whatever is left, or the
// tier does so at its end, they lose what rules deny by name.
func (a *asker) closes(p *meaning.Policy, hosts []selector.Labels) bool {
	i := slices.IndexFunc(a.m.Tiers, func(t *meaning.Tier) bool { return t.Name == p.Tier })
	if i < 0 || !p.Live() {
		return false
	}
	for _, h := range hosts {
		for _, d := range []meaning.Direction{meaning.Ingress, meaning.Egress} {
			if p.Governs[d] && closedBy(a.m.Tiers[i], h, d, p) {
				return true
			}
		}
	}
	return false
}

// closedBy reports whether a tier drops whatever is left at a host endpoint, and p has a part in
// it: it denies everything, or the tier's end does because p applies.
func closedBy(t *meaning.Tier, host selector.Labels, d meaning.Direction, p *meaning.Policy) bool {
	var decided packet.Addresses
	for _, q := range t.Policies {
		if !q.Live() || !q.Governs[d] || !q.Selects(host) {
			continue
		}
		for i := range q.Rules[d] {
			r := &q.Rules[d][i]
			if r.Action == meaning.Log {
				continue
			}
			if r.MatchesAll() {
				return r.Action == meaning.Deny && q == p
			}
			if decided = decided.Union(whole(r, d)); decided.Equal(packet.EveryAddress()) {
				return false
			}
		}
	}
	return !t.PassAtEnd
}

// whole returns the peers' addresses of which a host endpoint's rule matches every packet.
func whole(r *meaning.Rule, d meaning.Direction) packet.Addresses {
	rest := *r
	peer := peerOf(&rest, d)
	of, asks := peer.Addresses()
	if !asks {
		of = packet.EveryAddress()
	}
	peer.Nets, peer.NotNets, rest.Family = nil, nil, 0
	if !rest.MatchesAll() {
		return packet.Addresses{}
	}
	switch r.Family {
	case 4:
		of = of.Intersect(packet.AddressesOf(netip.PrefixFrom(netip.IPv4Unspecified(), 0)))
	case 6:
		of = of.Intersect(packet.AddressesOf(netip.PrefixFrom(netip.IPv6Unspecified(), 0)))
	}
	return of
}
