package meaning

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
)

// service is the endpoints of one Service: those of its EndpointSlices where there
// are any, else the pods that its selector finds.
type service struct {
	object *corev1.Service
	slices []*discoveryv1.EndpointSlice
}

func servicesOf(set object.Set) map[string]*service {
	services := map[string]*service{}
	of := func(namespace, name string) *service {
		key := namespace + "/" + name
		if services[key] == nil {
			services[key] = &service{}
		}
		return services[key]
	}
	object.Each(set, func(o object.Object, s *corev1.Service) { of(o.ID.Namespace, o.ID.Name).object = s })
	object.Each(set, func(o object.Object, s *discoveryv1.EndpointSlice) {
		if name := s.Labels[discoveryv1.LabelServiceName]; name != "" {
			slice := of(o.ID.Namespace, name)
			slice.slices = append(slice.slices, s)
		}
	})
	return services
}

// inService says whether an end is an endpoint of the Service. With a flow its
// protocol and port count as well (destinations); without, any port will do
// (sources). A Service that nobody describes is unknown.
func (m *Meaning) inService(match *ServiceMatch, e *end, f *flow) truth {
	if match.Namespace == "" || match.Name == "" {
		return no
	}
	s := m.services[match.Namespace+"/"+match.Name]
	switch {
	case s == nil:
		return maybe
	case len(s.slices) > 0:
		return s.inSlices(e, f)
	case len(s.object.Spec.Selector) == 0:
		return maybe
	case e.pod == nil && e.anonymous:
		return maybe
	case e.pod == nil || e.pod.Namespace != match.Namespace:
		return no
	}
	for key, value := range s.object.Spec.Selector {
		if v, ok := e.pod.Labels[key]; !ok || v != value {
			return no
		}
	}
	if f == nil {
		return yes
	}
	result := no
	for _, p := range s.object.Spec.Ports {
		result = or(result, e.targets(p, f))
	}
	return result
}

func (e *end) targets(p corev1.ServicePort, f *flow) truth {
	protocol, ok := packet.ProtocolNamed(string(p.Protocol))
	if p.Protocol == "" {
		protocol, ok = TCP, true
	}
	switch {
	case !ok || protocol != f.Protocol:
		return no
	case p.TargetPort.Type == intstr.String && p.TargetPort.StrVal != "":
		return e.pod.port(p.TargetPort.StrVal, f.Protocol, f.Port)
	case p.TargetPort.IntVal != 0:
		return known(p.TargetPort.IntVal == int32(f.Port))
	default:
		return known(p.Port == int32(f.Port))
	}
}

func (s *service) inSlices(e *end, f *flow) truth {
	if !e.addr.IsValid() {
		return maybe
	}
	for _, slice := range s.slices {
		if f != nil && !onSlicePort(slice.Ports, f) {
			continue
		}
		for _, endpoint := range slice.Endpoints {
			for _, text := range endpoint.Addresses {
				if a, err := netip.ParseAddr(text); err == nil && a.Unmap() == e.addr {
					return yes
				}
			}
		}
	}
	return no
}

// addresses are those of the EndpointSlices.
func (s *service) addresses() []netip.Addr {
	var all []netip.Addr
	for _, slice := range s.slices {
		for _, endpoint := range slice.Endpoints {
			for _, text := range endpoint.Addresses {
				if a, err := netip.ParseAddr(text); err == nil {
					all = append(all, a.Unmap().WithZone(""))
				}
			}
		}
	}
	return all
}

func onSlicePort(ports []discoveryv1.EndpointPort, f *flow) bool {
	for _, p := range ports {
		protocol := TCP
		if p.Protocol != nil {
			protocol, _ = packet.ProtocolNamed(string(*p.Protocol))
		}
		if protocol == f.Protocol && p.Port != nil && *p.Port == int32(f.Port) {
			return true
		}
	}
	return false
}
