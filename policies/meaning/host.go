package meaning

import (
	"math"
	"net/netip"
	"slices"
	"strings"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	"go4.org/netipx"

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

// Label looks up the endpoint's own labels and those that its profiles apply. It
// has no namespace and no orchestrator: a negated term over a namespace is true.
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

func allowAll(name string) *profile {
	return &profile{name: name, rules: [2][]Rule{allow, allow}}
}

// podProfile is what a pod's namespace decides, where no policy does.
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

// Label looks up the set's labels; a NetworkSet inherits its namespace's.
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

// Holders are all network sets and host endpoints.
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

// single are addresses as a set.
func single(addresses []netip.Addr) packet.Addresses {
	prefixes := make([]netip.Prefix, len(addresses))
	for i, a := range addresses {
		prefixes[i] = netip.PrefixFrom(a, a.BitLen())
	}
	return packet.AddressesOf(prefixes...)
}

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

// tierObject checks a Tier. The orders of Calico's own tiers are fixed.
func (r *reader) tierObject(t *calico.Tier) {
	name := r.id.Name
	if !label.MatchString(name) || len(name) > 63 {
		r.add(badName.On(r.at("/metadata/name"), "the tier's name %q is not a DNS label", name).
			Suggest("use at most 63 lower-case letters, digits and dashes"))
	}
	if a := t.Spec.DefaultAction; a != nil && *a != calico.Pass && *a != calico.Deny {
		r.add(badAction.On(r.at("/spec/defaultAction"), "the defaultAction %q is neither Pass nor Deny", string(*a)).
			Because("Calico takes anything but Pass for Deny"))
	}
	for _, fixed := range builtIn(r.cluster.CalicoMinor) {
		if fixed.Name != name {
			continue
		}
		if t.Spec.Order == nil && name != DefaultTier || t.Spec.Order != nil && math.Abs(*t.Spec.Order-fixed.Order) > 0 {
			r.add(badName.On(r.at("/spec/order"), "the order of Calico's own tier %s is %g", name, fixed.Order))
		}
		if r.cluster.CalicoMinor >= kindTieBreak && t.Spec.DefaultAction != nil && (*t.Spec.DefaultAction == calico.Pass) != fixed.PassAtEnd {
			r.add(badAction.On(r.at("/spec/defaultAction"), "the defaultAction of Calico's own tier %s cannot be changed", name))
		}
	}
}

// calls are the numbers that the host gives a name, for one protocol. They are all.
func (h *Host) calls(name string, protocol Protocol) (numbers []uint16, complete bool) {
	return numbersOf(h.Ports, name, protocol), true
}
