package explain

import (
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

// PlaceOf says where a packet begins or ends in the words of a plan, to find the flow by which it
// is meant.
func PlaceOf(p meaning.Peer) plan.Place {
	if e := p.Endpoint; e != nil && !e.HostNetwork {
		return plan.Place{Namespace: e.Namespace, NamespaceLabels: e.NamespaceLabels, Labels: e.Labels}
	}
	if e := p.Endpoint; e != nil && !p.Addr.IsValid() && len(e.Addresses) > 0 {
		p.Addr = e.Addresses[0]
	}
	return plan.Place{Address: p.Addr.Unmap()}
}

// FlowsMeaning finds the flows of a plan by which a packet is meant.
func FlowsMeaning(p *plan.Plan, k meaning.Packet) []plan.Flow {
	var all []plan.Flow
	for _, f := range p.Flows {
		if has(p, f.From, k.From) && has(p, f.To, k.To) && plan.PacketsOn(f.Ports).Contains(k.Header()) {
			all = append(all, f)
		}
	}
	return all
}

// has reports whether an end of a flow that may be meant is a peer. A pod on the network of a node
// that nobody knows is whatever every node is, and what is said of its workload by name.
func has(p *plan.Plan, e plan.End, peer meaning.Peer) bool {
	place := PlaceOf(peer)
	if peer.Endpoint == nil || !peer.Endpoint.HostNetwork || place.Address.IsValid() {
		return e.Has(place)
	}
	if e.Pods != nil {
		return false
	}
	nodes := packet.AddressesOf(p.Cluster.NodeCIDRs...)
	return e.Name == peer.Endpoint.Ref() || !nodes.IsEmpty() && packet.AddressesOf(plan.Ranges(e.Blocks)...).Covers(nodes)
}

// meant finds the lines of the plan that mean the packet: nil without a plan.
func (w *World) meant(k meaning.Packet) []Meant {
	if w.Plan == nil {
		return nil
	}
	all := []Meant{}
	for _, f := range FlowsMeaning(w.Plan, k) {
		for _, o := range f.Origins {
			all = append(all, Meant{Intent: o.Intent, From: f.From.Name, To: f.To.Name, Ports: plan.FormatPorts(f.Ports), Why: o.Why, At: Place{Span: o.Span}})
		}
	}
	return all
}
