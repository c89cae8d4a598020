package meaning

import (
	"slices"

	"portcullis.dev/policies/packet"
)

// Traffic tells which traffic the rule asks for by headers: all but ports that have names, or
// that stand beside some, which each endpoint has its own of.
func (r *Rule) Traffic() packet.Traffic {
	t := packet.Anything()
	if r.Protocol != nil {
		t = packet.Of(*r.Protocol)
	}
	if r.NotProtocol != nil {
		t = t.Subtract(packet.Of(*r.NotProtocol))
	}
	if r.ICMP != nil {
		t = t.Intersect(r.ICMP.traffic())
	}
	if r.NotICMP != nil {
		t = t.Subtract(r.NotICMP.traffic())
	}
	if to := &r.Destination; !named(to.Ports) && !named(to.NotPorts) {
		if len(to.Ports) > 0 {
			t = t.Intersect(plainPorts(to.Ports))
		}
		t = t.Subtract(plainPorts(to.NotPorts))
	}
	return t
}

// traffic tells which traffic has a rule's ICMP type and code, of both families.
func (i *ICMPMatch) traffic() packet.Traffic {
	var t packet.Traffic
	for _, p := range []Protocol{ICMP, ICMPv6} {
		if i.Code != nil {
			t = t.Union(packet.One(packet.Header{Protocol: p, Type: i.Type, Code: *i.Code}))
		} else {
			t = t.Union(packet.Types(p, i.Type, i.Type))
		}
	}
	return t
}

// plainPorts tells which traffic goes to a rule's ports that are numbers. What has no ports has
// port 0.
func plainPorts(ports []PortMatch) packet.Traffic {
	var t packet.Traffic
	for _, p := range ports {
		if p.Name != "" {
			continue
		}
		for _, protocol := range withPorts {
			t = t.Union(packet.Ports(protocol, p.First, p.Last))
		}
		if p.First == 0 {
			t = t.Union(withoutPorts)
		}
	}
	return t
}

var withPorts = []Protocol{TCP, UDP, SCTP}

var withoutPorts = packet.Anything().Subtract(packet.Of(TCP)).Subtract(packet.Of(UDP)).Subtract(packet.Of(SCTP))

// named reports whether one of a rule's ports is a name, of which no traffic can be told without
// its owner.
func named(ports []PortMatch) bool {
	return slices.ContainsFunc(ports, func(p PortMatch) bool { return p.Name != "" })
}
