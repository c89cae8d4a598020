package meaning

import (
	"net/netip"
	"slices"

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

// servicesOf reads the Services of a set with their EndpointSlices, by namespace/name.
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

// ServedPort is a port of the pods behind a Service: a number, or what they call one.
type ServedPort struct {
	Protocol Protocol
	Number   uint16
	Name     string // if not empty, instead of the number
}

// Selected gives the labels by which a Service finds its pods, and the ports to which it leads
// them. It is not known of a Service that no manifest describes, or whose endpoints others list.
func (m *Meaning) Selected(s ServiceMatch) (labels map[string]string, ports []ServedPort, known bool) {
	of := m.services[s.Namespace+"/"+s.Name]
	if of == nil || len(of.slices) > 0 || len(of.object.Spec.Selector) == 0 {
		return nil, nil, false
	}
	for _, p := range of.object.Spec.Ports {
		protocol, ok := servicePortProtocol(p)
		switch {
		case !ok:
		case p.TargetPort.Type == intstr.String && p.TargetPort.StrVal != "":
			ports = append(ports, ServedPort{Protocol: protocol, Name: p.TargetPort.StrVal})
		case p.TargetPort.IntVal != 0:
			ports = append(ports, ServedPort{Protocol: protocol, Number: uint16(p.TargetPort.IntVal)})
		default:
			ports = append(ports, ServedPort{Protocol: protocol, Number: uint16(p.Port)})
		}
	}
	return of.object.Spec.Selector, ports, true
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
	case e.pod != nil:
		return s.behind(e.pod, match.Namespace, f)
	case e.anonymous:
		return maybe
	}
	result := no
	for _, pod := range m.Endpoints { // pods on the host's network stand behind Services too
		if !pod.HostNetwork {
			continue
		}
		at := known(slices.Contains(pod.Addresses, e.addr) || pod == e.onHost)
		if at == no && (len(pod.Addresses) == 0 || !e.addr.IsValid()) {
			at = maybe
		}
		result = or(result, min(at, s.behind(pod, match.Namespace, f)))
	}
	return result
}

// behind says whether the Service's selector finds the pod and, with a flow, leads
// to its port.
func (s *service) behind(pod *Endpoint, namespace string, f *flow) truth {
	if pod.Namespace != namespace {
		return no
	}
	switch {
	case !s.selects(pod):
		return no
	case f == nil:
		return yes
	}
	result := no
	for _, p := range s.object.Spec.Ports {
		result = or(result, pod.targets(p, f))
	}
	return result
}

// selects reports whether the Service's selector finds the pod, as far as labels go.
func (s *service) selects(e *Endpoint) bool {
	if s.object == nil {
		return false
	}
	for key, value := range s.object.Spec.Selector {
		if v, ok := e.Labels[key]; !ok || v != value {
			return false
		}
	}
	return true
}

// targets says whether a port of a Service leads to a packet's port at the pod behind it.
func (e *Endpoint) targets(p corev1.ServicePort, f *flow) truth {
	protocol, ok := servicePortProtocol(p)
	switch {
	case !ok || protocol != f.Protocol:
		return no
	case p.TargetPort.Type == intstr.String && p.TargetPort.StrVal != "":
		return (&Entity{}).named(e, p.TargetPort.StrVal, f.Protocol, f.Port, true)
	case p.TargetPort.IntVal != 0:
		return known(p.TargetPort.IntVal == int32(f.Port))
	default:
		return known(p.Port == int32(f.Port))
	}
}

// servicePortProtocol reads the protocol of a Service's port: TCP where it gives none.
func servicePortProtocol(p corev1.ServicePort) (Protocol, bool) {
	if p.Protocol == "" {
		return TCP, true
	}
	return packet.ProtocolNamed(string(p.Protocol))
}

// inSlices says whether the Service's EndpointSlices list an end's address and, with a flow, its
// port.
func (s *service) inSlices(e *end, f *flow) truth {
	if !e.addr.IsValid() {
		return maybe
	}
	for _, slice := range s.slices {
		if f != nil && !onSlicePort(slice.Ports, f) {
			continue
		}
		if slices.Contains(sliceAddresses(slice), e.addr) {
			return yes
		}
	}
	return no
}

// addresses gathers the addresses that the Service's EndpointSlices list.
func (s *service) addresses() []netip.Addr {
	var all []netip.Addr
	for _, slice := range s.slices {
		all = append(all, sliceAddresses(slice)...)
	}
	return all
}

// sliceAddresses reads the addresses that an EndpointSlice of a Service lists.
func sliceAddresses(slice *discoveryv1.EndpointSlice) []netip.Addr {
	var all []netip.Addr
	for _, endpoint := range slice.Endpoints {
		for _, text := range endpoint.Addresses {
			if a, err := netip.ParseAddr(text); err == nil {
				all = append(all, a.Unmap().WithZone(""))
			}
		}
	}
	return all
}

// slicePorts tells which traffic goes to the ports of a Service's EndpointSlice.
func slicePorts(ports []discoveryv1.EndpointPort) packet.Traffic {
	var on packet.Traffic
	for _, p := range ports {
		if protocol, ok := slicePortProtocol(p); ok && p.Port != nil && 0 <= *p.Port && *p.Port <= 65535 {
			on = on.Union(packet.Ports(protocol, uint16(*p.Port), uint16(*p.Port)))
		}
	}
	return on
}

// slicePortProtocol reads the protocol of an EndpointSlice's port: TCP where it gives none.
func slicePortProtocol(p discoveryv1.EndpointPort) (Protocol, bool) {
	if p.Protocol == nil {
		return TCP, true
	}
	return packet.ProtocolNamed(string(*p.Protocol))
}

// onSlicePort reports whether an EndpointSlice of a Service lists a packet's port.
func onSlicePort(ports []discoveryv1.EndpointPort, f *flow) bool {
	for _, p := range ports {
		protocol, ok := slicePortProtocol(p)
		if ok && protocol == f.Protocol && p.Port != nil && *p.Port == int32(f.Port) {
			return true
		}
	}
	return false
}
