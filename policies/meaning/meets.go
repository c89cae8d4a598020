package meaning

import (
	"slices"

	"portcullis.dev/policies/packet"
)

// Meets tells of which traffic a pod is what a rule asks of its source, or else of its
// destination: for certain, and perhaps. What the rule asks of headers beside is [Rule.Traffic].
func (a *Asker) Meets(r *Rule, source bool, pod *Endpoint, family int) (certain, possible packet.Traffic) {
	e := &r.Destination
	if source {
		e = &r.Source
	}
	at, result := a.lookUp(Pod(pod), family), yes
	if e.asksAddresses() {
		result = at.in(e.addresses.IPSet(), family)
	}
	if result > no && (e.Selector != nil || e.NotSelector != nil) {
		result = min(result, at.selected(e.Selector, e.NotSelector))
	}
	if result == no {
		return packet.Traffic{}, packet.Traffic{}
	}
	possible = packet.Anything()
	if result == yes {
		certain = packet.Anything()
	}
	var naming packet.Traffic
	for _, p := range withPorts {
		if a.m.Names(r, p) {
			naming = naming.Union(packet.Of(p))
		}
	}
	on := func(ports []PortMatch) (certain, possible packet.Traffic) {
		owns := yes
		if e.Selector != nil {
			owns = among(e.Selector, e.NotSelector, pod)
		}
		if source {
			return pod.sourcePorts(owns > no, ports, naming)
		}
		certain = plainPorts(ports)
		possible = certain
		for _, p := range ports {
			if p.Name == "" || owns == no {
				continue
			}
			of, perhaps := pod.called(p.Name, naming)
			if possible = possible.Union(perhaps); owns == yes {
				certain = certain.Union(of)
			}
		}
		return certain, possible
	}
	if len(e.Ports) > 0 {
		yes, may := on(e.Ports)
		certain, possible = certain.Intersect(yes), possible.Intersect(may)
	}
	if len(e.NotPorts) > 0 {
		yes, may := on(e.NotPorts)
		certain, possible = certain.Subtract(may), possible.Subtract(yes)
	}
	if e.Service != nil {
		yes, may := a.m.served(e.Service, &at, !source)
		certain, possible = certain.Intersect(yes), possible.Intersect(may)
	}
	return certain, possible
}

// called tells which traffic meets a rule on a port by name: that on the ports to which the pod
// gives it.
func (e *Endpoint) called(name string, naming packet.Traffic) (certain, possible packet.Traffic) {
	for _, p := range e.Ports {
		if p.Name == name {
			certain = certain.Union(naming.Intersect(packet.Ports(p.Protocol, p.Number, p.Number)))
		}
	}
	if !e.PortsKnown {
		return certain, naming
	}
	return certain, certain
}

// served tells which traffic of a pod meets a rule on a Service, for destinations on the
// Service's ports.
func (m *Meaning) served(match *ServiceMatch, at *end, onPorts bool) (certain, possible packet.Traffic) {
	s := m.services[match.Namespace+"/"+match.Name]
	switch {
	case match.Namespace == "" || match.Name == "":
		return certain, possible
	case s == nil, len(s.slices) == 0 && len(s.object.Spec.Selector) == 0, len(s.slices) > 0 && !at.addr.IsValid():
		return certain, packet.Anything()
	case len(s.slices) > 0:
		for _, slice := range s.slices {
			if !slices.Contains(sliceAddresses(slice), at.addr) {
				continue
			}
			if !onPorts {
				return packet.Anything(), packet.Anything()
			}
			certain = certain.Union(slicePorts(slice.Ports))
		}
		return certain, certain
	case at.pod.Namespace != match.Namespace || !s.selects(at.pod):
		return certain, possible
	case !onPorts:
		return packet.Anything(), packet.Anything()
	}
	_, ports, _ := m.Selected(*match)
	for _, p := range ports {
		of := packet.Ports(p.Protocol, p.Number, p.Number)
		perhaps := of
		if p.Name != "" {
			of, perhaps = at.pod.called(p.Name, packet.Of(p.Protocol))
		}
		certain, possible = certain.Union(of), possible.Union(perhaps)
	}
	return certain, possible.Union(certain)
}

// sourcePorts tells which traffic of a pod meets a rule on source ports, of which no packet tells
// the number. A name that the pod gives to none of its ports is none.
func (e *Endpoint) sourcePorts(owns bool, matches []PortMatch, naming packet.Traffic) (yes, may packet.Traffic) {
	for _, m := range matches {
		switch {
		case m.Name == "" && m.First <= 1 && m.Last == 65535:
			return packet.Anything(), packet.Anything()
		case m.Name == "":
			may = packet.Anything()
		case owns:
			for _, p := range withPorts {
				if numbers, complete := e.calls(m.Name, p); len(numbers) > 0 || !complete {
					may = may.Union(naming.Intersect(packet.Of(p)))
				}
			}
		}
	}
	return yes, may
}
