package relation

import (
	"net/netip"
	"slices"
	"strings"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

// described finds a pod that somebody described and that is like the one that was made, in all
// that is asked of it, and rather not another one; nil if there is none. It calls no port what
// others are called.
func (s *Search) described(c *Cube, end End, made, not *meaning.Endpoint, others []meaning.NamedPort, address netip.Addr) *meaning.Endpoint {
	var found *meaning.Endpoint
	for _, known := range s.Described[made.Namespace] {
		if !known.HostNetwork && s.wears(c, end, known) && namesPorts(known, made.Ports, others) && hasAddress(known, address) {
			if found == nil || not != nil && found.Ref() == not.Ref() {
				found = known
			}
		}
	}
	if found == nil {
		return nil
	}
	e := *found
	e.NamespaceLabels, e.NamespaceUnwritten = made.NamespaceLabels, false
	e.ServiceAccount, e.ServiceAccountLabels = made.ServiceAccount, made.ServiceAccountLabels
	if !e.PortsKnown {
		e.Ports, e.PortsKnown = slices.Concat(e.Ports, made.Ports), true
	}
	return &e
}

// wears reports whether a described pod's labels are what a cube knows of an end's. Its service
// account is not compared: no manifest holds a pod to one for good.
func (s *Search) wears(c *Cube, end End, e *meaning.Endpoint) bool {
	for _, k := range c.constraints {
		v := &s.Universe.variables[k.variable]
		if v.end != end || !v.isPodLabel() {
			continue
		}
		value, there := e.Labels[v.name]
		if !k.values.Contains(value, there) {
			return false
		}
	}
	return true
}

// namesPorts reports whether a described pod may call ports by some names, and by none of others.
func namesPorts(e *meaning.Endpoint, names, others []meaning.NamedPort) bool {
	has := func(p meaning.NamedPort) bool { return slices.Contains(e.Ports, p) }
	return !slices.ContainsFunc(others, has) && (!e.PortsKnown || !slices.ContainsFunc(names, func(p meaning.NamedPort) bool { return !has(p) }))
}

// hasAddress reports whether a described pod may have an address: it has it, or none of its
// family is known.
func hasAddress(e *meaning.Endpoint, a netip.Addr) bool {
	return !slices.ContainsFunc(e.Addresses, func(known netip.Addr) bool { return known.Is4() == a.Is4() }) || slices.Contains(e.Addresses, a)
}

// inhabited finds a namespace of a place where somebody described a pod that is like the end: the
// one that is rather wanted, or the first.
func (s *Search) inhabited(c *Cube, end End, rather string) (of spot, found bool) {
	u := c.u
	is := func(class int) bool {
		n := &u.listed[class]
		of = u.spot(n)
		return slices.ContainsFunc(s.Described[n.Name], func(e *meaning.Endpoint) bool { return !e.HostNetwork && s.wears(c, end, e) })
	}
	listed := c.places[end].listed
	if class, known := u.index[rather]; known && listed.has(class) && is(class) {
		return of, true
	}
	for class := range listed.all() {
		if is(class) {
			return of, true
		}
	}
	return of, false
}

// portNames tells what an end must call the ports of the packet at hand, and what it must not,
// for a described pod to stand for it.
func (s *Search) portNames(c *Cube, end End, w *Witness) (names, others []meaning.NamedPort) {
	for _, k := range c.constraints {
		v := &s.Universe.variables[k.variable]
		if v.kind != ofFlag || v.end != end || k.flag == open {
			continue
		}
		name, source := strings.CutPrefix(v.name, "source ")
		name, isPort := strings.CutPrefix(name, "port ")
		if !isPort {
			continue
		}
		text, protocolText, _ := strings.Cut(name, "/")
		protocol, _ := packet.ProtocolNamed(protocolText)
		port := meaning.NamedPort{Name: text, Protocol: protocol, Number: w.Packet.Port}
		if source {
			port.Number = w.Packet.SourcePort
		}
		if k.flag == yes {
			names = append(names, port)
		} else {
			others = append(others, port)
		}
	}
	return names, others
}
