package relation

import (
	"net/netip"
	"strings"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/selector"
)

// Witness is two ends and a packet between them.
type Witness struct {
	Packet    meaning.Packet
	Direction meaning.Direction
	// Leaf is everything else that is treated alike.
	Leaf *Cube
	// Described is how many ends are pods that somebody knows.
	Described int
	// Whole: the other half is of the verdict that was rather wanted, too.
	Whole bool
	// Unsettled are the questions that no manifest answers: whether an end stands behind a
	// Service, and what a host calls a port. Where there are some, it may be so.
	Unsettled []string
}

// Own tells the end whose half the witness is about; Peer tells the other.
func (w *Witness) Own() meaning.Peer {
	if w.Direction == meaning.Egress {
		return w.Packet.From
	}
	return w.Packet.To
}

// Peer tells the end of the witness beyond the one whose half it is.
func (w *Witness) Peer() meaning.Peer {
	if w.Direction == meaning.Egress {
		return w.Packet.To
	}
	return w.Packet.From
}

// better reports whether a witness is rather told than another: by its other half, then by how
// many of its ends somebody described.
func (w *Witness) better(than *Witness) bool {
	if w.Whole != than.Whole {
		return w.Whole
	}
	return w.Described > than.Described
}

// Witnesses calls found with a packet of each part of a question's answer, until found says
// that it is enough.
func (s *Search) Witnesses(q Question, found func(*Witness) (enough bool)) error {
	return s.Each(q, func(leaf *Cube) (bool, error) {
		w, err := s.witness(leaf, q.Direction)
		if w == nil || err != nil {
			return false, err
		}
		return found(w), nil
	})
}

// Some reports whether a question has an answer, without saying who its witness is.
func (s *Search) Some(q Question) (bool, error) {
	s.briefly = true
	defer func() { s.briefly = false }()
	found := false
	err := s.Witnesses(q, func(*Witness) bool {
		found = true
		return true
	})
	return found, err
}

// witness makes two ends and a packet of a cube; nil where there are none, which is for one
// reason only: what two ends share (a namespace and its labels, a service account and its
// labels, the packet's family) or must not share (an address) they cannot have together. If
// either end can give way, it does.
func (s *Search) witness(c *Cube, d meaning.Direction) (*Witness, error) {
	if err := c.decided(); err != nil {
		return nil, err
	}
	peerIsPod := c.known(c.u.variable(variableKey{ofFlag, Peer, podFlag})).flag == yes
	w := &Witness{Direction: d, Leaf: c}
	w.Packet, _ = s.wire(c, peerIsPod)
	if w.Packet.Family == 0 {
		return nil, nil
	}
	// Two namespaces of either end are enough: with different names nothing is shared.
	own, undecided := s.namesIn(c.places[Own], 2)
	peer := []spot{{}}
	if peerIsPod {
		var of error
		if peer, of = s.namesIn(c.places[Peer], 3); undecided == nil {
			undecided = of
		}
	}
	if !s.briefly && len(own) > 0 {
		if a, found := s.inhabited(c, Own, own[0].name); found {
			own = append([]spot{a}, own...)
		}
		if b, found := s.inhabited(c, Peer, own[0].name); found && peerIsPod {
			peer = append([]spot{b}, peer...)
		}
	}
	var best *Witness
	for _, a := range own {
		for _, b := range peer {
			made, err := s.pair(c, *w, a, b, peerIsPod)
			if err != nil {
				undecided = err
			}
			if made != nil && (best == nil || made.better(best)) {
				best = made
			}
			if best != nil && s.briefly {
				return best, nil
			}
		}
	}
	if best != nil {
		return best, nil
	}
	return nil, undecided
}

// decided refuses a cube for a witness where what is known of a variable may hold of no value.
func (c *Cube) decided() error {
	for _, p := range c.places {
		for _, name := range p.others {
			if name != nil && name.Undecided() {
				return tooMuchOf("namespace", name)
			}
		}
		for _, l := range p.labels {
			if l.values != nil && l.values.Undecided() {
				return tooMuchOf(c.u.variables[l.variable].name, l.values)
			}
		}
	}
	for _, k := range c.constraints {
		if k.values != nil && k.values.Undecided() {
			return tooMuchOf(c.u.variables[k.variable].name, k.values)
		}
	}
	return nil
}

// wire chooses the family, the addresses and the header of a witness's packet.
func (s *Search) wire(c *Cube, peerIsPod bool) (p meaning.Packet, ok bool) {
	u := c.u
	ipv4 := c.known(u.variable(variableKey{ofFlag, Own, ipv4Flag})).flag
	traffic := packet.TrafficAt(c.known(u.variable(variableKey{ofTraffic, Own, ""})).numbers)
	for _, f := range []struct {
		family int
		flag   answer
		other  packet.Protocol // control messages of the other family (RFC 792, RFC 4443)
	}{{4, yes, packet.ICMPv6}, {6, no, packet.ICMP}} {
		if f.flag == -ipv4 && ipv4 != open {
			continue
		}
		header, some := traffic.Subtract(packet.Of(f.other)).Witness()
		own, peer, apart := u.twoAddresses(c, f.family, peerIsPod)
		if !some || !apart {
			continue
		}
		p = meaning.Packet{Protocol: header.Protocol, Port: header.Port, Type: header.Type, Code: header.Code, Family: f.family}
		if port, found := c.known(u.variable(variableKey{ofSourcePort, Own, ""})).numbers.Min(); found && header.Protocol.HasPorts() {
			p.SourcePort = uint16(port)
		}
		p.From, p.To = meaning.Address(own), meaning.Address(peer)
		return p, true
	}
	return meaning.Packet{}, false
}

// twoAddresses chooses addresses of a family for both ends of a witness: of two pods different
// ones.
func (u *Universe) twoAddresses(c *Cube, family int, peerIsPod bool) (own, peer netip.Addr, ok bool) {
	a := c.known(u.variable(variableKey{ofAddress, Own, ""})).addresses.Intersect(spaces[family])
	b := c.known(u.variable(variableKey{ofAddress, Peer, ""})).addresses.Intersect(spaces[family])
	own, some := a.Witness()
	peer, others := b.Witness()
	if !some || !others {
		return own, peer, false
	}
	if own != peer {
		return own, peer, true
	}
	one := packet.AddressesOf(netip.PrefixFrom(own, own.BitLen()))
	if other, found := b.Subtract(one).Witness(); found {
		return own, other, true
	}
	own, ok = a.Subtract(one).Witness()
	return own, peer, ok
}

var spaces = map[int]packet.Addresses{
	4: packet.AddressesOf(netip.MustParsePrefix("0.0.0.0/0")),
	6: packet.AddressesOf(netip.MustParsePrefix("::/0")),
}

// spot is a namespace that an end may be in.
type spot struct {
	name   string
	labels map[string]string // that are known of it
	known  map[string]bool   // keys of labels of which nothing else is free
}

// spot takes a listed namespace for a spot where a witness's end may be.
func (u *Universe) spot(n *Namespace) spot {
	if n.Free {
		return spot{name: n.Name}
	}
	return spot{n.Name, n.Labels, u.named}
}

// namesIn lists namespaces of a place where a witness's end may be, as many as are asked for, if
// there are: first those of pods that somebody knows. The error says that there may be more.
func (s *Search) namesIn(p *place, most int) (all []spot, undecided error) {
	var rest []spot
	for class := range p.listed.all() {
		n := &s.Universe.listed[class]
		of := s.Universe.spot(n)
		if len(s.Described[n.Name]) > 0 {
			all = append(all, of)
		} else if len(rest) < most {
			rest = append(rest, of)
		}
		if len(all) == most {
			return all, nil
		}
	}
	all = append(all, rest...)
	for i, names := range p.others {
		of := spot{}
		if n := s.Universe.regions[i].pattern; n != nil {
			of.labels, of.known = n.Labels, map[string]bool{}
			for key := range of.labels {
				of.known[key] = true
			}
		}
		for range most {
			if names == nil || len(all) >= most {
				break
			}
			if names.Undecided() {
				undecided = tooMuchOf("namespace", names)
				break
			}
			of.name, _ = names.Example()
			all = append(all, of)
			names = s.Universe.solver.Where(names, selector.Test{Op: selector.OpIn, Values: []string{of.name}}, false)
		}
	}
	return all[:min(len(all), most)], undecided
}

// pair makes the two ends of a witness in two namespaces; nil where they cannot be.
func (s *Search) pair(c *Cube, w Witness, own, peer spot, peerIsPod bool) (*Witness, error) {
	labels := [2]map[string]string{}
	same := peerIsPod && own.name == peer.name
	var shared *place
	if same {
		shared = c.places[1-Own]
	}
	var err error
	if labels[Own], err = s.namespaceLabels(c.places[Own], shared, own); labels[Own] == nil {
		return nil, err
	}
	if labels[Peer] = labels[Own]; peerIsPod && !same {
		if labels[Peer], err = s.namespaceLabels(c.places[Peer], nil, peer); labels[Peer] == nil {
			return nil, err
		}
	}
	if s.briefly && !same {
		return &w, nil
	}
	ends := [2]*meaning.Endpoint{Own: s.endpoint(c, Own, own, labels[Own])}
	if peerIsPod {
		ends[Peer] = s.endpoint(c, Peer, peer, labels[Peer])
	}
	if same {
		if ok, err := s.accounts(c, &ends); !ok {
			return nil, err
		}
	}
	if s.briefly {
		return &w, nil
	}
	addresses := [2]netip.Addr{w.Packet.From.Addr, w.Packet.To.Addr}
	called := false // by its name, a port is that number and no other
	peers := [2]meaning.Peer{meaning.Address(addresses[Own]), meaning.Address(addresses[Peer])}
	for _, end := range []End{Own, Peer} {
		if ends[end] == nil {
			continue
		}
		names, others := s.portNames(c, end, &w)
		ends[end].Ports = names
		called = called || len(names)+len(others) > 0
		// Two pods of one workload are told apart by nobody: rather another's.
		var other *meaning.Endpoint
		if end == Peer {
			other = ends[Own]
		}
		if known := s.described(c, end, ends[end], other, others, addresses[end]); known != nil {
			ends[end] = known
			w.Described++
		}
		peers[end] = meaning.Peer{Endpoint: ends[end], Addr: addresses[end]}
	}
	w.Unsettled = c.unsettled(peerIsPod)
	w.Packet.From, w.Packet.To = peers[Own], peers[Peer]
	if w.Direction == meaning.Ingress {
		w.Packet.From, w.Packet.To = peers[Peer], peers[Own]
	}
	if receiver := w.Packet.To.Endpoint; receiver != nil && !called {
		w.Packet.Port = listening(receiver, c.Traffic(), w.Packet)
	}
	return &w, nil
}

// listening chooses for a witness a port that the receiver says it listens on, of those that are
// treated like the packet's; the packet's own where there is none.
func listening(receiver *meaning.Endpoint, traffic packet.Traffic, p meaning.Packet) uint16 {
	for _, port := range receiver.Ports {
		if port.Protocol == p.Protocol && traffic.Contains(packet.Header{Protocol: port.Protocol, Port: port.Number}) {
			return port.Number
		}
	}
	return p.Port
}

// unsettled lists the answers that a witness's cube takes for granted and that no pod can have
// been made to give.
func (c *Cube) unsettled(peerIsPod bool) []string {
	var all []string
	for _, k := range c.constraints {
		v := &c.u.variables[k.variable]
		if v.kind != ofFlag || k.flag == open || v.name == podFlag || v.name == ipv4Flag {
			continue
		}
		if strings.HasPrefix(v.name, "service ") || strings.HasPrefix(v.name, setPrefix) {
			all = append(all, v.name)
		} else if v.end == Peer && !peerIsPod {
			all = append(all, "a host's "+v.name)
		}
	}
	return all
}
