package meaning

import (
	"encoding/binary"
	"fmt"
	"slices"

	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/selector"
)

// grade is the classes of which a predicate holds, and of which it may hold. The
// second contains the first.
type grade struct{ yes, may packet.Numbers }

func (g grade) and(o grade) grade { return grade{g.yes.Intersect(o.yes), g.may.Intersect(o.may)} }

func (g grade) equal(o grade) bool { return g.yes.Equal(o.yes) && g.may.Equal(o.may) }

// term is a part of what a rule asks of one end: for ends of those classes, in
// packets of those families, it holds for some traffic and may hold for some more.
// The terms of one entity part families and classes: no end is in two of them.
type term struct {
	families Families
	classes  packet.Numbers
	yes, may packet.Traffic // may contains yes
}

// both is what two entities ask together.
func both(a, b []term) []term {
	var all []term
	for _, s := range a {
		for _, t := range b {
			joined := term{s.families & t.families, s.classes.Intersect(t.classes), s.yes.Intersect(t.yes), s.may.Intersect(t.may)}
			if joined.families != 0 && !joined.classes.IsEmpty() && !joined.may.IsEmpty() {
				all = append(all, joined)
			}
		}
	}
	return all
}

// terms are what an entity asks of its end, but for plain ports of a destination,
// which are the rule's traffic. Ports have names in the traffic of some protocols.
// Entities that ask the same share them.
func (r *Relation) terms(e *Entity, destination bool, naming packet.Traffic) []term {
	key := r.entityKey(e, destination, naming)
	if known, ok := r.entities[key]; ok {
		return known
	}
	var grades [2]grade
	for f, of := range familyNumbers {
		if r.families.Has(of) {
			grades[f] = r.grade(e, f, destination)
		}
	}
	var all []term
	add := func(families Families, g grade) {
		if !g.yes.IsEmpty() {
			all = append(all, term{families, g.yes, packet.Anything(), packet.Anything()})
		}
		if doubtful := g.may.Subtract(g.yes); !doubtful.IsEmpty() {
			all = append(all, term{families, doubtful, packet.Traffic{}, packet.Anything()})
		}
	}
	if r.families == bothFamilies && grades[0].equal(grades[1]) {
		add(bothFamilies, grades[0])
	} else {
		for f, of := range familyNumbers {
			add(familyBit(of)&r.families, grades[f])
		}
	}
	if asksPorts(e, destination) {
		all = r.onPorts(all, e, destination, naming)
	}
	if destination && e.Service != nil {
		all = both(all, r.serviceTerms(e.Service, true))
	}
	r.entities[key] = all
	return all
}

// entityKey is equal for entities that ask the same.
func (r *Relation) entityKey(e *Entity, destination bool, naming packet.Traffic) string {
	key := make([]byte, 0, 16)
	for _, s := range []*selector.Selector{e.Selector, e.NotSelector} {
		if asked := r.vocabulary.selector(s); asked != nil {
			key = binary.AppendUvarint(key, uint64(asked.number)+1)
		} else {
			key = append(key, 0)
		}
	}
	if e.asksAddresses() {
		key = fmt.Append(key, "nets", e.Nets, e.NotNets)
	}
	if asksPorts(e, destination) {
		key = fmt.Append(key, "ports", destination, e.Ports, e.NotPorts)
		if named(e.Ports) || named(e.NotPorts) {
			key = fmt.Append(key, "in", naming.Numbers().Ranges())
		}
	}
	if e.Service != nil {
		key = fmt.Append(key, "service", destination, *e.Service)
	}
	return string(key)
}

// asksPorts reports whether the entity asks for ports by what its end calls them, or
// for source ports, which nobody tells. Other ports are the rule's traffic.
func asksPorts(e *Entity, destination bool) bool {
	return len(e.Ports)+len(e.NotPorts) > 0 && (!destination || named(e.Ports) || named(e.NotPorts))
}

func named(ports []PortMatch) bool {
	return slices.ContainsFunc(ports, func(p PortMatch) bool { return p.Name != "" })
}

func (r *Relation) everyone() packet.Numbers { return packet.Between(0, uint32(len(r.classes)-1)) }

func (r *Relation) not(g grade) grade {
	all := r.asked()
	return grade{all.Subtract(g.may), all.Subtract(g.yes)}
}

// grade is what an entity asks of an end's identity, whatever the traffic.
func (r *Relation) grade(e *Entity, f int, destination bool) grade {
	g := grade{r.asked(), r.asked()}
	if e.asksAddresses() {
		g = r.inNets(e.addresses, f)
	}
	switch s, n := r.vocabulary.selector(e.Selector), r.vocabulary.selector(e.NotSelector); {
	case s != nil && n != nil:
		g = g.and(r.owners(r.find(s).less(r.find(n)), f))
	case s != nil:
		g = g.and(r.owners(r.find(s), f))
	case n != nil:
		g = g.and(r.not(r.owners(r.find(n), f)))
	}
	if !destination && e.Service != nil {
		var in grade
		for _, t := range r.serviceTerms(e.Service, false) {
			if t.families.Has(familyNumbers[f]) {
				in.may = in.may.Union(t.classes)
				if !t.yes.IsEmpty() {
					in.yes = in.yes.Union(t.classes)
				}
			}
		}
		g = g.and(in)
	}
	return g
}

// inNets are the classes whose address lies in a set.
func (r *Relation) inNets(set packet.Addresses, f int) grade {
	var all []packet.Range
	for place := range r.questions.in[f][r.questions.ask(set)].All() {
		all = append(all, r.placed[f][place].Ranges()...)
	}
	placed := packet.Join(all...)
	g := grade{placed, placed}
	for _, unplaced := range []struct {
		classes packet.Numbers
		pool    pool
	}{{r.unplaced[f], r.m.pods}, {r.nodes, r.m.nodes}} {
		if unplaced.classes.IsEmpty() {
			continue
		}
		switch unplaced.pool.in(set.IPSet(), familyNumbers[f]) {
		case yes:
			g.yes, g.may = g.yes.Union(unplaced.classes), g.may.Union(unplaced.classes)
		case maybe:
			g.may = g.may.Union(unplaced.classes)
		}
	}
	return g
}

// owners are the classes whose address some of the things found have.
func (r *Relation) owners(f found, family int) grade {
	g := grade{f[holdsPods], f[holdsPods]}
	for n := range f[holdsNets].All() {
		owned := r.owned[n][family]
		g.yes, g.may = g.yes.Union(owned.yes), g.may.Union(owned.may)
	}
	return g
}

// own are the classes whose address a network set or host endpoint has.
func (r *Relation) ownerships() {
	for _, s := range r.m.sets {
		set := packet.AddressesOf(s.addresses.Prefixes()...)
		r.owned = append(r.owned, [2]grade{r.inNets(set, 0), r.inNets(set, 1)})
	}
	for _, h := range r.m.Hosts {
		var owned [2]grade
		for f := range familyNumbers {
			for _, n := range r.hostClasses(h, f) {
				owned[f].yes = owned[f].yes.Union(packet.Between(n, n))
			}
			owned[f].may = owned[f].yes.Union(r.nodes)
		}
		r.owned = append(r.owned, owned)
	}
}

// hostClasses are the classes of a host endpoint's addresses.
func (r *Relation) hostClasses(h *Host, f int) []uint32 {
	var own []uint32
	for _, a := range h.Addresses {
		if family(a) != familyNumbers[f] || r.m.hostsAt[a] != h {
			continue
		}
		if n := r.outside[f][r.places[f].of(a)]; n != noClass {
			own = append(own, n)
		}
	}
	return own
}

// plainPorts is the traffic on ports that are numbers. What has no ports has port 0.
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

// onPorts refines terms by ports that have names, which are other numbers for every
// end, and by source ports.
func (r *Relation) onPorts(terms []term, e *Entity, destination bool, naming packet.Traffic) []term {
	owners, hosts := r.portOwners(e)
	nodes := packet.NumbersOf(r.disguised...)
	resolve := func(ports uint32, matches []PortMatch) (yes, may packet.Traffic) {
		if ports != onSomeNode {
			return r.resolve(ports, matches, naming)
		}
		yes, may = r.resolve(noPorts, matches, naming)
		for _, h := range hosts {
			named, _ := r.resolve(r.portNumber(r.vocabulary, h.Ports, false), matches, naming)
			may = may.Union(named)
		}
		return yes, may
	}
	if !destination {
		resolve = func(owns uint32, matches []PortMatch) (yes, may packet.Traffic) {
			return sourcePorts(owns != noPorts, matches, naming)
		}
	}
	var all []term
	for _, t := range terms {
		groups := map[uint32][]uint32{}
		var order []uint32
		for n := range t.classes.All() {
			ports := uint32(noPorts)
			switch owns := owners.Contains(n); {
			case owns && destination:
				ports = r.ports[n]
			case len(hosts) > 0 && destination && nodes.Contains(n):
				ports = onSomeNode
			case owns, len(hosts) > 0 && nodes.Contains(n):
				ports = noPorts + 1 // whichever: no name tells a source port
			}
			if groups[ports] == nil {
				order = append(order, ports)
			}
			groups[ports] = append(groups[ports], n)
		}
		for _, ports := range order {
			group := term{t.families, packet.NumbersOf(groups[ports]...), t.yes, t.may}
			if len(e.Ports) > 0 {
				yes, may := resolve(ports, e.Ports)
				group.yes, group.may = group.yes.Intersect(yes), group.may.Intersect(may)
			}
			if len(e.NotPorts) > 0 {
				yes, may := resolve(ports, e.NotPorts)
				group.yes, group.may = group.yes.Subtract(may), group.may.Subtract(yes)
			}
			if !group.may.IsEmpty() {
				all = append(all, group)
			}
		}
	}
	return all
}

// portOwners are the classes whose ports' names the entity knows: of the pods and host
// endpoints that it selects, whoever else has their addresses.
func (r *Relation) portOwners(e *Entity) (classes packet.Numbers, hosts []*Host) {
	if e.Selector == nil {
		return r.governed.Union(r.nodes).Subtract(packet.NumbersOf(r.disguised...)), r.m.Hosts
	}
	found := r.find(r.vocabulary.selector(e.Selector))
	if e.NotSelector != nil {
		found = found.less(r.find(r.vocabulary.selector(e.NotSelector)))
	}
	for n := range found[holdsNets].All() {
		if host := int(n) - len(r.m.sets); host >= 0 {
			hosts = append(hosts, r.m.Hosts[host])
		}
	}
	return found[holdsPods].Union(r.hostsAmong(found)), hosts
}

// onSomeNode is in place of the number of a node's ports, if nobody knows the node.
const onSomeNode = ^uint32(0)

// resolve is the traffic on ports, where names are those of an end.
func (r *Relation) resolve(ports uint32, matches []PortMatch, naming packet.Traffic) (yes, may packet.Traffic) {
	yes = plainPorts(matches)
	may = yes
	for _, m := range matches {
		if m.Name == "" {
			continue
		}
		for _, p := range r.portMap[ports] {
			if p.Name == m.Name {
				yes = yes.Union(naming.Intersect(packet.Ports(p.Protocol, p.Number, p.Number)))
			}
		}
		if r.unknown[ports] {
			may = may.Union(naming)
		}
	}
	return yes, may.Union(yes)
}

// sourcePorts is what can be said of ports that no packet tells.
func sourcePorts(owns bool, matches []PortMatch, naming packet.Traffic) (yes, may packet.Traffic) {
	for _, m := range matches {
		switch {
		case m.Name == "" && m.First <= 1 && m.Last == 65535:
			return packet.Anything(), packet.Anything()
		case m.Name == "":
			may = packet.Anything()
		case owns:
			may = may.Union(naming)
		}
	}
	return yes, may
}
