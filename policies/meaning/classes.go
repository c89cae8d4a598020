package meaning

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"portcullis.dev/policies/packet"
)

// Class is a set of ends that nobody tells apart: no policy, and no atom. Whatever
// holds for one of them holds for all.
type Class struct {
	Kind ClassKind
	// Endpoints are the pods, by namespace and name; of OfNodes the host-network pods.
	Endpoints []*Endpoint
	// Future: no manifest describes such a pod, but one may come.
	Future    bool
	Families  Families         // those that the ends can have
	Addresses packet.Addresses // of OfAddresses
	Host      *Host            // of OfAddresses: the host endpoint with the address, if there is one

	// of OfNodes: a node may be one that a host endpoint protects
	protected bool

	first [2]netip.Addr // of pods with known addresses: the first one's, by family
}

// ClassKind is what the members of a class are.
type ClassKind int

// The kinds of classes.
const (
	OfPods      ClassKind = iota
	OfNodes               // nodes, and with them their host-network pods, whose address is not known
	OfAddresses           // that no pod has
)

// Governed reports whether policies may govern the class's members.
func (c *Class) Governed() bool { return c.Kind == OfPods || c.Host != nil || c.protected }

// Peer is a member, as the end of a packet of that family: the first that a manifest
// describes, if there is one.
func (c *Class) Peer(family int) Peer {
	switch f := familyIndex(family); c.Kind {
	case OfAddresses:
		a, _ := c.Addresses.Witness()
		return Address(a)
	default:
		return Peer{Endpoint: c.Endpoints[0], Addr: c.first[f]}
	}
}

// String is the class for people: its member's name, with how many others there are.
func (c *Class) String() string {
	switch {
	case c.Kind == OfAddresses:
		return c.Addresses.String()
	case c.Kind == OfNodes:
		return "nodes"
	}
	names := make([]string, 0, 3)
	for _, e := range c.Endpoints {
		if slices.Contains(names, e.Ref()) {
			continue
		}
		if len(names) == 3 {
			names = append(names, "…")
			break
		}
		names = append(names, e.Ref())
	}
	return strings.Join(names, ", ")
}

func familyIndex(family int) int {
	if family == 4 {
		return 0
	}
	return 1
}

// member is a pod at one address of each family; an invalid address is not known. Beyond
// its first addresses a pod is one more member in the families that have another.
type member struct {
	*Endpoint
	addresses [2]netip.Addr
	families  Families
}

// spot is a pod at one of its addresses, or wherever it is.
type spot struct {
	pod     *Endpoint
	address netip.Addr
}

// members are the pod at its first addresses and, if it has more, at the others.
func members(e *Endpoint) []member {
	var of [2][]netip.Addr
	for _, a := range e.Addresses {
		f := familyIndex(family(a))
		of[f] = append(of[f], a)
	}
	all := make([]member, max(1, len(of[0]), len(of[1])))
	for i := range all {
		all[i].Endpoint = e
		for f, known := range of {
			if i < len(known) {
				all[i].addresses[f] = known[i]
			}
			if i < max(1, len(known)) {
				all[i].families |= familyBit(familyNumbers[f])
			}
		}
	}
	return all
}

// population sorts everybody into classes.
type population struct {
	classes []Class
	pods    uint32 // the classes before that are of pods
	places  [2]*places
	// placed finds classes: pods by the place of their address, and addresses by theirs.
	placed [2][]packet.Numbers // by place
	// unplaced are the pods whose address of the family is not known.
	unplaced [2]packet.Numbers
	nodes    packet.Numbers // the classes of nodes, and their guises
	// disguised are the classes of nodes alone.
	disguised []uint32
	// outside finds the class of a place; none has the number of classes.
	outside [2][]uint32
	of      map[spot]uint32        // pods, at no address and at each of theirs; on the host's network at no address
	ports   []uint32               // of a class or guise, a number for its named ports
	portMap [][]NamedPort          // by that number
	unknown []bool                 // by that number: there may be others
	serves  map[int]packet.Numbers // the pods that a Service's selector finds

	bySignature map[string]uint32
	portNumbers map[string]uint32
}

// podClasses sorts pods into classes, after those that there are.
func (r *Relation) podClasses(endpoints []*Endpoint, future bool) {
	p, v := &r.population, r.vocabulary
	var everybody []member
	for _, e := range endpoints {
		if !e.HostNetwork {
			everybody = append(everybody, members(e)...)
		}
	}
	slices.SortStableFunc(everybody, func(a, b member) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	var s signature
	for _, m := range everybody {
		s.reset()
		s.of(v, m.Endpoint, r.m.services)
		s.number(uint32(m.families))
		for f, a := range m.addresses {
			if !a.IsValid() {
				s.number(0)
				continue
			}
			s.number(p.places[f].of(a) + 1)
		}
		n, ok := p.bySignature[string(s.bytes)]
		if !ok {
			n = uint32(len(p.classes))
			p.bySignature[string(s.bytes)] = n
			p.classes = append(p.classes, Class{Kind: OfPods, Future: future, Families: r.families & m.families, first: m.addresses})
			p.ports = append(p.ports, p.portNumber(v, m.Ports, !m.PortsKnown))
			r.index(n, m)
		}
		c := &p.classes[n]
		// Who may come is not named beside those who are there.
		if last := len(c.Endpoints) - 1; last < 0 || c.Endpoints[last] != m.Endpoint && c.Future == future {
			c.Endpoints = append(c.Endpoints, m.Endpoint)
		}
		for _, a := range append(m.addresses[:], netip.Addr{}) {
			if _, known := p.of[spot{m.Endpoint, a}]; !known {
				p.of[spot{m.Endpoint, a}] = n
			}
		}
	}
	p.pods = uint32(len(p.classes))
}

// index makes the class findable by its labels, Services and addresses.
func (r *Relation) index(n uint32, m member) {
	p, v := &r.population, r.vocabulary
	r.holders[holdsPods].add(v, n, m.Endpoint, m.Endpoint.eachLabel)
	for _, s := range v.behind(m.Endpoint, r.m.services) {
		p.serves[s] = p.serves[s].Union(packet.Between(n, n))
	}
}

// portNumber numbers the ports that somebody asks for by name.
func (p *population) portNumber(v *vocabulary, ports []NamedPort, unknown bool) uint32 {
	if len(v.ports) == 0 {
		unknown = false
	}
	var s signature
	s.ports(v, ports)
	key := string(s.bytes)
	if unknown {
		key += "?"
	}
	n, ok := p.portNumbers[key]
	if !ok {
		n = uint32(len(p.portMap))
		p.portNumbers[key] = n
		p.portMap = append(p.portMap, ports)
		p.unknown = append(p.unknown, unknown)
	}
	return n
}

// add makes a class that is not of pods.
func (r *Relation) add(c Class) uint32 {
	p := &r.population
	ports := uint32(noPorts)
	if c.Host != nil {
		ports = p.portNumber(r.vocabulary, c.Host.Ports, false)
	}
	p.classes, p.ports = append(p.classes, c), append(p.ports, ports)
	return uint32(len(p.classes) - 1)
}

// nodeClasses sorts the pods on the host's network into classes, by the families of
// which their address is not known and by the Services that lead to them.
func (r *Relation) nodeClasses(described, others []*Endpoint) {
	known := map[string]uint32{}
	var s signature
	for i, e := range slices.Concat(described, others) {
		unknown := r.families
		for _, a := range e.Addresses {
			unknown &^= familyBit(family(a))
		}
		if !e.HostNetwork || unknown == 0 {
			continue
		}
		s.reset()
		s.number(uint32(unknown))
		var behind []int
		if i < len(described) { // Services lead to what manifests describe
			behind = r.vocabulary.behind(e, r.m.services)
		}
		s.ofNode(r.vocabulary, e, behind)
		n, ok := known[string(s.bytes)]
		if !ok {
			n = r.add(Class{Kind: OfNodes, Families: unknown, protected: len(r.m.Hosts) > 0})
			known[string(s.bytes)] = n
			r.nodes = r.nodes.Union(packet.Between(n, n))
		}
		r.classes[n].Endpoints = append(r.classes[n].Endpoints, e)
		r.of[spot{e, netip.Addr{}}] = n
	}
}

// outsideClasses makes a class of every place that is not all pods'.
func (r *Relation) outsideClasses() {
	p := &r.population
	var taken []netip.Prefix
	for at := range p.of {
		if at.address.IsValid() {
			taken = append(taken, netip.PrefixFrom(at.address, at.address.BitLen()))
		}
	}
	never := packet.AddressesOf(append(taken, r.m.pods.prefixes...)...)
	for f, of := range familyNumbers {
		// Pods first, by place; then every place's own class.
		at := make([][]uint32, p.places[f].count)
		var unplaced []uint32
		for n := range p.pods {
			if a := p.classes[n].first[f]; a.IsValid() {
				place := p.places[f].of(a)
				at[place] = append(at[place], n)
			} else if p.classes[n].Families.Has(of) {
				unplaced = append(unplaced, n)
			}
		}
		p.unplaced[f] = packet.NumbersOf(unplaced...)
		p.outside[f] = make([]uint32, p.places[f].count)
		for place, ranges := range p.places[f].ranges(of) {
			p.outside[f][place] = noClass
			left := packet.AddressRanges(ranges...).Subtract(never)
			if a, some := left.Witness(); some && r.families.Has(of) {
				n := r.add(Class{Kind: OfAddresses, Families: familyBit(of), Addresses: left, Host: r.m.hostsAt[a]})
				p.outside[f][place] = n
				at[place] = append(at[place], n)
			}
			p.placed[f] = append(p.placed[f], packet.NumbersOf(at[place]...))
		}
	}
}

const noClass = ^uint32(0)

// noPorts is the number of no ports that anybody asks for by name.
const noPorts = 0

// guises makes a guise for every class of nodes and every host endpoint: what its
// members are if their node is the one that the host endpoint protects. Guises have
// numbers after those of the classes. Rules are asked about them, but they are ends
// of nothing.
func (r *Relation) guises() {
	r.disguised = slices.Collect(r.nodes.All())
	for range r.disguised {
		for _, h := range r.m.Hosts {
			r.ports = append(r.ports, r.portNumber(r.vocabulary, h.Ports, false))
		}
	}
	if len(r.ports) > len(r.classes) {
		r.nodes = r.nodes.Union(packet.Between(uint32(len(r.classes)), uint32(len(r.ports)-1)))
	}
}

// guise is the number of a class of nodes, by its place among them, on the node of a
// host endpoint.
func (r *Relation) guise(node, host int) uint32 {
	return uint32(len(r.classes) + node*len(r.m.Hosts) + host)
}

// asked are the classes and guises that rules are asked about.
func (r *Relation) asked() packet.Numbers { return packet.Between(0, uint32(len(r.ports)-1)) }
