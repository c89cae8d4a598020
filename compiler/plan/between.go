package plan

import (
	"net/netip"
	"slices"

	"portcullis.dev/policies/object"
)

// Place is where a packet begins or ends: a pod on the pod network or, where there
// is no Namespace, an address that is no pod's.
type Place struct {
	Namespace       string
	NamespaceLabels map[string]string // those of the Namespace object, NamespaceLabel included
	Labels          map[string]string
	Address         netip.Addr
}

// pod reports whether the place between which and another traffic is asked about is a pod.
func (p Place) pod() bool { return p.Namespace != "" }

// Has reports whether the place is one of the end's pods or addresses.
func (e End) Has(place Place) bool {
	if e.Pods != nil {
		return place.pod() && e.Pods.Matches(place.Namespace, place.NamespaceLabels, place.Labels)
	}
	return !place.pod() && slices.ContainsFunc(e.Blocks, func(b Block) bool {
		return b.CIDR.Contains(place.Address) && !slices.ContainsFunc(b.Except, func(x netip.Prefix) bool { return x.Contains(place.Address) })
	})
}

// Traffic is what is meant to pass from one place to another: what the one may send
// and the other accept, less what nobody may open.
type Traffic struct {
	Leaves, Enters []Port // normal; Everything at an end that nothing holds
	Denied         []Port // by quarantine and guardrails; normal
}

// Allows reports whether a packet passes between the two places. The number is the destination's
// port, or the type of a control message; protocols without either have none.
func (t Traffic) Allows(protocol Protocol, number uint16) bool {
	return covers(t.Leaves, protocol, number) && covers(t.Enters, protocol, number) && !covers(t.Denied, protocol, number)
}

// covers reports whether a packet between two places, by its port or message type, is on one of a
// list of ports.
func covers(ports []Port, protocol Protocol, number uint16) bool {
	return slices.ContainsFunc(ports, func(p Port) bool {
		return p.Protocol == Any || p.Protocol == protocol && p.First <= number && number <= p.Last
	})
}

// Between says what is meant to pass from one place to another.
func (p *Plan) Between(from, to Place) Traffic {
	t := Traffic{Leaves: Everything, Enters: Everything}
	if p.Holds(from) {
		t.Leaves = NormalPorts(append(p.flowing(from, to, from), p.resolving(from, to)...))
	}
	if p.Holds(to) {
		t.Enters = NormalPorts(p.flowing(from, to, to))
	}
	for _, q := range p.Quarantine {
		if q.End.Has(from) || q.End.Has(to) {
			t.Denied = Everything
			return t
		}
	}
	for _, g := range p.Guardrails {
		switch {
		case !p.binds(from) && !p.binds(to): // nobody is there to drop it
		case g.From != nil && !g.From.Has(from), g.To != nil && !g.To.Has(to):
		case slices.ContainsFunc(g.Unless, func(e End) bool { return e.Has(from) || e.Has(to) }):
		case len(g.Ports) == 0:
			t.Denied = Everything
		default:
			t.Denied = append(slices.Clone(t.Denied), g.Ports...)
		}
	}
	t.Denied = NormalPorts(t.Denied)
	return t
}

// Holds reports whether a place lets through no more than flows allow: a pod of a
// governed namespace and, under DenyUnknown, of one that nobody listed.
func (p *Plan) Holds(place Place) bool {
	return place.pod() && (p.Governs(place.Namespace) || p.DenyUnknown && p.unknown(place))
}

// unknown reports whether a packet's pod is in a namespace that nobody listed, or in one that is
// made elsewhere and yet to be closed.
func (p *Plan) unknown(pod Place) bool {
	return !p.listed(pod.Namespace) && !slices.ContainsFunc(p.Namespaces, func(n Namespace) bool {
		return n.Spared() && n.PatternSelector().Matches(pod.NamespaceLabels)
	})
}

// listed reports whether somebody lists the namespace of a packet's pod by its name.
func (p *Plan) listed(namespace string) bool {
	n, ok := p.Namespace(namespace)
	return ok && !n.Pattern || slices.Contains(p.Cluster.System, namespace)
}

// binds reports whether guardrails can stop a packet between places at this one.
func (p *Plan) binds(place Place) bool {
	return place.pod() && !slices.Contains(p.Cluster.System, place.Namespace)
}

// flowing collects the ports that flows allow between two places, at one of their ends.
func (p *Plan) flowing(from, to, at Place) []Port {
	var all []Port
	for _, f := range p.Flows {
		if f.From.Has(from) && f.To.Has(to) && (f.Platform() || p.listed(at.Namespace)) {
			all = append(all, f.Ports...)
		}
	}
	return all
}

// resolving collects the ports that DNS needs of the way out between two places: every pod has it
// but, in a namespace where an intent does without, those of no intent that has it. A namespace
// made elsewhere where one does without gets it from what is built for it.
func (p *Plan) resolving(from, to Place) []Port {
	with, without := false, false
	for _, w := range p.Workloads {
		if w.HostNetwork {
			continue
		}
		n, _ := p.Namespace(w.Namespace)
		switch {
		case w.Namespace == from.Namespace:
			without = without || !w.DNS
			with = with || w.DNS && w.Selector.Matches(from.Labels)
		case n.Pattern && !n.Spared():
			without = without || !w.DNS && !p.listed(from.Namespace) && n.PatternSelector().Matches(from.NamespaceLabels)
		}
	}
	if without && !with {
		return nil
	}
	for _, s := range p.DNSServers() {
		if s.End.Has(to) {
			return s.Ports
		}
	}
	return nil
}

// ReachesUnknown reports whether the set may have pods in a namespace that nobody
// listed.
func (p *Plan) ReachesUnknown(pods Pods) bool {
	if pods.Namespace != "" {
		return !p.listed(pods.Namespace)
	}
	return !slices.ContainsFunc(pods.Namespaces, func(r object.Requirement) bool {
		return r.Key == NamespaceLabel && (r.Op == object.DoesNotExist ||
			r.Op == object.In && !slices.ContainsFunc(r.Values, func(name string) bool { return !p.listed(name) }))
	})
}
