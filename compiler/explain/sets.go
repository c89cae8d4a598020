package explain

import (
	"net/netip"
	"slices"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

// setsOf names the network sets by which some rules of one manifest's rule find the other end of a
// packet. A rule that selects the end by its own labels needs no set.
func (w *World) setsOf(group []*meaning.Rule, k meaning.Packet, d meaning.Direction) []diag.ObjectID {
	peer := k.From
	if d == meaning.Egress {
		peer = k.To
	}
	var at packet.Addresses
	var all []diag.ObjectID
	for _, r := range group {
		e := &r.Source
		if d == meaning.Egress {
			e = &r.Destination
		}
		if e.Selector == nil || w.Meaning.Mismatch(r, k) != meaning.Matching {
			continue
		}
		own := peer.Endpoint
		if own != nil && !own.HostNetwork && e.Selector.Matches(own) {
			return nil
		}
		if at.IsEmpty() {
			at = w.addressesOf(peer, k.Family)
		}
		for _, h := range w.networkSets() {
			if !at.IsEmpty() && h.Addresses.Covers(at) && e.Selector.Matches(h.Labels) && (e.NotSelector == nil || !e.NotSelector.Matches(h.Labels)) && !slices.Contains(all, h.ID) {
				all = append(all, h.ID)
			}
		}
	}
	slices.SortFunc(all, diag.ObjectID.Compare)
	return all
}

// addressesOf finds the set of addresses that an end has, or of a node without a known one, all
// that nodes have; empty where nobody knows.
func (w *World) addressesOf(p meaning.Peer, family int) packet.Addresses {
	e := p.Endpoint
	switch {
	case p.Addr.IsValid():
		return packet.AddressesOf(netip.PrefixFrom(p.Addr.Unmap(), p.Addr.Unmap().BitLen()))
	case e != nil && len(e.Addresses) > 0:
		for _, a := range e.Addresses {
			if family == 0 || a.Unmap().Is4() == (family == 4) {
				return packet.AddressesOf(netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
			}
		}
	case e != nil && e.HostNetwork:
		return w.nodes(family)
	}
	return packet.Addresses{}
}

// nodes gathers the set of addresses that nodes may have, of a family or of the one there is.
func (w *World) nodes(family int) packet.Addresses {
	var all []netip.Prefix
	for _, p := range w.Meaning.Cluster.NodeCIDRs {
		if p.Addr().Is4() == (family != 6) {
			all = append(all, p)
		}
	}
	if len(all) == 0 && family == 0 {
		all = w.Meaning.Cluster.NodeCIDRs
	}
	return packet.AddressesOf(all...)
}

// networkSets gathers all NetworkSets of the cluster, once.
func (w *World) networkSets() []meaning.Holder {
	if w.sets == nil {
		w.sets = slices.DeleteFunc(w.Meaning.Holders(), func(h meaning.Holder) bool { return h.Host })
	}
	return w.sets
}

// rulesAt finds the rules whose network sets are asked for: those that were made of the one at a
// place of a policy.
func (w *World) rulesAt(id diag.ObjectID, pointer string, d meaning.Direction) []*meaning.Rule {
	if w.byID == nil {
		w.byID = map[diag.ObjectID]*meaning.Policy{}
		for _, p := range w.Meaning.Policies {
			w.byID[p.ID] = p
		}
	}
	p := w.byID[id]
	if p == nil {
		return nil
	}
	var all []*meaning.Rule
	for i := range p.Rules[d] {
		if r := &p.Rules[d][i]; r.Pointer == pointer {
			all = append(all, r)
		}
	}
	return all
}
