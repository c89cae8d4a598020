package meaning

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"portcullis.dev/policies/packet"
)

// serviceTerms are the endpoints of a Service; for destinations on its ports.
func (r *Relation) serviceTerms(match *ServiceMatch, destination bool) []term {
	unknown := []term{{r.families, r.asked(), packet.Traffic{}, packet.Anything()}}
	name := match.Namespace + "/" + match.Name
	s := r.m.services[name]
	switch {
	case match.Namespace == "" || match.Name == "":
		return nil
	case s == nil, len(s.slices) == 0 && len(s.object.Spec.Selector) == 0:
		return unknown
	case len(s.slices) > 0:
		return r.sliceTerms(s, destination)
	}
	var all []term
	for n := range r.serves[r.vocabulary.services[name]].All() {
		t := term{r.families, packet.Between(n, n), packet.Anything(), packet.Anything()}
		if destination {
			t.yes, t.may = r.targets(s.object.Spec.Ports, r.ports[n])
		}
		if !t.may.IsEmpty() {
			all = append(all, t)
		}
	}
	return append(all, r.nodeTerms(match, s, destination)...)
}

// nodeTerms are the Service's pods on the host's network. Whoever is no pod may be one
// of those without an address.
func (r *Relation) nodeTerms(match *ServiceMatch, s *service, destination bool) []term {
	var all []term
	for f, of := range familyNumbers {
		yes, may := map[uint32]packet.Traffic{}, map[uint32]packet.Traffic{}
		var anybody, nodes packet.Traffic // that an unknown pod may be sent
		for _, e := range r.m.Endpoints {
			if !e.HostNetwork || e.Namespace != match.Namespace || !s.selects(e) {
				continue
			}
			certain, possible := packet.Anything(), packet.Anything()
			if destination {
				certain, possible = r.targets(s.object.Spec.Ports, r.portNumber(r.vocabulary, e.Ports, !e.PortsKnown))
			}
			at := func(n uint32) { yes[n], may[n] = yes[n].Union(certain), may[n].Union(possible) }
			nodes = nodes.Union(possible)
			if len(e.Addresses) == 0 {
				anybody = anybody.Union(possible)
			}
			if node, ok := r.of[spot{e, netip.Addr{}}]; ok {
				at(node)
				place, _ := slices.BinarySearch(r.disguised, node)
				for host := range r.m.Hosts {
					at(r.guise(place, host))
				}
			}
			if len(e.Addresses) == 0 {
				continue
			}
			for place := range r.questions.in[f][r.questions.ask(single(e.Addresses))].All() {
				if n := r.outside[f][place]; n != noClass {
					at(n)
				}
			}
		}
		add := func(classes packet.Numbers, yes, may packet.Traffic) {
			if t := (term{familyBit(of) & r.families, classes, yes, may}); !classes.IsEmpty() && !may.IsEmpty() {
				all = append(all, t)
			}
		}
		found := sortedNumbers(may)
		for _, n := range found {
			others := anybody
			if r.nodes.Contains(n) {
				others = nodes
			}
			add(packet.Between(n, n), yes[n], may[n].Union(others))
		}
		notFound := r.asked().Subtract(packet.Between(0, r.pods-1)).Subtract(packet.NumbersOf(found...))
		add(notFound.Intersect(r.nodes), packet.Traffic{}, nodes)
		add(notFound.Subtract(r.nodes), packet.Traffic{}, anybody)
	}
	return all
}

// targets is the traffic on a Service's ports at an end with those named ports.
func (r *Relation) targets(ports []corev1.ServicePort, named uint32) (yes, may packet.Traffic) {
	for _, p := range ports {
		protocol, ok := servicePortProtocol(p)
		if !ok {
			continue
		}
		number := p.Port
		switch {
		case p.TargetPort.Type == intstr.String && p.TargetPort.StrVal != "":
			at, perhaps := r.resolve(named, []PortMatch{{Name: p.TargetPort.StrVal}}, packet.Of(protocol))
			yes, may = yes.Union(at), may.Union(perhaps)
			continue
		case p.TargetPort.IntVal != 0:
			number = p.TargetPort.IntVal
		}
		if 0 <= number && number <= 65535 {
			yes = yes.Union(packet.Ports(protocol, uint16(number), uint16(number)))
		}
	}
	return yes, may.Union(yes)
}

// sliceTerms are the addresses of a Service's EndpointSlices. Whoever has no known
// address may be one of them.
func (r *Relation) sliceTerms(s *service, destination bool) []term {
	var all []term
	for f, of := range familyNumbers {
		if !r.families.Has(of) {
			continue
		}
		traffic := map[uint32]packet.Traffic{}
		for _, slice := range s.slices {
			on := packet.Anything()
			if destination {
				on = slicePorts(slice.Ports)
			}
			for place := range r.questions.in[f][r.questions.ask(single(sliceAddresses(slice)))].All() {
				for n := range r.placed[f][place].All() {
					traffic[n] = traffic[n].Union(on)
				}
			}
		}
		for _, n := range sortedNumbers(traffic) {
			if t := traffic[n]; !t.IsEmpty() {
				all = append(all, term{familyBit(of), packet.Between(n, n), t, t})
			}
		}
		if somewhere := r.unplaced[f].Union(r.nodes); !somewhere.IsEmpty() {
			all = append(all, term{familyBit(of), somewhere, packet.Traffic{}, packet.Anything()})
		}
	}
	return all
}

func sortedNumbers[T any](m map[uint32]T) []uint32 {
	numbers := make([]uint32, 0, len(m))
	for n := range m {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return numbers
}

func single(addresses []netip.Addr) packet.Addresses {
	prefixes := make([]netip.Prefix, len(addresses))
	for i, a := range addresses {
		prefixes[i] = netip.PrefixFrom(a, a.BitLen())
	}
	return packet.AddressesOf(prefixes...)
}
