package meaning

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	"go4.org/netipx"
	"k8s.io/apimachinery/pkg/util/validation"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/selector"
)

// Host is a HostEndpoint: an interface of a node, which policies may govern.
type Host struct {
	ID        object.ID
	Labels    map[string]string
	Addresses []netip.Addr // expectedIPs
	Ports     []NamedPort
	// Unlisted: nobody says which it has.
	Unlisted bool

	profiles []*profile // in order
}

// Label looks up the host endpoint's own labels and those that its profiles apply. It has no
// namespace and no orchestrator: a negated term over a namespace is true.
func (h *Host) Label(key string) (string, bool) {
	if v, ok := h.Labels[key]; ok {
		return v, true
	}
	for _, p := range h.profiles {
		if v, ok := p.labels[key]; ok {
			return v, true
		}
	}
	return "", false
}

// profile is what decides where no policy applies.
type profile struct {
	name   string
	labels map[string]string // that its endpoints inherit
	rules  [2][]Rule
	// missing profiles drop everything (Felix puts a deny in their place).
	missing bool
}

// defaultAllow is the profile that Calico ships for automatic host endpoints.
const defaultAllow = "projectcalico-default-allow"

// allow is a rule that allows everything.
var allow = []Rule{{Action: Allow}}

// allowAll makes a profile that allows everything in both directions.
func allowAll(name string) *profile {
	return &profile{name: name, rules: [2][]Rule{allow, allow}}
}

// podProfile makes the profile by which a pod's namespace decides, where no policy does.
func podProfile(e *Endpoint) *profile {
	name := "kns." + e.Namespace
	if e.NamespaceLabels == nil {
		return &profile{name: name, missing: true}
	}
	return allowAll(name)
}

// uniqueNets is the release whose custom resources refuse a set's range twice.
const uniqueNets = 33

// networkSet is a NetworkSet or GlobalNetworkSet: labels on address ranges.
type networkSet struct {
	id              object.ID
	namespace       string
	labels          map[string]string
	namespaceLabels map[string]string
	addresses       *netipx.IPSet
}

// Label looks up a network set's labels; a NetworkSet inherits its namespace's.
func (s *networkSet) Label(key string) (string, bool) {
	if s.namespace != "" {
		switch key {
		case labelNamespace:
			return s.namespace, true
		case namespacePrefix + labelName:
			return s.namespace, s.namespaceLabels != nil
		}
		if rest, ok := strings.CutPrefix(key, namespacePrefix); ok {
			v, ok := s.namespaceLabels[rest]
			return v, ok
		}
	}
	v, ok := s.labels[key]
	return v, ok
}

// Holder is a network set, or a host endpoint: labels on addresses.
type Holder struct {
	ID        object.ID
	Namespace string // of a network set that has one
	Known     bool   // a Namespace object says which labels the namespace has
	Labels    selector.Labels
	Addresses packet.Addresses
	Host      bool
}

// Holders lists all network sets and host endpoints, with their labels and addresses.
func (m *Meaning) Holders() []Holder {
	var all []Holder
	for _, s := range m.sets {
		all = append(all, Holder{s.id, s.namespace, s.namespaceLabels != nil, s, packet.AddressRanges(s.addresses.Ranges()...), false})
	}
	for _, h := range m.Hosts {
		all = append(all, Holder{h.ID, "", false, h, single(h.Addresses), true})
	}
	return all
}

// single makes a set of single addresses, as a host endpoint lists them.
func single(addresses []netip.Addr) packet.Addresses {
	prefixes := make([]netip.Prefix, len(addresses))
	for i, a := range addresses {
		prefixes[i] = netip.PrefixFrom(a, a.BitLen())
	}
	return packet.AddressesOf(prefixes...)
}

// networkSet reads a NetworkSet or GlobalNetworkSet: its labels, and the ranges that wear them.
func (r *reader) networkSet(labels map[string]string, nets []string, namespaceLabels map[string]string) *networkSet {
	if _, ok := labels[labelNamespace]; ok {
		r.add(badName.On(r.at(object.Pointer("metadata", "labels", labelNamespace)), "the label %s is Calico's own", labelNamespace).
			Because("Calico sets it itself, to the namespace's name").Suggest("leave it out"))
	}
	var prefixes []netip.Prefix
	for i, text := range nets {
		if r.cluster.CalicoMinor >= uniqueNets && slices.Contains(nets[:i], text) {
			r.add(contradiction.On(r.at(item("/spec/nets", i)), "the range %s is written twice", text).
				Because("from Calico 3.33 on the API server refuses the set").Suggest("keep one"))
		}
		if p, ok := r.network(text, item("/spec/nets", i)); ok {
			prefixes = append(prefixes, p)
		}
	}
	return &networkSet{id: r.id, namespace: r.id.Namespace, labels: labels, namespaceLabels: namespaceLabels, addresses: ipSet(prefixes)}
}

// host reads a HostEndpoint, and puts profiles in the place of their names.
func (r *reader) host(h *calico.HostEndpoint, profiles map[string]*profile) *Host {
	if h.Spec.Node == "" {
		r.add(contradiction.On(r.at("/spec"), "a HostEndpoint without a node").Because("Calico refuses the HostEndpoint"))
	}
	if h.Spec.InterfaceName == "" && len(h.Spec.ExpectedIPs) == 0 {
		r.add(contradiction.On(r.at("/spec"), "a HostEndpoint without interfaceName and without expectedIPs").Because("Calico refuses the HostEndpoint"))
	}
	out := &Host{ID: r.id, Labels: h.Labels, Unlisted: len(h.Spec.ExpectedIPs) == 0}
	for i, text := range h.Spec.ExpectedIPs {
		a, err := netip.ParseAddr(text)
		if err != nil {
			r.add(badCIDR.On(r.at(item("/spec/expectedIPs", i)), "%q is not an address", text))
			continue
		}
		out.Addresses = append(out.Addresses, a.Unmap())
	}
	r.hostNames(h.Spec)
	for i, p := range h.Spec.Ports {
		if n, ok := r.hostPort(p, item("/spec/ports", i)); ok {
			out.Ports = append(out.Ports, n)
		}
	}
	for _, name := range h.Spec.Profiles {
		switch p, ok := profiles[name]; {
		case ok:
			out.profiles = append(out.profiles, p)
		case name == defaultAllow:
			out.profiles = append(out.profiles, allowAll(name))
		default:
			out.profiles = append(out.profiles, &profile{name: name, missing: true})
		}
	}
	return out
}

// calls finds the numbers of the ports to which the host endpoint gives a name, for one protocol.
// They are all.
func (h *Host) calls(name string, protocol Protocol) (numbers []uint16, complete bool) {
	return numbersOf(h.Ports, name, protocol), true
}

var interfaceName = regexp.MustCompile(`^(\*|[a-zA-Z0-9_.-]{1,15})$`)

// hostNames checks the names in a HostEndpoint: of its node, its interface and its profiles.
func (r *reader) hostNames(s calico.HostEndpointSpec) {
	if s.Node != "" {
		r.subdomain(s.Node, "/spec/node", "the node", "Calico")
	}
	if s.InterfaceName != "" && !interfaceName.MatchString(s.InterfaceName) {
		r.add(badName.On(r.at("/spec/interfaceName"), "the interface %q is neither * nor an interface's name", s.InterfaceName).
			Because("Calico refuses the HostEndpoint").
			Suggest("use at most 15 letters, digits, dashes, dots and underscores"))
	}
	for i, name := range s.Profiles {
		r.subdomain(name, item("/spec/profiles", i), "the profile", "Calico")
	}
}

// hostPort reads a port to which a HostEndpoint gives a name.
func (r *reader) hostPort(p calico.EndpointPort, pointer string) (NamedPort, bool) {
	refuse := func(at, format string, args ...any) {
		r.add(badPort.On(r.at(pointer+at), format, args...).Because("Calico refuses the HostEndpoint"))
	}
	switch {
	case p.Name == "":
		refuse("", "a port of a HostEndpoint without a name")
	case len(validation.IsValidPortName(p.Name)) > 0:
		refuse("/name", "%q is not a port's name", p.Name)
	}
	if p.Port == 0 {
		refuse("", "port 0: ports are 1 to 65535")
	}
	protocol := r.protocol(&p.Protocol, pointer+"/protocol")
	if protocol != nil && *protocol != 0 && !protocol.HasPorts() {
		refuse("/protocol", "a port with protocol %s, which has none", p.Protocol.String())
	}
	if protocol == nil {
		return NamedPort{}, false
	}
	return NamedPort{p.Name, *protocol, p.Port}, true
}

// HostsNotEvaluated says, at the first of the host endpoints, what of theirs is not known.
func (m *Meaning) HostsNotEvaluated() diag.List {
	if len(m.Hosts) == 0 {
		return nil
	}
	first, more := m.Hosts[0].ID, ""
	if n := len(m.Hosts) - 1; n > 0 {
		more = fmt.Sprintf(", and %d more,", n)
	}
	d := notEvaluated.On(diag.Subject{Object: first, Pointer: "/kind"}, "%s%s is for the traffic of a node: what its policies deny on failsafe ports, and at addresses that it does not list, is unknown", first, more).
		Because("FelixConfiguration decides which ports are let through before policies, and only the cluster knows a node's addresses").
		Suggest("list the node's addresses under expectedIPs; to pods a host endpoint is an address with labels")
	d.Severity = diag.Info
	return diag.List{d}
}
