package facts

import (
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

const dnsPort = 53 // IANA; the cluster's own DNS pods may listen on another

var dnsProtocols = []meaning.Protocol{meaning.UDP, meaning.TCP}

// asking returns the packets that ask for names: of the well-known port, and of the one on which
// the cluster's own DNS pods listen.
func asking(port int) packet.Traffic {
	var all packet.Traffic
	for _, protocol := range dnsProtocols {
		for _, port := range []int{dnsPort, port} {
			all = all.Union(packet.Ports(protocol, uint16(port), uint16(port)))
		}
	}
	return all
}
