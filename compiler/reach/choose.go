package reach

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/packet"
)

// Choice is which lines of a map are wanted. The zero Choice wants all.
type Choice struct {
	From, To  []string // namespace/name, namespace/*, @name or an address: any of them
	Namespace []string // of either end
	Ports     PortChoice
}

// PortChoice is traffic of which some is wanted; the zero one wants any.
type PortChoice struct{ of packet.Traffic }

// ParsePorts reads the ports by which lines of a map are chosen, as a map prints them.
func ParsePorts(text string) (PortChoice, error) {
	if text == "" {
		return PortChoice{}, nil
	}
	q, err := language.ParseQuestion("*/* -> */*:" + text)
	if err != nil {
		return PortChoice{}, err
	}
	all := q.Beside
	for _, p := range q.Ports {
		if p.Name != "" {
			return PortChoice{}, fmt.Errorf("%q is the name of a port, expected its number", p.Name)
		}
		all = all.Union(plan.PacketsOn(p.Ports))
	}
	return PortChoice{all}, nil
}

// Chosen returns the map with the lines that a choice wants; its total stays.
func (m *Map) Chosen(c Choice) *Map {
	chosen := *m
	chosen.Lines = slices.DeleteFunc(slices.Clone(m.Lines), func(l Line) bool { return !c.wants(&l) })
	return &chosen
}

// wants reports whether a choice takes a line of the map: by its ends, its namespaces and its
// ports.
func (c Choice) wants(l *Line) bool {
	one := func(asked []string, of []Term) bool {
		return len(asked) == 0 || slices.ContainsFunc(asked, func(name string) bool {
			return slices.ContainsFunc(of, func(t Term) bool { return t.Touches(name) })
		})
	}
	near := len(c.Namespace) == 0 || slices.ContainsFunc(c.Namespace, func(ns string) bool {
		return slices.ContainsFunc(slices.Concat(l.From, l.To), func(t Term) bool { return t.Touches(ns + "/*") })
	})
	return near && one(c.From, l.From) && one(c.To, l.To) && (c.Ports.of.IsEmpty() || TrafficOf(l.Packets).Overlaps(c.Ports.of))
}

// Touches reports whether a term has something to do with what a name means by which lines are
// chosen.
func (t Term) Touches(name string) bool {
	namespace, of, pod := strings.Cut(name, "/")
	switch {
	case t.String() == name:
		return true
	case strings.HasPrefix(name, "@") || !pod || !t.IsPods():
		return false
	case slices.ContainsFunc(t.But, func(b Term) bool {
		return b.String() == name || b.Kind == "namespace" && b.Namespace == namespace && len(b.But) == 0
	}):
		return false
	case t.Kind == "all" || namespace == "*":
		return true
	default:
		return t.Namespace == namespace && (of == "*" || t.Kind == "namespace")
	}
}

// TrafficOf returns the traffic that listed packets stand for, to be compared with a choice of
// ports.
func TrafficOf(all []Packets) packet.Traffic {
	var t packet.Traffic
	for _, p := range all {
		protocol, named := packet.ProtocolNamed(p.Protocol)
		number, err := strconv.ParseUint(p.Protocol, 10, 8)
		switch {
		case p.Protocol == "any":
			return packet.Anything()
		case named && protocol.HasPorts():
			for _, r := range p.Ports {
				t = t.Union(packet.Ports(protocol, uint16(r[0]), uint16(r[1])))
			}
		case err == nil:
			t = t.Union(packet.Of(packet.Protocol(number)))
		case p.Protocol == "others":
			t = t.Union(packet.Portless())
		case p.Protocol == "icmp":
			t = t.Union(packet.Of(packet.ICMP)).Union(packet.Of(packet.ICMPv6))
		default:
			t = t.Union(packet.Types(packet.ICMP, 8, 8)).Union(packet.Types(packet.ICMPv6, 128, 128))
		}
	}
	return t
}
