package meaning

import (
	"net/netip"
	"slices"

	"go4.org/netipx"

	"portcullis.dev/policies/selector"
)

// end is one end of a packet, looked up: who has the address, as far as anybody
// can know.
type end struct {
	pod    *Endpoint // on the pod network; nil for anything else
	onHost *Endpoint // the pod on the host's network that the packet names
	host   *Host     // that has the address
	addr   netip.Addr
	pool   pool // where the address lies if addr is not valid
	// owners have the address for certain, perhaps those that may have it.
	owners, perhaps []selector.Labels
	// anonymous: the address belongs to the pod network, and nobody knows the pod.
	anonymous bool
}

// pool is the address space in which something without a known address lives.
// The zero pool is unknown.
type pool struct {
	prefixes []netip.Prefix
	set      *netipx.IPSet
}

// poolOf makes a pool of addresses from its prefixes.
func poolOf(prefixes []netip.Prefix) pool { return pool{prefixes, ipSet(prefixes)} }

// contains reports whether an address lies in a pool that is known.
func (p pool) contains(a netip.Addr) bool { return p.set != nil && p.set.Contains(a) }

// of picks the pool's prefixes of one family.
func (p pool) of(family int) []netip.Prefix {
	var of []netip.Prefix
	for _, prefix := range p.prefixes {
		if prefix.Addr().Is4() == (family == 4) {
			of = append(of, prefix)
		}
	}
	return of
}

// in says whether an address of the pool is in the set: yes if the set contains the
// whole pool, no if they are disjoint. Of an unknown pool only a set that contains
// the family's whole space, or nothing of it, tells.
func (p pool) in(set *netipx.IPSet, family int) truth {
	prefixes := p.of(family)
	if len(prefixes) == 0 {
		prefixes = []netip.Prefix{everything(family)}
	}
	all, some := true, false
	for _, prefix := range prefixes {
		all = all && set.ContainsPrefix(prefix)
		some = some || set.OverlapsPrefix(prefix)
	}
	switch {
	case all:
		return yes
	case some:
		return maybe
	default:
		return no
	}
}

// everything makes the prefix that holds every address of a family.
func everything(family int) netip.Prefix {
	if family == 4 {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
}

// in says whether an end of a packet has its address in a set: by the address, or by the pool
// where none is known.
func (e *end) in(set *netipx.IPSet, family int) truth {
	if e.addr.IsValid() {
		return known(set.Contains(e.addr))
	}
	return e.pool.in(set, family)
}

// lookUp finds out who a peer is, and which pods, hosts and network sets have its address or may
// have it, before rules are matched.
func (m *Meaning) lookUp(p Peer, family int) end {
	e := end{addr: p.Addr.Unmap().WithZone(""), pool: m.nodes}
	endpoint := p.Endpoint
	if endpoint == nil {
		endpoint = m.byAddress[e.addr]
	}
	if endpoint != nil && !e.addr.IsValid() {
		e.addr = endpoint.addressOf(family)
	}
	if endpoint != nil && !endpoint.HostNetwork {
		e.pod, e.pool = endpoint, m.pods
		e.owners = append(e.owners, endpoint)
	}
	if e.pod == nil {
		e.onHost = endpoint
		m.lookUpHost(&e)
		e.anonymous = e.addr.IsValid() && m.network.contains(e.addr)
	}
	for _, s := range m.sets {
		switch e.in(s.addresses, family) {
		case yes:
			e.owners = append(e.owners, s)
		case maybe:
			e.perhaps = append(e.perhaps, s)
		}
	}
	return e
}

// lookUpHost finds the host endpoint that has an end's address; any may, where it has none.
func (m *Meaning) lookUpHost(e *end) {
	if !e.addr.IsValid() {
		for _, h := range m.Hosts {
			e.perhaps = append(e.perhaps, h)
		}
		return
	}
	if e.host = m.hostsAt[e.addr]; e.host != nil {
		e.owners = append(e.owners, e.host)
	}
}

// flow is a packet with its ends looked up.
type flow struct {
	Packet
	from, to end
	family   int
}

// match evaluates whether one rule matches a packet, for all its criteria.
func (m *Meaning) match(r *Rule, f *flow) truth {
	if !r.Rendered(f.family) {
		return no
	}
	if r.Protocol != nil && *r.Protocol != f.Protocol || r.NotProtocol != nil && *r.NotProtocol == f.Protocol {
		return no
	}
	if r.ICMP != nil && !r.ICMP.matches(f) || r.NotICMP != nil && r.NotICMP.matches(f) {
		return no
	}
	result := m.matchEnd(r, &r.Source, &f.from, f, f.SourcePort, f.SourcePort != 0)
	if result == no {
		return no
	}
	result = min(result, m.matchEnd(r, &r.Destination, &f.to, f, f.Port, true))
	if result > no && r.Source.Service != nil {
		result = min(result, m.inService(r.Source.Service, &f.from, nil))
	}
	if result > no && r.Destination.Service != nil {
		result = min(result, m.inService(r.Destination.Service, &f.to, f))
	}
	return result
}

// Rendered reports whether Felix has the rule at all for a family, 4 or 6, so that it can match.
func (r *Rule) Rendered(family int) bool {
	return r.exists(family) && (r.Family == 0 || r.Family == family)
}

// exists reports whether Felix renders the rule for the family at all: a list of
// ranges without one of the family, or that excludes all of it, and ICMP of the
// other family, leave it out (felix/rules/policy.go, FilterRuleToIPVersion).
func (r *Rule) exists(family int) bool {
	for _, nets := range [][]netip.Prefix{r.Source.Nets, r.Destination.Nets} {
		if len(nets) > 0 && !anyOf(nets, family) {
			return false
		}
	}
	for _, nets := range [][]netip.Prefix{r.Source.NotNets, r.Destination.NotNets} {
		if len(nets) > 0 && !anyOf(nets, family) {
			return false
		}
		for _, n := range nets {
			if n == everything(family) {
				return false
			}
		}
	}
	if r.Family == 0 && r.Protocol != nil {
		return !(*r.Protocol == ICMP && family == 6) && !(*r.Protocol == ICMPv6 && family == 4)
	}
	return true
}

// anyOf reports whether one of a rule's ranges is of a family.
func anyOf(nets []netip.Prefix, family int) bool {
	for _, n := range nets {
		if n.Addr().Is4() == (family == 4) {
			return true
		}
	}
	return false
}

// matches reports whether a packet has the ICMP type and code of a rule.
func (i *ICMPMatch) matches(f *flow) bool {
	if f.Protocol != ICMP && f.Protocol != ICMPv6 {
		return false
	}
	return i.Type == f.Type && (i.Code == nil || *i.Code == f.Code)
}

// matchEnd evaluates whether one end of a packet matches what a rule asks of it, services apart.
func (m *Meaning) matchEnd(r *Rule, e *Entity, at *end, f *flow, port uint16, portKnown bool) truth {
	result := yes
	if e.asksAddresses() {
		result = at.in(e.addresses.IPSet(), f.family)
	}
	if result > no && (e.Selector != nil || e.NotSelector != nil) {
		result = min(result, at.selected(e.Selector, e.NotSelector))
	}
	if result == no || len(e.Ports)+len(e.NotPorts) == 0 {
		return result
	}
	named := at.namedPorts(e, m.Names(r, f.Protocol), f)
	if len(e.Ports) > 0 {
		result = min(result, onPort(e.Ports, named, port, portKnown))
	}
	if result > no && len(e.NotPorts) > 0 {
		result = min(result, onPort(e.NotPorts, named, port, portKnown).not())
	}
	return result
}

// selected evaluates a selector over the objects that have the address. Beside a
// selector, notSelector sorts out objects before their addresses are joined;
// alone, it excludes the addresses of the objects that it selects
// (felix/calc/rule_scanner.go).
func (e *end) selected(of, not *selector.Selector) truth {
	if of == nil {
		return e.anyOwner(func(l selector.Labels) truth { return holds(not, l) }).not()
	}
	return e.anyOwner(func(l selector.Labels) truth { return among(of, not, l) })
}

// among says whether the owner of labels is one of those that a selector finds, less those
// that another one finds.
func among(of, not *selector.Selector, l selector.Labels) truth {
	found := holds(of, l)
	if found > no && not != nil {
		found = min(found, holds(not, l).not())
	}
	return found
}

// anyOwner says whether an object that has an end's address, for certain or perhaps, matches.
func (e *end) anyOwner(matches func(selector.Labels) truth) truth {
	result := no
	for _, l := range e.owners {
		result = or(result, matches(l))
	}
	for _, l := range e.perhaps {
		if result == no {
			result = min(maybe, matches(l))
		}
	}
	if e.anonymous {
		return or(result, maybe)
	}
	return result
}

// Names reports whether a port's name in the rule can stand for ports of the protocol:
// the rule's own. Where it gives none, those are all that have ports, and up to Calico
// 3.31, which refuses such a rule and enforces it where it is stored all the same, TCP
// (felix/calc/rule_scanner.go).
func (m *Meaning) Names(r *Rule, protocol Protocol) bool {
	switch {
	case !protocol.HasPorts():
		return false
	case r.Protocol != nil:
		return *r.Protocol == protocol
	default:
		return protocol == TCP || m.Cluster.CalicoMinor >= namesOfAnyProtocol
	}
}

// namesOfAnyProtocol is the release from which a named port needs no protocol.
const namesOfAnyProtocol = 32

// namedPorts says whether a rule's port by name is that of a packet. Calico collects named ports
// of the objects that the entity selects, so an owner that it does not select has none, whoever
// else the address makes it match.
func (e *end) namedPorts(of *Entity, names bool, f *flow) func(name string, port uint16, known bool) truth {
	return func(name string, port uint16, known bool) truth {
		switch {
		case !names:
			return no
		case e.pod != nil:
			return of.named(e.pod, name, f.Protocol, port, known)
		case e.host != nil:
			return of.named(e.host, name, f.Protocol, port, known)
		case e.anonymous:
			return maybe
		}
		for _, l := range e.perhaps { // the node that nobody knows may be that of a host endpoint
			if h, ok := l.(*Host); ok && of.named(h, name, f.Protocol, port, known) > no {
				return maybe
			}
		}
		return no
	}
}

// named says whether an owner of ports calls one by the name that a rule gives. Of a port that is
// not known it may be so, unless the owner has none of that name.
func (e *Entity) named(owner interface {
	selector.Labels
	calls(name string, protocol Protocol) (numbers []uint16, complete bool)
}, name string, protocol Protocol, port uint16, portKnown bool) truth {
	selected := yes
	if e.Selector != nil {
		selected = among(e.Selector, e.NotSelector, owner)
	}
	switch numbers, complete := owner.calls(name, protocol); {
	case selected == no:
		return no
	case portKnown && slices.Contains(numbers, port):
		return selected
	case !complete, !portKnown && len(numbers) > 0:
		return maybe
	default:
		return no
	}
}

// onPort says whether a packet's port matches one of those that a rule lists, by number or by
// name.
func onPort(ports []PortMatch, named func(string, uint16, bool) truth, port uint16, portKnown bool) truth {
	result := no
	for _, p := range ports {
		switch {
		case p.Name != "":
			result = or(result, named(p.Name, port, portKnown))
		case !portKnown:
			result = or(result, maybe)
			if p.First <= 1 && p.Last == 65535 {
				return yes
			}
		default:
			result = or(result, known(p.First <= port && port <= p.Last))
		}
	}
	return result
}

// Matches reports whether the rule matches the packet for certain, whatever comes
// before the rule.
func (m *Meaning) Matches(r *Rule, p Packet) bool {
	f := m.once().flow(p)
	return m.match(r, &f) == yes
}
