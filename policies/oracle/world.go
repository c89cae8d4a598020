package oracle

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"portcullis.dev/policies/object"
)

// thing is what a rule's selector can stand for: a pod, a host endpoint or a set of
// networks. It has labels, its own and those that it inherits, and addresses.
type thing struct {
	name     string // namespace/name, or the name
	labels   map[string]string
	nets     []netip.Prefix
	ports    []namedPort
	profiles []string // of pods and host endpoints, in order
}

type namedPort struct {
	name     string
	protocol int
	number   int
}

// profile is what decides where no tier does. One that Calico does not know drops
// everything.
type profile struct{ ingress, egress []rule }

// readPods finds pods and the pods that a workload would have. Those on the host's
// network are no endpoints of Calico's: their packets carry the node's address.
func (w *World) readPods(set object.Set) {
	for _, o := range set.All() {
		if pod, ok := o.Typed.(*corev1.Pod); ok && (pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed) {
			continue // it has given its address back
		}
		if labels, spec, addresses, ok := podOf(o.Typed); ok {
			pod := w.pod(o.ID.Namespace+"/"+o.ID.Name, o.ID.Namespace, labels, spec, addresses)
			if spec.HostNetwork {
				w.onHost = append(w.onHost, pod)
			} else {
				w.pods = append(w.pods, pod)
			}
		}
	}
}

// podOf reads for the oracle's world what an object says of pods: their labels, specification and
// addresses.
func podOf(typed any) (map[string]string, *corev1.PodSpec, []netip.Prefix, bool) {
	var template *corev1.PodTemplateSpec
	switch typed := typed.(type) {
	case *corev1.Pod:
		texts := []string{typed.Status.PodIP}
		for _, ip := range typed.Status.PodIPs {
			texts = append(texts, ip.IP)
		}
		return typed.Labels, &typed.Spec, addressesOf(texts), true
	case *appsv1.Deployment:
		template = &typed.Spec.Template
	case *appsv1.StatefulSet:
		template = &typed.Spec.Template
	case *appsv1.DaemonSet:
		template = &typed.Spec.Template
	case *appsv1.ReplicaSet:
		template = &typed.Spec.Template
	case *batchv1.Job:
		template = &typed.Spec.Template
	case *batchv1.CronJob:
		template = &typed.Spec.JobTemplate.Spec.Template
	default:
		return nil, nil, nil, false
	}
	return template.Labels, &template.Spec, nil, true
}

// pod makes a pod of the world, with the labels that Calico sees. What the pod's owner writes
// cannot pass for a label of the namespace or the service account.
func (w *World) pod(name, namespace string, own map[string]string, spec *corev1.PodSpec, addresses []netip.Prefix) thing {
	account := spec.ServiceAccountName
	if account == "" {
		account = "default" // as the API server's admission sets it
	}
	labels := map[string]string{}
	maps.Copy(labels, w.namespaces[namespace])
	labels[accountPrefix+nameLabel] = account // no pod runs without it, whether the set has its object or not
	maps.Copy(labels, w.accounts[namespace+"/"+account])
	for key, value := range own {
		if !strings.HasPrefix(key, namespacePrefix) && !strings.HasPrefix(key, accountPrefix) {
			labels[key] = value
		}
	}
	labels[namespaceLabel] = namespace
	labels[orchestratorLabel] = "k8s"
	labels[accountLabel] = account
	pod := thing{name: name, labels: labels, nets: addresses, profiles: []string{"kns." + namespace, "ksa." + namespace + "." + account}}
	for _, container := range append(slices.Clone(spec.InitContainers), spec.Containers...) {
		for _, port := range container.Ports {
			if port.Name != "" {
				pod.ports = append(pod.ports, namedPort{port.Name, protocolNumber(string(port.Protocol)), int(port.ContainerPort)})
			}
		}
	}
	return pod
}

// readNamespaces finds what pods and network sets inherit, and the profile that a
// namespace is: it allows everything.
func (w *World) readNamespaces(set object.Set) {
	w.profiles["projectcalico-default-allow"] = allowing
	object.Each(set, func(o object.Object, ns *corev1.Namespace) {
		w.namespaces[o.ID.Name] = prefixed(namespacePrefix, ns.Labels, o.ID.Name)
		w.namespaces[o.ID.Name][namespacePrefix+"kubernetes.io/metadata.name"] = o.ID.Name // the API server sees to it
		w.profiles["kns."+o.ID.Name] = allowing
	})
	object.Each(set, func(o object.Object, account *corev1.ServiceAccount) {
		w.accounts[o.ID.Namespace+"/"+o.ID.Name] = prefixed(accountPrefix, account.Labels, o.ID.Name)
		w.profiles["ksa."+o.ID.Namespace+"."+o.ID.Name] = profile{}
	})
	object.Each(set, func(o object.Object, p *calico.Profile) {
		ingress, _ := rulesOf(p.Spec.Ingress, "")
		egress, _ := rulesOf(p.Spec.Egress, "")
		w.profiles[o.ID.Name] = profile{ingress: ingress, egress: egress}
	})
}

var allowing = profile{ingress: []rule{{action: "Allow"}}, egress: []rule{{action: "Allow"}}}

// prefixed puts a prefix before labels that things of the oracle's world inherit, and adds the
// name.
func prefixed(prefix string, labels map[string]string, name string) map[string]string {
	inherited := map[string]string{}
	for key, value := range labels {
		inherited[prefix+key] = value
	}
	inherited[prefix+nameLabel] = name
	return inherited
}

// readNetworks finds host endpoints and network sets.
func (w *World) readNetworks(set object.Set) {
	object.Each(set, func(o object.Object, h *calico.HostEndpoint) {
		labels := map[string]string{}
		for _, name := range slices.Backward(h.Spec.Profiles) { // the first profile wins
			if p, ok := set.Get(object.ID{Group: o.ID.Group, Kind: "Profile", Name: name}); ok {
				maps.Copy(labels, p.Typed.(*calico.Profile).Spec.LabelsToApply)
			}
		}
		maps.Copy(labels, h.Labels)
		host := thing{name: o.ID.Name, labels: labels, nets: addressesOf(h.Spec.ExpectedIPs), profiles: h.Spec.Profiles}
		for _, port := range h.Spec.Ports {
			host.ports = append(host.ports, namedPort{port.Name, protocolNumber(port.Protocol.String()), int(port.Port)})
		}
		w.hosts = append(w.hosts, host)
	})
	object.Each(set, func(o object.Object, s *calico.NetworkSet) {
		labels := map[string]string{}
		maps.Copy(labels, w.namespaces[o.ID.Namespace])
		maps.Copy(labels, s.Labels)
		labels[namespaceLabel] = o.ID.Namespace
		w.sets = append(w.sets, thing{name: o.ID.Namespace + "/" + o.ID.Name, labels: labels, nets: netsOf(s.Spec.Nets)})
	})
	object.Each(set, func(o object.Object, s *calico.GlobalNetworkSet) {
		w.sets = append(w.sets, thing{name: o.ID.Name, labels: s.Labels, nets: netsOf(s.Spec.Nets)})
	})
}

// things lists all that selectors choose among in the world: pods, hosts, sets.
func (w *World) things() []thing { return slices.Concat(w.pods, w.hosts, w.sets) }

// backend is one place behind a Service.
type backend struct {
	address  netip.Prefix
	protocol int
	port     int
}

// backends finds the places in the world behind a Service. EndpointSlices say it, ready or not;
// where there are none, what a cluster would write into them.
func (w *World) backends(service string) []backend {
	var found []backend
	sliced := false
	object.Each(w.set, func(o object.Object, slice *discoveryv1.EndpointSlice) {
		if o.ID.Namespace+"/"+slice.Labels[discoveryv1.LabelServiceName] != service {
			return
		}
		sliced = true
		for _, endpoint := range slice.Endpoints {
			for _, address := range addressesOf(endpoint.Addresses) {
				found = append(found, backend{address: address})
				for _, port := range slice.Ports {
					if port.Port != nil {
						protocol := "TCP"
						if port.Protocol != nil {
							protocol = string(*port.Protocol)
						}
						found = append(found, backend{address, protocolNumber(protocol), int(*port.Port)})
					}
				}
			}
		}
	})
	if sliced {
		return found
	}
	object.Each(w.set, func(o object.Object, s *corev1.Service) {
		if o.ID.Namespace+"/"+o.ID.Name != service || len(s.Spec.Selector) == 0 {
			return
		}
		for _, pod := range slices.Concat(w.pods, w.onHost) {
			if pod.labels[namespaceLabel] != o.ID.Namespace || !contains(pod.labels, s.Spec.Selector) {
				continue
			}
			for _, address := range pod.nets {
				found = append(found, backend{address: address})
				for _, port := range s.Spec.Ports {
					for _, number := range targets(pod, port) {
						found = append(found, backend{address, protocolNumber(string(port.Protocol)), number})
					}
				}
			}
		}
	})
	return found
}

// contains reports whether labels of a pod in the oracle's world contain all that a Service's
// selector wants.
func contains(labels, wanted map[string]string) bool {
	for key, value := range wanted {
		if v, ok := labels[key]; !ok || v != value {
			return false
		}
	}
	return true
}

// targets finds the numbers of the ports of a pod in the oracle's world that a Service's port
// leads to.
func targets(pod thing, port corev1.ServicePort) []int {
	switch {
	case port.TargetPort.Type == intstr.String:
		var numbers []int
		for _, p := range pod.ports {
			if p.name == port.TargetPort.StrVal && p.protocol == protocolNumber(string(port.Protocol)) {
				numbers = append(numbers, p.number)
			}
		}
		return numbers
	case port.TargetPort.IntVal != 0:
		return []int{int(port.TargetPort.IntVal)}
	default:
		return []int{int(port.Port)}
	}
}

// addressesOf reads single addresses of objects in the oracle's world. What cannot be read is not
// there.
func addressesOf(texts []string) []netip.Prefix {
	var addresses []netip.Prefix
	for _, text := range texts {
		if a, err := netip.ParseAddr(text); err == nil {
			if p := netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()); !slices.Contains(addresses, p) {
				addresses = append(addresses, p)
			}
		}
	}
	return addresses
}

// netsOf reads blocks and single addresses of objects in the oracle's world, with their host bits
// cleared. What cannot be read is not there.
func netsOf(texts []string) []netip.Prefix {
	var nets []netip.Prefix
	for _, text := range texts {
		if p, err := netip.ParsePrefix(text); err == nil {
			if p.Addr().Is4In6() && p.Bits() >= 96 {
				p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
			}
			nets = append(nets, p.Masked())
		}
	}
	return append(nets, addressesOf(texts)...)
}

// protocolNumber reads IANA's number of a protocol's name or number for the oracle's world; 0 is
// none. The empty name is TCP, as Kubernetes has it.
func protocolNumber(text string) int {
	switch strings.ToLower(text) {
	case "", "tcp", "6":
		return TCP
	case "udp", "17":
		return UDP
	case "sctp", "132":
		return SCTP
	case "icmp", "1":
		return ICMP
	case "icmpv6", "58":
		return ICMPv6
	case "udplite", "136":
		return UDPLite
	}
	n := 0
	for _, digit := range text {
		if digit < '0' || digit > '9' {
			return 0
		}
		n = 10*n + int(digit-'0')
	}
	return n
}

// World is a cluster with its policies. It does not change.
type World struct {
	set        object.Set
	cluster    object.Cluster
	namespaces map[string]map[string]string // what pods inherit, by name
	accounts   map[string]map[string]string // the same of service accounts, by namespace/name
	profiles   map[string]profile
	pods       []thing
	onHost     []thing // pods on the host's network
	hosts      []thing
	sets       []thing
	policies   []policy
	tiers      []tier
}

// Of makes the world of the objects of a set, as they are stored in the cluster.
func Of(set object.Set, cluster object.Cluster) *World {
	w := &World{
		set: set, cluster: cluster, profiles: map[string]profile{},
		namespaces: map[string]map[string]string{}, accounts: map[string]map[string]string{},
	}
	w.readNamespaces(set)
	w.readPods(set)
	w.readNetworks(set)
	w.readPolicies(set)
	w.readTiers(set)
	return w
}

// With makes the world with more pods, in namespaces that it knows.
func (w *World) With(pods object.Set) *World {
	with := *w
	with.pods, with.onHost = slices.Clone(w.pods), slices.Clone(w.onHost)
	with.readPods(pods)
	return &with
}
