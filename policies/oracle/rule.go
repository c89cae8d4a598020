package oracle

import (
	"fmt"
	"net/netip"
	"strings"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	"github.com/projectcalico/api/pkg/lib/numorstring"
)

// rule is a rule of Calico's; all that is given must hold.
type rule struct {
	action                string
	ipVersion             int // 0: not given
	protocol, notProtocol int // 0: not given
	icmp, notICMP         *calico.ICMPFields
	source, destination   entity
}

// entity is what a rule asks of one end.
type entity struct {
	nets, notNets         []netip.Prefix
	selector, notSelector selector // nil: not given
	ports, notPorts       []numorstring.Port
	service               string // namespace/name; empty: not given
}

// rulesOf reads, for the oracle, the rules of a policy in the namespace, or of a global one. An
// error is what makes Felix ignore the whole policy.
func rulesOf(written []calico.Rule, namespace string) ([]rule, error) {
	var rules []rule
	for i, r := range written {
		source, err := entityOf(r.Source, namespace)
		if err != nil {
			return nil, fmt.Errorf("rule %d: %w", i, err)
		}
		destination, err := entityOf(r.Destination, namespace)
		if err != nil {
			return nil, fmt.Errorf("rule %d: %w", i, err)
		}
		read := rule{action: string(r.Action), icmp: r.ICMP, notICMP: r.NotICMP, source: source, destination: destination}
		if r.IPVersion != nil {
			read.ipVersion = *r.IPVersion
		}
		if r.Protocol != nil {
			read.protocol = protocolNumber(r.Protocol.String())
		}
		if r.NotProtocol != nil {
			read.notProtocol = protocolNumber(r.NotProtocol.String())
		}
		for _, ports := range [][]numorstring.Port{source.ports, source.notPorts, destination.ports, destination.notPorts} {
			for _, port := range ports {
				if port.PortName == "" && !hasPorts(read.protocol) {
					return nil, fmt.Errorf("rule %d: a port without a protocol that has ports", i)
				}
			}
		}
		rules = append(rules, read)
	}
	return rules, nil
}

// entityOf reads one side of an oracle's rule, and joins its selectors to one: which pods,
// network sets and hosts they stand for together.
func entityOf(e calico.EntityRule, namespace string) (entity, error) {
	read := entity{nets: netsOf(e.Nets), notNets: netsOf(e.NotNets), ports: e.Ports, notPorts: e.NotPorts}
	if e.Services != nil {
		read.service = e.Services.Namespace + "/" + e.Services.Name
	}
	var terms []selector
	add := func(text string, d dialect) error {
		s, err := parse(text, d)
		terms = append(terms, s)
		return err
	}
	if e.Selector != "" {
		if err := add(e.Selector, plain); err != nil {
			return entity{}, err
		}
	}
	if e.ServiceAccounts != nil {
		if e.ServiceAccounts.Selector != "" {
			if err := add(e.ServiceAccounts.Selector, dialect{prefix: accountPrefix, all: everything, global: everything}); err != nil {
				return entity{}, err
			}
		}
		if len(e.ServiceAccounts.Names) > 0 {
			terms = append(terms, oneOf(accountLabel, e.ServiceAccounts.Names))
		}
	}
	switch {
	case e.NamespaceSelector != "":
		inNamespace := has(namespaceLabel)
		if err := add(e.NamespaceSelector, dialect{prefix: namespacePrefix, all: inNamespace, global: not(inNamespace)}); err != nil {
			return entity{}, err
		}
	case namespace != "" && (len(terms) > 0 || e.NotSelector != ""):
		terms = append(terms, equals(namespaceLabel, namespace))
	}
	for _, term := range terms {
		if read.selector == nil {
			read.selector = everything
		}
		read.selector = both(read.selector, term)
	}
	if e.NotSelector != "" {
		s, err := parse(e.NotSelector, plain)
		if err != nil {
			return entity{}, err
		}
		if read.selector != nil { // it filters the objects
			read.selector = both(read.selector, not(s))
		} else { // it forbids addresses, and those outside have none of them
			read.notSelector = s
		}
	}
	return read, nil
}

// oneOf makes the oracle's selector for a rule that asks for one of several values of a label.
func oneOf(key string, values []string) selector {
	s := not(everything)
	for _, value := range values {
		s = either(s, equals(key, value))
	}
	return s
}

// hasPorts reports to the oracle whether a protocol has ports that a rule may ask for.
func hasPorts(protocol int) bool { return protocol == TCP || protocol == UDP || protocol == SCTP }

// matches reports whether all conditions of a rule hold of the packet.
func (w *World) matches(r rule, p concrete) bool {
	// There is no such rule in the packet's family.
	if r.ipVersion != 0 && r.ipVersion != p.family() ||
		r.ipVersion == 0 && (r.protocol == ICMP && p.family() == 6 || r.protocol == ICMPv6 && p.family() == 4) {
		return false
	}
	for _, nets := range [][]netip.Prefix{r.source.nets, r.source.notNets, r.destination.nets, r.destination.notNets} {
		if len(nets) > 0 && len(inFamily(nets, p.family())) == 0 {
			return false
		}
	}
	if r.protocol != 0 && r.protocol != p.protocol || r.notProtocol != 0 && r.notProtocol == p.protocol {
		return false
	}
	if r.icmp != nil && !isICMP(r.icmp, p) || r.notICMP != nil && isICMP(r.notICMP, p) {
		return false
	}
	if r.source.service != "" {
		behind := false
		for _, b := range w.backends(r.source.service) {
			behind = behind || b.address.Contains(p.from)
		}
		if !behind {
			return false
		}
	}
	if r.destination.service != "" {
		behind := false
		for _, b := range w.backends(r.destination.service) {
			behind = behind || b.address.Contains(p.to) && b.protocol == p.protocol && b.port == p.port && b.port != 0
		}
		if !behind {
			return false
		}
	}
	return w.fits(r, r.source, p, p.from, p.sourcePort) && w.fits(r, r.destination, p, p.to, p.port)
}

// fits reports whether one end of the packet meets the criteria that a rule has for it.
func (w *World) fits(r rule, e entity, p concrete, address netip.Addr, port int) bool {
	if len(e.nets) > 0 && !within(e.nets, address) || within(e.notNets, address) {
		return false
	}
	if e.selector != nil && !w.isOneOf(e.selector, address) || e.notSelector != nil && w.isOneOf(e.notSelector, address) {
		return false
	}
	if len(e.ports) > 0 && !w.isPort(e.ports, r, e, p, address, port) {
		return false
	}
	return !w.isPort(e.notPorts, r, e, p, address, port)
}

// isOneOf reports whether the address belongs to an object that a rule's selector selects.
func (w *World) isOneOf(s selector, address netip.Addr) bool {
	for _, t := range w.things() {
		if s(t.labels) && within(t.nets, address) {
			return true
		}
	}
	return false
}

// isPort reports whether the port is one of the numbers or one of the names in a rule. A name
// means the ports that objects with the address call so; they must be selected by the entity, and
// the port's protocol be the rule's; if that has none, any that has ports, and up to 3.31 TCP.
func (w *World) isPort(ports []numorstring.Port, r rule, e entity, p concrete, address netip.Addr, port int) bool {
	if !hasPorts(p.protocol) {
		return false
	}
	for _, wanted := range ports {
		if wanted.PortName == "" {
			if int(wanted.MinPort) <= port && port <= int(wanted.MaxPort) {
				return true
			}
			continue
		}
		protocol := r.protocol
		if !hasPorts(protocol) {
			protocol = TCP
			if r.protocol == 0 && w.cluster.CalicoMinor >= 32 {
				protocol = p.protocol
			}
		}
		for _, t := range w.things() {
			if e.selector != nil && !e.selector(t.labels) || !within(t.nets, address) {
				continue
			}
			for _, named := range t.ports {
				if named.name == wanted.PortName && named.protocol == protocol && protocol == p.protocol && named.number == port {
					return true
				}
			}
		}
	}
	return false
}

// isICMP reports whether a packet of the oracle's has the ICMP type and code of a rule.
func isICMP(icmp *calico.ICMPFields, p concrete) bool {
	if p.protocol != ICMP && p.protocol != ICMPv6 || icmp.Type == nil || *icmp.Type != p.icmpType {
		return false
	}
	return icmp.Code == nil || *icmp.Code == p.icmpCode
}

// within reports to the oracle whether an address is in one of a rule's blocks.
func within(nets []netip.Prefix, address netip.Addr) bool {
	for _, n := range nets {
		if n.Contains(address) {
			return true
		}
	}
	return false
}

// inFamily picks, for the oracle, the blocks of one family, of which a rule needs some to exist
// in it.
func inFamily(nets []netip.Prefix, family int) []netip.Prefix {
	var found []netip.Prefix
	for _, n := range nets {
		if n.Addr().Is4() == (family == 4) {
			found = append(found, n)
		}
	}
	return found
}

// lower spells, for the oracle, a rule's action or a policy's type as Felix compares it.
func lower[S ~string](s S) string { return strings.ToLower(string(s)) }
