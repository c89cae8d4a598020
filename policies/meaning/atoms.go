package meaning

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/selector"
)

// Atoms are what a Relation must be able to tell apart beside what policies ask: the
// ends of what somebody means to allow, and endpoints that no manifest describes. The
// zero Atoms is empty and ready for use; a Relation takes what it holds at the time.
type Atoms struct {
	endpoints  []*Endpoint
	namespaces map[string]map[string]string // labels by name
	ends       []atom
	places     map[string]End
	lookAlikes bool
	others     []*Endpoint // that may come
}

// End is one side of traffic, as those who mean something name it. The zero End is
// everything; others come from an Atoms, and belong to the Relations made of it.
type End struct{ place int } // in Atoms.ends, plus one

// atom is what an End stands for: pods, addresses, or one peer.
type atom struct {
	selector  *selector.Selector
	addresses packet.Addresses
	peer      *Peer
}

// Flow is traffic that somebody means to allow: connections from one end to another.
type Flow struct {
	From, To End
	Traffic  packet.Traffic
}

// Add makes endpoints part of the world: workloads that no manifest describes.
func (a *Atoms) Add(endpoints ...*Endpoint) { a.endpoints = append(a.endpoints, endpoints...) }

// AddNamespace makes a namespace part of the world, with the labels of its Namespace
// object: pods may come there, whether or not something else speaks of it.
func (a *Atoms) AddNamespace(name string, labels map[string]string) {
	if a.namespaces == nil {
		a.namespaces = map[string]map[string]string{}
	}
	a.namespaces[name] = labels
}

// AddLookAlikes makes part of the world, for every selector of policies and atoms, pods
// with just what satisfies it, and such as miss it by one thing: one label is not there,
// or everything is right but the namespace. Whoever selects more than somebody else
// means, or less, selects one of them or does not, though perhaps nobody who is there
// today. Besides, everybody wears the labels of one more selector, if that belongs to a
// policy or a rule that can deny: see [Relation.Doubles]. Others are more pods that may
// come. It makes a relation about three times as large.
func (a *Atoms) AddLookAlikes(others ...*Endpoint) {
	a.lookAlikes = true
	a.others = append(a.others, others...)
}

// Pods are the pods whose labels satisfy the one selector, in the namespace with that
// name or, if there is no name, in those whose labels satisfy the other. Host-network
// pods are never among them: on the wire they are their node.
func (a *Atoms) Pods(namespace string, namespaces, pods object.Selector) End {
	terms := []selector.Selector{selector.OfRequirements(pods)}
	if namespace != "" {
		terms = append(terms, selector.Equals(labelNamespace, namespace))
	} else {
		terms = append(terms, selector.OfRequirements(namespaces).Prefixed(namespacePrefix))
	}
	return a.Select(selector.And(terms...))
}

// Select are the pods that a selector of Calico's finds.
func (a *Atoms) Select(s selector.Selector) End {
	return a.end(s.String(), atom{selector: &s})
}

// Addresses are places outside the cluster, nodes and host endpoints. Pods are never
// among them, whatever address they have.
func (a *Atoms) Addresses(set packet.Addresses) End {
	var key strings.Builder
	for _, p := range set.Prefixes() {
		key.WriteString(p.String() + " ")
	}
	return a.end(key.String(), atom{addresses: set})
}

// Peer is one endpoint, of the Meaning or of the Atoms, or one address, whoever has
// it. Ends that nobody tells apart from it count with it: what holds for one of them
// holds for all. There is nobody at an address of the pod network that no pod has.
func (a *Atoms) Peer(p Peer) End {
	e := atom{peer: &p}
	if p.Endpoint == nil {
		e.addresses = single([]netip.Addr{p.Addr.Unmap().WithZone("")})
	}
	return a.append(e)
}

// can reports whether the peer may have an address of the family, as far as is known.
func (p Peer) can(of int) bool {
	switch e := p.Endpoint; {
	case p.Addr.IsValid():
		return family(p.Addr) == of
	case e == nil || len(e.Addresses) == 0:
		return true
	default:
		return e.addressOf(of).IsValid()
	}
}

func (a *Atoms) end(key string, new atom) End {
	if known, ok := a.places[key]; ok {
		return known
	}
	if a.places == nil {
		a.places = map[string]End{}
	}
	e := a.append(new)
	a.places[key] = e
	return e
}

func (a *Atoms) append(new atom) End {
	a.ends = append(a.ends, new)
	return End{len(a.ends)}
}

// Families is a set of address families.
type Families uint8

// The families.
const (
	IPv4 Families = 1 << iota
	IPv6
	bothFamilies = IPv4 | IPv6
)

// familyNumbers are the members of Families by their place as a bit.
var familyNumbers = [2]int{4, 6}

// Has reports whether a family, 4 or 6, is in the set.
func (f Families) Has(family int) bool { return f&familyBit(family) != 0 }

func familyBit(family int) Families {
	if family == 4 {
		return IPv4
	}
	return IPv6
}

// String is IPv4, IPv6 or both.
func (f Families) String() string {
	var names []string
	for _, n := range familyNumbers {
		if f.Has(n) {
			names = append(names, "IPv"+strconv.Itoa(n))
		}
	}
	return strings.Join(names, " and ")
}

// families are those that pods of the cluster can have: of the pod network, where it
// is known, and of every address that somebody has.
func (m *Meaning) families(a *Atoms) Families {
	if len(m.pods.prefixes) == 0 {
		return bothFamilies
	}
	var f Families
	for _, p := range m.pods.prefixes {
		f |= familyBit(family(p.Addr()))
	}
	for _, e := range slices.Concat(m.Endpoints, a.endpoints) {
		for _, address := range e.Addresses {
			f |= familyBit(family(address))
		}
	}
	for _, h := range m.Hosts {
		for _, address := range h.Addresses {
			f |= familyBit(family(address))
		}
	}
	return f
}
