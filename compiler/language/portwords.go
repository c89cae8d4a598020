package language

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"portcullis.dev/compiler/plan"
)

// PortRef is a port as a line names it: by the destination's name, or by number.
type PortRef struct {
	Name  string      // empty for numbers
	Ports []plan.Port // normal; icmp and ping are of both families
}

// portWords are the ports that have a word of their own.
var portWords = map[string][]plan.Port{"any": plan.Everything, "icmp": plan.AllICMP, "ping": plan.Ping}

// parse reads a port as a line refers to it: a reserved word such as any, a name, or a number with
// its protocol.
func (v *PortRef) parse(word, tag string) *mistake {
	if tag != "!!str" && tag != "!!int" {
		return &mistake{rule: BadPort, message: "expected a port, found " + tagged(word, tag), hint: BadPort.Mend}
	}
	if portName.MatchString(word) && strings.ContainsFunc(word, unicode.IsLetter) {
		if v.Ports = portWords[word]; v.Ports == nil {
			v.Name = word
		}
		return nil
	}
	port, m := parsePort(word)
	v.Ports = []plan.Port{port}
	return m
}

// portName is an IANA service name as Kubernetes accepts it (RFC 6335).
var portName = expressionOf(`^[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$`)

// PortName is the name that an intent gives to a port.
type PortName string

// parse reads the name of a declared port, and refuses the words that already mean one.
func (v *PortName) parse(word, tag string) *mistake {
	if tag != "!!str" || !portName.MatchString(word) || !strings.ContainsFunc(word, unicode.IsLetter) || strings.Contains(word, "--") {
		return &mistake{rule: BadName, message: fmt.Sprintf("%.60q is not the name of a port", word),
			hint: "a port's name has at most 15 lower-case letters, digits and dashes, at least one of them a letter"}
	}
	if portWords[word] != nil {
		return &mistake{rule: Reserved, message: word + " already means something as a port", hint: "choose another name"}
	}
	*v = PortName(word)
	return nil
}

// PortNumber is a port, or a range, by number.
type PortNumber struct{ plan.Port }

// parse reads a port that must be a number or a range of them.
func (v *PortNumber) parse(word, tag string) *mistake {
	port, m := parsePort(word)
	if m == nil && tag == "!!float" {
		m = &mistake{rule: BadPort, message: "expected a port, found " + tagged(word, tag)}
	}
	*v = PortNumber{port}
	return m
}

var protocols = map[string]plan.Protocol{"": plan.TCP, "tcp": plan.TCP, "udp": plan.UDP, "sctp": plan.SCTP}

// parsePort reads a port by number, 8080, 53/udp or 8000-8100/tcp.
func parsePort(word string) (plan.Port, *mistake) {
	bad := func(hint string) (plan.Port, *mistake) {
		return plan.Port{}, &mistake{rule: BadPort, message: fmt.Sprintf("%.60q is not a port", word), hint: hint}
	}
	numbers, protocol, _ := strings.Cut(word, "/")
	p, ok := protocols[protocol]
	if !ok {
		if p, ok = protocols[strings.ToLower(protocol)]; ok {
			return bad("write the protocol in lower case: " + numbers + "/" + strings.ToLower(string(p)))
		}
		return bad("the protocols are tcp, udp and sctp: 53/udp")
	}
	first, last, isRange := strings.Cut(numbers, "-")
	if !isRange {
		last = first
	}
	a, okA := portNumber(first)
	b, okB := portNumber(last)
	switch {
	case !okA || !okB:
		return bad("a port is a number from 1 to 65535, or a range such as 8000-8100")
	case a > b:
		return bad(fmt.Sprintf("a range begins with its smaller end: %d-%d", b, a))
	}
	return plan.Port{Protocol: p, First: a, Last: b}, nil
}

// portNumber reads one port's number, from 1 to 65535, without sign or leading zeros.
func portNumber(s string) (uint16, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return uint16(n), err == nil && n > 0 && s[0] != '0' && s[0] != '+'
}

// Portless reports whether the word stands for traffic that no workload declares as a
// port of its own.
func (v PortRef) Portless() bool {
	return len(v.Ports) > 0 && (v.Ports[0].Protocol == plan.Any || v.Ports[0].IsICMP())
}

// Covers reports whether a port, as evidence spells it, is one of those that the word
// stands for; a name stands for what the workload declares under it.
func (v PortRef) Covers(evidence string, declared []plan.NamedPort) bool {
	var asked PortRef
	if asked.parse(evidence, "!!str") != nil {
		return false
	}
	if asked.Name != "" {
		return asked.Name == v.Name
	}
	return len(plan.SubtractPorts(asked.Ports, v.Of(declared))) == 0
}

// Of returns the ports that the word stands for, where a workload declares those under names.
func (v PortRef) Of(declared []plan.NamedPort) []plan.Port {
	for _, p := range declared {
		if v.Name != "" && p.Name == v.Name {
			return p.Ports
		}
	}
	return v.Ports
}

// PortsOf returns the ports that the word of evidence spells out, if it does.
func PortsOf(evidence string) (ports []plan.Port, ok bool) {
	var asked PortRef
	if asked.parse(evidence, "!!str") != nil || asked.Name != "" {
		return nil, false
	}
	return asked.Ports, true
}

// PortValue makes a value of YAML of a port's word: a number needs no quotes.
func PortValue(word string) any {
	if n, ok := portNumber(word); ok {
		return int(n)
	}
	return word
}
