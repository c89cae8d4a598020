package oracle

import (
	"net/netip"
	"slices"
)

// familyIn guesses the family in which the oracle judges a packet, where it may be either: that
// of an address if there is one.
func (p Packet) familyIn(w *World) int {
	for _, end := range []End{p.From, p.To} {
		if end.Address.IsValid() {
			return familyOf(end.Address)
		}
	}
	if p.Family != 0 {
		return p.Family
	}
	for _, end := range []End{p.From, p.To} {
		if nets := w.known(end.Name); len(nets) > 0 {
			return familyOf(nets[0].Addr())
		}
	}
	if pool := w.cluster.PodCIDRs; len(pool) > 0 && len(inFamily(pool, 4)) == 0 {
		return 6
	}
	return 4
}

// familyOf tells the family of an address that the oracle knows or guesses, 4 or 6.
func familyOf(a netip.Addr) int {
	if a.Unmap().Is4() {
		return 4
	}
	return 6
}

// known finds the addresses that the objects give a pod, which need not be guessed.
func (w *World) known(name string) []netip.Prefix {
	for _, pod := range slices.Concat(w.pods, w.onHost) {
		if pod.name == name {
			return pod.nets
		}
	}
	return nil
}

// guesses are the addresses that the end may have. If none is known, they are one of
// each kind that any rule or object of the world tells apart: the first of the kind,
// or, for the packet's other end, the last. Another end's address is none of them.
func (w *World) guesses(end End, family int, last bool, other netip.Addr) []netip.Addr {
	if end.Address.IsValid() {
		return []netip.Addr{end.Address.Unmap()}
	}
	if known := w.known(end.Name); len(known) > 0 {
		if mine := inFamily(known, family); len(mine) > 0 {
			return []netip.Addr{mine[0].Addr()}
		}
		return nil // no packet of that family
	}
	pool, taken := w.cluster.PodCIDRs, slices.Concat(w.pods, w.hosts, w.onHost)
	if slices.ContainsFunc(w.onHost, func(t thing) bool { return t.name == end.Name }) {
		pool, taken = w.cluster.NodeCIDRs, w.pods
	}
	everywhere := map[int]string{4: "0.0.0.0/0", 6: "::/0"}[family]
	nets := append(slices.Concat(w.mentioned(), pool), netip.MustParsePrefix(everywhere))
	if other.IsValid() {
		nets = append(nets, netip.PrefixFrom(other, other.BitLen()))
	}
	var guesses []netip.Addr
	for _, n := range inFamily(nets, family) {
		if last {
			guesses = append(guesses, lastOf(n), n.Addr().Prev())
		} else {
			guesses = append(guesses, n.Addr(), lastOf(n).Next())
		}
	}
	slices.SortFunc(guesses, netip.Addr.Compare)
	guesses = slices.Compact(guesses)
	return slices.DeleteFunc(guesses, func(a netip.Addr) bool {
		for _, t := range taken {
			if within(t.nets, a) {
				return true
			}
		}
		return !a.IsValid() || a == other || len(inFamily(pool, family)) > 0 && !within(pool, a)
	})
}

// mentioned gathers all blocks and addresses that rules and objects name, at whose edges the
// oracle guesses addresses.
func (w *World) mentioned() []netip.Prefix {
	var nets []netip.Prefix
	rules := func(lists ...[]rule) {
		for _, list := range lists {
			for _, r := range list {
				nets = slices.Concat(nets, r.source.nets, r.source.notNets, r.destination.nets, r.destination.notNets)
				for _, service := range []string{r.source.service, r.destination.service} {
					for _, b := range w.backends(service) {
						nets = append(nets, b.address)
					}
				}
			}
		}
	}
	for _, p := range w.policies {
		rules(p.ingress, p.egress)
	}
	for _, p := range w.profiles {
		rules(p.ingress, p.egress)
	}
	for _, t := range w.things() {
		nets = append(nets, t.nets...)
	}
	return nets
}

// lastOf finds the last address of a block, at whose edge the oracle guesses.
func lastOf(n netip.Prefix) netip.Addr {
	bytes := n.Addr().AsSlice()
	for bit := n.Bits(); bit < 8*len(bytes); bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last
}

// assume makes the world in which the pod has the address that was guessed.
func (w *World) assume(name string, address netip.Addr) *World {
	if name == "" {
		return w // an address is known
	}
	assumed := *w
	assumed.pods, assumed.onHost = slices.Clone(w.pods), slices.Clone(w.onHost)
	for _, pods := range [][]thing{assumed.pods, assumed.onHost} {
		for i, pod := range pods {
			if pod.name == name && !within(pod.nets, address) {
				pods[i].nets = append(slices.Clone(pod.nets), netip.PrefixFrom(address, address.BitLen()))
			}
		}
	}
	return &assumed
}

// sourcePorts guesses source ports: the packet's, or, if it may be any, one of each kind that a
// rule tells apart.
func (w *World) sourcePorts(p Packet) []int {
	if p.SourcePort != 0 || !hasPorts(p.Protocol) {
		return []int{p.SourcePort}
	}
	ports := []int{1}
	for _, policy := range w.policies {
		for _, r := range slices.Concat(policy.ingress, policy.egress) {
			for _, port := range slices.Concat(r.source.ports, r.source.notPorts) {
				ports = append(ports, int(port.MinPort), int(port.MaxPort)+1)
			}
		}
	}
	for _, t := range w.things() {
		for _, port := range t.ports {
			ports = append(ports, port.number, port.number+1)
		}
	}
	slices.Sort(ports)
	return slices.DeleteFunc(slices.Compact(ports), func(port int) bool { return port < 1 || port > 65535 })
}
