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
	unknown := []term{{r.families, r.everyone(), packet.Traffic{}, packet.Anything()}}
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
			at, perhaps := r.resolve(named, []PortMatch{{Name: p.TargetPort.StrVal}})
			yes, may = yes.Union(at.Intersect(packet.Of(protocol))), may.Union(perhaps.Intersect(packet.Of(protocol)))
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
