package scaffold

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// port is one that the pods listen on.
type port struct {
	name     string // in the intent
	given    string // in the container, where a Service finds it
	protocol string // tcp, udp or sctp
	number   int32
}

// portName is the language's notion of the name of a port.
var portName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$`)

const letters = "abcdefghijklmnopqrstuvwxyz"

// reservedPorts are words that the language reads as something else.
var reservedPorts = []string{"any", "icmp", "ping"}

// isPortName reports whether the language takes a container's name of a port for one.
func isPortName(name string) bool {
	return portName.MatchString(name) && strings.ContainsAny(name, letters) && !strings.Contains(name, "--") && !slices.Contains(reservedPorts, name)
}

// usualNames are the names of ports that need no second look.
var usualNames = map[int32]string{53: "dns", 80: "http", 443: "https", 5432: "postgres", 3306: "mysql", 6379: "redis", 9092: "kafka", 27017: "mongodb"}

// usualName returns the name by which people know a port, such as http for TCP 80, to draft with,
// or else one of its number.
func usualName(p port) string {
	if name, ok := usualNames[p.number]; ok && p.protocol == "tcp" {
		return name
	}
	return numberName(p)
}

// numberName names a port after its protocol and number, such as tcp-8080.
func numberName(p port) string { return fmt.Sprintf("%s-%d", p.protocol, p.number) }

// protocolOf spells the protocol of a container's port as the language does; Kubernetes' default
// is TCP.
func protocolOf(p corev1.Protocol) string { return strings.ToLower(cmp.Or(string(p), "TCP")) }

// addPort adds a port to a workload that is not there yet and that can be one.
func (w *workload) addPort(p port) {
	if p.number < 1 || p.number > 65535 || !slices.Contains([]string{"tcp", "udp", "sctp"}, p.protocol) {
		return
	}
	for i, q := range w.ports {
		if q.protocol == p.protocol && q.number == p.number {
			if !isPortName(q.name) {
				w.ports[i].name = p.name
			}
			return
		}
	}
	w.ports = append(w.ports, p)
}

// namePorts gives a name to each of a workload's ports that has none of the language's, keeps
// names apart, and sorts.
func (w *workload) namePorts() {
	slices.SortFunc(w.ports, func(a, b port) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.protocol, b.protocol))
	})
	taken := map[string]bool{}
	for i := range w.ports {
		p := &w.ports[i]
		if !isPortName(p.name) || taken[p.name] {
			p.name = usualName(*p)
		}
		if taken[p.name] {
			p.name = numberName(*p)
		}
		taken[p.name] = true
	}
}

// value writes the port as a value of the language: a number for TCP, or number and protocol.
func (p port) value() any {
	if p.protocol == "tcp" {
		return int(p.number)
	}
	return fmt.Sprintf("%d/%s", p.number, p.protocol)
}
