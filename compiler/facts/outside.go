package facts

import (
	"fmt"
	"net/netip"
	"slices"

	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

// widest is the share of a family's public addresses beyond which port 53 is open to
// anywhere: a few resolvers outside are somebody's choice.
const widest = 0.25

// anywhere chooses, for a sample of a family, an address outside that stands for the internet: one
// that the endpoint may ask for names if it may ask many, and else one that it may not.
func (w *worldMap) anywhere(e *population.Pods, g meaning.Governed) func(netip.Addr, meaning.Protocol) netip.Addr {
	if w.isLikeAnywhere(g) {
		return func(sample netip.Addr, _ meaning.Protocol) netip.Addr { return sample }
	}
	return func(sample netip.Addr, protocol meaning.Protocol) netip.Addr {
		key := fmt.Sprint(sample, protocol, "\n", w.sharing(e, g.Policies, meaning.Egress))
		server, known := w.servers[key]
		if !known {
			space := packet.Public(familyOf(netip.PrefixFrom(sample, sample.BitLen())))
			server = w.asked(e, g.Policies, sample, protocol, packet.AddressRanges(space.Ranges()...), widest)
			w.servers[key] = server
		}
		return server
	}
}

// isLikeAnywhere reports whether an endpoint may ask all public addresses outside for names, or
// none, so that any of them stands for all.
func (w *worldMap) isLikeAnywhere(g meaning.Governed) bool {
	return !g.Isolated || !w.mayAdmit(g.Policies, meaning.Egress)
}

// upstream finds an address outside the pod network that the endpoint may ask for names, if there
// is one: which server its node knows, no manifest tells.
func (w *worldMap) upstream(e *population.Pods, g meaning.Governed, sample netip.Addr, protocol meaning.Protocol) netip.Addr {
	pods := slices.Clone(w.m.Cluster.PodCIDRs)
	for _, other := range w.m.Endpoints {
		for _, address := range other.Addresses {
			pods = append(pods, netip.PrefixFrom(address, address.BitLen()))
		}
	}
	return w.asked(e, g.Policies, sample, protocol, packet.EveryAddress().Subtract(packet.AddressesOf(pods...)), 0)
}

// asked finds an address of a space outside that stands for those that may be asked for names, if
// their share of it is larger, and else for the others: the sample, if it is among them.
func (w *worldMap) asked(e *population.Pods, policies []*meaning.Policy, sample netip.Addr, protocol meaning.Protocol, space packet.Addresses, share float64) netip.Addr {
	ranges := packet.Elementary(space.IPSet(), w.boundaries(policies, meaning.Egress))
	open, closed := ranges[:0:0], ranges[:0:0]
	for _, r := range ranges {
		p := meaning.Packet{From: meaning.Pod(e.Endpoint), To: meaning.Address(r.From()), Protocol: protocol, Port: dnsPort}
		if w.walks.WalkHalf(p, meaning.Egress).Outcome == meaning.Allowed {
			open = append(open, r)
		} else {
			closed = append(closed, r)
		}
	}
	if packet.Size(open...) <= share*packet.Size(ranges...) {
		open = closed
	}
	if among := packet.AddressRanges(open...); !among.Contains(sample) {
		sample, _ = among.Witness()
	}
	return sample
}
