package meaning

import (
	"maps"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
)

// The labels that Calico gives to every pod (api/pkg/apis/projectcalico/v3,
// constants.go) and the prefixes under which labels are inherited
// (libcalico-go/lib/backend/k8s/conversion).
const (
	labelNamespace      = "projectcalico.org/namespace"
	labelOrchestrator   = "projectcalico.org/orchestrator"
	labelServiceAccount = "projectcalico.org/serviceaccount"
	labelName           = "projectcalico.org/name"
	namespacePrefix     = "pcns."
	accountPrefix       = "pcsa."
)

// NameLabel is the label that every Namespace carries with its own name (Kubernetes
// 1.22 and later: the API server sets it and nobody can change it).
const NameLabel = "kubernetes.io/metadata.name"

// NamedPort is a port to which a container gives a name.
type NamedPort struct {
	Name     string
	Protocol Protocol
	Number   uint16
}

// Endpoint is a pod, or the pods of one workload, which policies treat alike.
type Endpoint struct {
	Namespace, Name string
	Labels          map[string]string // the pod's own
	// NamespaceLabels are those of the Namespace object. Nil says that no Namespace
	// is known: Calico then drops what no policy decides, and so does Walk.
	NamespaceLabels map[string]string
	// NamespaceUnwritten: the Namespace exists, and nobody says which labels it has beside
	// those in NamespaceLabels. What hangs on one of them is unknown.
	NamespaceUnwritten bool
	// LabelsUnwritten: the pod wears Labels, and nobody says what it wears beside those.
	LabelsUnwritten      bool
	ServiceAccount       string
	ServiceAccountLabels map[string]string
	// HostNetwork pods are not endpoints of Calico's: no policy selects them, and
	// their packets come from the node's address. Walk takes them to be on another
	// node than the other end.
	HostNetwork bool
	Ports       []NamedPort
	// PortsKnown says that Ports is complete. Where it is false, a rule on a named
	// port is unknown.
	PortsKnown bool
	Addresses  []netip.Addr // of running pods; empty is unknown
	Object     object.ID    // the manifest; zero for an endpoint that has none
}

// Ref names the endpoint for people: namespace/name.
func (e *Endpoint) Ref() string { return e.Namespace + "/" + e.Name }

// addressOf finds the endpoint's first address of a family; it is not valid if none is known.
func (e *Endpoint) addressOf(of int) netip.Addr {
	for _, a := range e.Addresses {
		if family(a) == of {
			return a
		}
	}
	return netip.Addr{}
}

// Label looks up what Calico's selectors see: the pod's own labels, those that
// Calico sets, which nobody can forge, and those inherited from the namespace
// (pcns.) and the service account (pcsa.).
func (e *Endpoint) Label(key string) (string, bool) {
	switch key {
	case labelNamespace:
		return e.Namespace, true
	case namespacePrefix + labelName: // inherited as well: without the Namespace there is no such label
		return e.Namespace, e.NamespaceLabels != nil
	case labelOrchestrator:
		return "k8s", true
	case labelServiceAccount, accountPrefix + labelName:
		return e.ServiceAccount, e.ServiceAccount != ""
	}
	labels := e.Labels
	if rest, ok := strings.CutPrefix(key, namespacePrefix); ok {
		key, labels = rest, e.NamespaceLabels
	} else if rest, ok := strings.CutPrefix(key, accountPrefix); ok {
		key, labels = rest, e.ServiceAccountLabels
	}
	v, ok := labels[key]
	return v, ok
}

// unknown reports whether nobody says which value the endpoint has for a label.
func (e *Endpoint) unknown(key string) bool {
	if !e.isPartlyUnwritten() {
		return false
	}
	switch of, name := LabelOf(key); of {
	case NamespaceLabel:
		_, written := e.NamespaceLabels[name]
		return e.NamespaceUnwritten && !written
	case PodLabel:
		_, written := e.Labels[name]
		return e.LabelsUnwritten && !written
	default:
		return false
	}
}

// isPartlyUnwritten reports whether the endpoint may have labels that no manifest says.
func (e *Endpoint) isPartlyUnwritten() bool { return e.NamespaceUnwritten || e.LabelsUnwritten }

// calls finds the numbers of the container ports to which the endpoint gives a name, for one
// protocol, and says whether those are all.
func (e *Endpoint) calls(name string, protocol Protocol) (numbers []uint16, complete bool) {
	return numbersOf(e.Ports, name, protocol), e.PortsKnown
}

// numbersOf finds the numbers of named ports that have a name and a protocol.
func numbersOf(ports []NamedPort, name string, protocol Protocol) (numbers []uint16) {
	for _, p := range ports {
		if p.Name == name && p.Protocol == protocol {
			numbers = append(numbers, p.Number)
		}
	}
	return numbers
}

// Namespaces reads the labels of the set's Namespaces, by name: those of the manifest, and the
// one that the API server sets.
func Namespaces(set object.Set) map[string]map[string]string {
	namespaces := map[string]map[string]string{}
	object.Each(set, func(o object.Object, n *corev1.Namespace) {
		labels := map[string]string{}
		maps.Copy(labels, n.Labels)
		labels[NameLabel] = o.ID.Name
		namespaces[o.ID.Name] = labels
	})
	return namespaces
}

// Endpoints reads the pods and workloads of the set, in the order of their IDs,
// with the labels that they inherit from the set's Namespaces and ServiceAccounts.
// Pods that have finished are no endpoints. Labels that controllers add to the
// pods of a template (pod-template-hash and the like) are not there.
func Endpoints(set object.Set) []*Endpoint {
	namespaces := Namespaces(set)
	accounts := map[string]map[string]string{}
	object.Each(set, func(o object.Object, a *corev1.ServiceAccount) {
		accounts[o.ID.Namespace+"/"+o.ID.Name] = a.Labels
	})
	var all []*Endpoint
	for _, o := range set.All() {
		template := o.PodTemplate()
		if template == nil {
			continue
		}
		var addresses []netip.Addr
		if pod, ok := o.Typed.(*corev1.Pod); ok {
			if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
				continue
			}
			addresses = podAddresses(pod.Status)
		}
		spec := &template.Spec
		e := &Endpoint{
			Namespace: o.ID.Namespace, Name: o.ID.Name, Object: o.ID,
			Labels: template.Labels, NamespaceLabels: namespaces[o.ID.Namespace],
			// Kubernetes' admission gives "default" to a pod that names none.
			ServiceAccount: "default",
			HostNetwork:    spec.HostNetwork, Ports: namedPorts(spec), PortsKnown: true, Addresses: addresses,
		}
		if spec.ServiceAccountName != "" {
			e.ServiceAccount = spec.ServiceAccountName
		}
		e.ServiceAccountLabels = accounts[e.Namespace+"/"+e.ServiceAccount]
		all = append(all, e)
	}
	return all
}

// podAddresses reads the addresses of a running pod off its status.
func podAddresses(s corev1.PodStatus) []netip.Addr {
	texts := []string{s.PodIP}
	for _, ip := range s.PodIPs {
		if ip.IP != s.PodIP {
			texts = append(texts, ip.IP)
		}
	}
	var addresses []netip.Addr
	for _, text := range texts {
		if a, err := netip.ParseAddr(text); err == nil {
			addresses = append(addresses, a.Unmap())
		}
	}
	return addresses
}

// namedPorts reads the ports to which a pod's containers and init containers give names, as
// Calico does.
func namedPorts(spec *corev1.PodSpec) []NamedPort {
	var ports []NamedPort
	for _, containers := range [][]corev1.Container{spec.Containers, spec.InitContainers} {
		for _, c := range containers {
			for _, p := range c.Ports {
				if p.Name == "" || p.ContainerPort < 1 || p.ContainerPort > 65535 {
					continue
				}
				protocol, ok := packet.ProtocolNamed(string(p.Protocol))
				if p.Protocol == "" {
					protocol, ok = TCP, true
				}
				if ok {
					ports = append(ports, NamedPort{p.Name, protocol, uint16(p.ContainerPort)})
				}
			}
		}
	}
	return ports
}
