package plan

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"portcullis.dev/policies/packet"
)

// The port lists of lines that say any, icmp and ping. Control messages are of both
// families; a ping is an echo request, whose answer belongs to the connection (RFC
// 792, RFC 4443).
var (
	Everything = []Port{{Any, 0, 65535}}
	AllICMP    = []Port{{ICMP, 0, 255}, {ICMPv6, 0, 255}}
	Ping       = []Port{{ICMP, 8, 8}, {ICMPv6, 128, 128}}
)

// IsICMP reports whether the port is a range of message types.
func (p Port) IsICMP() bool { return p.Protocol == ICMP || p.Protocol == ICMPv6 }

// NormalPorts sorts ports by protocol and number and merges those that touch. Any
// swallows all others.
func NormalPorts(ports []Port) []Port {
	if slices.ContainsFunc(ports, func(p Port) bool { return p.Protocol == Any }) {
		return slices.Clone(Everything)
	}
	sorted := slices.Clone(ports)
	slices.SortFunc(sorted, comparePorts)
	merged := sorted[:0]
	for _, p := range sorted {
		if n := len(merged); n > 0 && merged[n-1].Protocol == p.Protocol && int(p.First) <= int(merged[n-1].Last)+1 {
			merged[n-1].Last = max(merged[n-1].Last, p.Last)
			continue
		}
		merged = append(merged, p)
	}
	return merged
}

// comparePorts orders ports by protocol and number.
func comparePorts(a, b Port) int {
	return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.First, b.First), cmp.Compare(a.Last, b.Last))
}

// ComparePorts orders normal port lists, port by port.
func ComparePorts(a, b []Port) int { return slices.CompareFunc(a, b, comparePorts) }

// SubtractPorts returns what of ports the others leave.
func SubtractPorts(ports, others []Port) []Port {
	rest := NormalPorts(ports)
	for _, o := range NormalPorts(others) {
		if o.Protocol == Any {
			return nil
		}
		var next []Port
		for _, p := range rest {
			if p.Protocol != o.Protocol || o.Last < p.First || p.Last < o.First {
				next = append(next, p)
				continue
			}
			if p.First < o.First {
				next = append(next, Port{p.Protocol, p.First, o.First - 1})
			}
			if o.Last < p.Last {
				next = append(next, Port{p.Protocol, o.Last + 1, p.Last})
			}
		}
		rest = next
	}
	return rest
}

// IntersectPorts returns the ports that both lists have.
func IntersectPorts(a, b []Port) []Port {
	a, b = NormalPorts(a), NormalPorts(b)
	if len(a) == 1 && a[0].Protocol == Any {
		return b
	}
	if len(b) == 1 && b[0].Protocol == Any {
		return a
	}
	return SubtractPorts(a, SubtractPorts(a, b))
}

// String writes the port in the language's own spelling, where it has one: 80, 53/udp, 8000-8100.
func (p Port) String() string {
	var b strings.Builder
	switch {
	case p.Protocol == Any:
		return "any"
	case p.First == p.Last:
		b.WriteString(strconv.Itoa(int(p.First)))
	default:
		b.WriteString(strconv.Itoa(int(p.First)) + "-" + strconv.Itoa(int(p.Last)))
	}
	if p.Protocol != TCP {
		b.WriteString("/" + strings.ToLower(string(p.Protocol)))
	}
	return b.String()
}

// PacketsOn returns the traffic that a port list stands for.
func PacketsOn(ports []Port) packet.Traffic {
	var all packet.Traffic
	for _, p := range ports {
		protocol, _ := packet.ProtocolNamed(string(p.Protocol))
		switch {
		case p.Protocol == Any:
			return packet.Anything()
		case p.IsICMP():
			all = all.Union(packet.Types(protocol, uint8(p.First), uint8(p.Last)))
		default:
			all = all.Union(packet.Ports(protocol, p.First, p.Last))
		}
	}
	return all
}

// PortWords writes each of a normal port list in the language's spelling.
func PortWords(ports []Port) []string {
	var words []string
	rest := slices.Clone(ports)
	for _, pair := range []struct {
		word string
		list []Port
	}{{"icmp", AllICMP}, {"ping", Ping}} {
		is := func(p Port) bool { return slices.Contains(pair.list, p) }
		if i := slices.IndexFunc(rest, is); i >= 0 && i+1 < len(rest) && is(rest[i+1]) {
			words = append(words, pair.word)
			rest = slices.DeleteFunc(rest, is)
		}
	}
	numbers := make([]string, len(rest))
	for i, p := range rest {
		numbers[i] = p.String()
	}
	return append(numbers, words...)
}

// FormatPorts writes a port list as prose.
func FormatPorts(ports []Port) string { return strings.Join(PortWords(ports), ", ") }
