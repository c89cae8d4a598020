package plan

import (
	"maps"
	"slices"
)

// What is equal here is the same in every field, places and reasons included: whatever is made of
// one plan is made of the other. An empty list and none are the same.

// Equal reports whether two namespaces are the same.
func (n *Namespace) Equal(o *Namespace) bool {
	return n.Name == o.Name && n.Owner == o.Owner && n.Governed == o.Governed && n.Staged == o.Staged && n.System == o.System &&
		n.Pattern == o.Pattern && n.Open == o.Open && n.Unwritten == o.Unwritten && n.Span == o.Span && maps.Equal(n.Labels, o.Labels)
}

// Equal reports whether two workloads are the same.
func (w *Workload) Equal(o *Workload) bool {
	return w.Namespace == o.Namespace && w.Name == o.Name && w.Owner == o.Owner && w.DNS == o.DNS && w.HostNetwork == o.HostNetwork &&
		w.Span == o.Span && w.SelectorSpan == o.SelectorSpan && w.Selector.Equal(o.Selector) && slices.EqualFunc(w.Ports, o.Ports, NamedPort.equal)
}

// equal reports whether two named ports are the same.
func (p NamedPort) equal(o NamedPort) bool {
	return p.Name == o.Name && p.Span == o.Span && slices.Equal(p.Ports, o.Ports)
}

// Equal reports whether two ends are the same, and called alike. None, which is everything to a
// guardrail, is none alone.
func (e *End) Equal(o *End) bool {
	if e == nil || o == nil {
		return e == o
	}
	return e.Name == o.Name && e.Peer == o.Peer && (e.Pods == o.Pods || e.Pods != nil && o.Pods != nil && e.Pods.equal(o.Pods)) &&
		slices.EqualFunc(e.Blocks, o.Blocks, Block.equal)
}

// equal reports whether two sets of pods are the same.
func (p *Pods) equal(o *Pods) bool {
	return p.Namespace == o.Namespace && p.Namespaces.Equal(o.Namespaces) && p.Selector.Equal(o.Selector)
}

// equal reports whether two blocks are the same.
func (b Block) equal(o Block) bool { return b.CIDR == o.CIDR && slices.Equal(b.Except, o.Except) }

// Equal reports whether two origins are the same.
func (o *Origin) Equal(p *Origin) bool {
	return o.Span == p.Span && o.Intent == p.Intent && o.Why == p.Why && o.Ticket == p.Ticket && o.Until == p.Until &&
		o.Outbound == p.Outbound && slices.Equal(o.Ports, p.Ports)
}

// EqualOrigins reports whether two lists of origins are the same, in the same order.
func EqualOrigins(a, b []Origin) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !a[i].Equal(&b[i]) {
			return false
		}
	}
	return true
}

// Equal reports whether names are resolved at the same places.
func (s Server) Equal(o Server) bool { return s.End.Equal(&o.End) && slices.Equal(s.Ports, o.Ports) }
