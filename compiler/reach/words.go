package reach

import (
	"strconv"
	"strings"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/packet"
)

// Packets are those of one protocol.
type Packets struct {
	Protocol string   `json:"protocol"` // TCP, UDP, SCTP, icmp, ping, 47 (a number), others, or any
	Ports    [][2]int `json:"ports,omitempty"`
}

// PacketsOf lists traffic by protocol, in words for ports and messages.
func PacketsOf(t packet.Traffic) []Packets {
	if t.Equal(packet.Anything()) {
		return []Packets{{Protocol: "any"}}
	}
	var all []Packets
	for _, p := range []packet.Protocol{packet.TCP, packet.UDP, packet.SCTP} {
		of := Packets{Protocol: p.String()}
		for _, r := range t.Intersect(packet.Ports(p, 1, 65535)).Numbers().Ranges() {
			of.Ports = append(of.Ports, [2]int{int(uint16(r.First)), int(uint16(r.Last))})
		}
		if of.Ports != nil {
			all = append(all, of)
		}
	}
	if name := messages(t); name != "" {
		all = append(all, Packets{Protocol: name})
	}
	rest := t.Intersect(packet.Portless())
	if rest.Equal(packet.Portless()) {
		return append(all, Packets{Protocol: language.OtherProtocols})
	}
	for n := range 256 {
		if p := packet.Protocol(n); !p.HasPorts() && !p.HasTypes() && rest.Covers(packet.Of(p)) {
			all = append(all, Packets{Protocol: strconv.Itoa(n)})
		}
	}
	return all
}

// messages puts the control messages of some traffic into words, of whichever family.
func messages(t packet.Traffic) string {
	of4, of6 := t.Intersect(packet.Of(packet.ICMP)), t.Intersect(packet.Of(packet.ICMPv6))
	whole := func(of packet.Traffic, p packet.Protocol) bool {
		return of.IsEmpty() || of.Covers(packet.Types(p, 0, 254))
	}
	switch {
	case of4.IsEmpty() && of6.IsEmpty():
		return ""
	case whole(of4, packet.ICMP) && whole(of6, packet.ICMPv6):
		return "icmp"
	default:
		return "ping"
	}
}

// Words writes traffic as people and explain do: 8080, 53/udp, 9300-9302, icmp; empty for every
// packet.
func Words(all []Packets) string {
	var words []string
	for _, p := range all {
		if p.Protocol == "any" {
			return ""
		}
		suffix := "/" + strings.ToLower(p.Protocol)
		if p.Protocol == "TCP" {
			suffix = ""
		}
		for _, r := range p.Ports {
			word := strconv.Itoa(r[0])
			if r[1] != r[0] {
				word += "-" + strconv.Itoa(r[1])
			}
			words = append(words, word+suffix)
		}
		switch _, err := strconv.Atoi(p.Protocol); {
		case p.Ports != nil:
		case err == nil:
			words = append(words, p.Protocol+"/ip")
		default:
			words = append(words, p.Protocol)
		}
	}
	return strings.Join(words, ",")
}
