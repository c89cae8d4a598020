package oracle

import (
	"math/rand/v2"
	"net/netip"
	"slices"
)

// Packets draws n packets from the edges of the world: its pods, the first and last
// addresses of blocks and those beside them, the ends of port ranges and the ports
// beside them, named ports, and ICMP types. With anySource some of them leave the
// source port open and the pods' addresses to the evaluator.
func (w *World) Packets(r *rand.Rand, n int, anySource bool) []Packet {
	e := w.edges()
	packets := make([]Packet, 0, n)
	for len(packets) < n {
		family := 4
		if r.IntN(3) == 0 {
			family = 6
		}
		p := Packet{Family: family, Protocol: e.protocols[r.IntN(len(e.protocols))], SourcePort: 40000}
		switch {
		case hasPorts(p.Protocol):
			p.Port = e.ports[r.IntN(len(e.ports))]
			if r.IntN(2) == 0 {
				p.SourcePort = e.ports[r.IntN(len(e.ports))]
			}
			if anySource && r.IntN(10) == 0 {
				p.SourcePort = 0
			}
		case p.Protocol == ICMP && family == 6 || p.Protocol == ICMPv6 && family == 4:
			continue
		default:
			p.SourcePort = 0
			p.Type, p.Code = e.icmpTypes[r.IntN(len(e.icmpTypes))], r.IntN(3)
		}
		podsFrom, podsTo := r.IntN(4) > 0, r.IntN(4) > 0
		p.From = w.end(r, e, family, podsFrom, anySource)
		p.To = w.end(r, e, family, podsTo || !podsFrom, anySource)
		packets = append(packets, p)
	}
	return packets
}

// end draws an end of a packet: a pod, or else an address at an edge; an address may be a pod's
// as well.
func (w *World) end(r *rand.Rand, e edges, family int, pod, nameOnly bool) End {
	addresses := e.addresses[family]
	if pod {
		pods := slices.Concat(w.pods, w.onHost)
		p := pods[r.IntN(len(pods))]
		if len(p.nets) == 0 {
			return End{Name: p.name}
		}
		if mine := inFamily(p.nets, family); len(mine) > 0 {
			return End{Name: p.name, Address: mine[0].Addr()}
		}
	}
	return End{Address: addresses[r.IntN(len(addresses))]}
}

// edges are the values of each kind at which a rule's answer may change.
type edges struct {
	addresses map[int][]netip.Addr // by family
	ports     []int
	protocols []int
	icmpTypes []int
}

// edges gathers the addresses, ports and types at the edges of the world's rules and objects,
// from which packets are drawn.
func (w *World) edges() edges {
	e := edges{
		addresses: map[int][]netip.Addr{4: {netip.MustParseAddr("8.8.8.8")}, 6: {netip.MustParseAddr("2001:4860::8")}},
		ports:     []int{443},
		// Those with ports more often than the others.
		protocols: []int{TCP, TCP, TCP, TCP, TCP, UDP, UDP, UDP, SCTP, ICMP, ICMPv6, 47},
		icmpTypes: []int{0, 8},
	}
	for _, n := range w.mentioned() {
		family := familyOf(n.Addr())
		for _, a := range []netip.Addr{n.Addr(), n.Addr().Prev(), lastOf(n), lastOf(n).Next()} {
			if a.IsValid() && familyOf(a) == family {
				e.addresses[family] = append(e.addresses[family], a)
			}
		}
	}
	beside := func(low, high int) {
		for _, port := range []int{low - 1, low, high, high + 1} {
			if 0 < port && port <= 65535 {
				e.ports = append(e.ports, port)
			}
		}
	}
	for _, t := range w.things() {
		for _, port := range t.ports {
			beside(port.number, port.number)
		}
	}
	for _, p := range w.policies {
		for _, r := range slices.Concat(p.ingress, p.egress) {
			for _, port := range slices.Concat(r.source.ports, r.source.notPorts, r.destination.ports, r.destination.notPorts) {
				if port.PortName == "" {
					beside(int(port.MinPort), int(port.MaxPort))
				}
			}
			for _, service := range []string{r.source.service, r.destination.service} {
				for _, b := range w.backends(service) {
					beside(b.port, b.port)
				}
			}
			if r.protocol != 0 {
				e.protocols = append(e.protocols, r.protocol)
			}
			if r.icmp != nil {
				e.icmpTypes = append(e.icmpTypes, *r.icmp.Type, *r.icmp.Type+1)
			}
			if r.notICMP != nil {
				e.icmpTypes = append(e.icmpTypes, *r.notICMP.Type)
			}
		}
	}
	return e
}
