package meaning

import (
	"net/netip"
	"slices"
	"strings"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/selector"
)

// kubernetesPolicy reads a NetworkPolicy the way Calico does
// (libcalico-go/lib/backend/k8s/conversion): a policy of tier default with order
// 1000 and Allow rules only. Types and protocols that are left out are those that
// the Kubernetes API server fills in.
func (r *reader) kubernetesPolicy(typed any) *Policy {
	var s networkingv1.NetworkPolicySpec
	enforced := true
	switch p := typed.(type) {
	case *networkingv1.NetworkPolicy:
		s = p.Spec
	case *calico.StagedKubernetesNetworkPolicy:
		enforced = false
		s = networkingv1.NetworkPolicySpec{
			PodSelector: p.Spec.PodSelector, Ingress: p.Spec.Ingress, Egress: p.Spec.Egress, PolicyTypes: p.Spec.PolicyTypes,
		}
	default:
		return nil
	}
	p := &Policy{
		ID: r.id, Tier: DefaultTier, Order: kubernetesOrder, OrderGiven: true,
		Enforced: enforced, TypesGiven: len(s.PolicyTypes) > 0,
	}
	p.Governs = readTypes(r, s.PolicyTypes, "/spec/policyTypes")
	if len(s.PolicyTypes) == 0 {
		p.Governs = [2]bool{Ingress: true, Egress: len(s.Egress) > 0}
	}
	pods, ok := r.labelSelector(&s.PodSelector, "/spec/podSelector")
	if !ok {
		r.drop("its podSelector is not valid")
	}
	p.selector = selector.And(ofKubernetes, pods, r.home())
	var peers [2]int // of all rules: most have ports of one protocol, and then it is how many are made of them
	for i := range s.Ingress {
		peers[Ingress] += max(1, len(s.Ingress[i].From))
	}
	for i := range s.Egress {
		peers[Egress] += max(1, len(s.Egress[i].To))
	}
	for i := range s.Ingress {
		p.Rules[Ingress] = r.expand(slices.Grow(p.Rules[Ingress], peers[Ingress]), s.Ingress[i].From, s.Ingress[i].Ports, item("/spec/ingress", i), Ingress)
		peers[Ingress] = 0
	}
	for i := range s.Egress {
		p.Rules[Egress] = r.expand(slices.Grow(p.Rules[Egress], peers[Egress]), s.Egress[i].To, s.Egress[i].Ports, item("/spec/egress", i), Egress)
		peers[Egress] = 0
	}
	p.Dropped = r.dropped
	return p
}

// ofKubernetes is the selector that Calico adds where a Kubernetes policy means pods: no host
// endpoint or network set has this label.
var ofKubernetes = selector.Equals(labelOrchestrator, "k8s")

// home makes the selector of what is in the namespace of the object that is read.
func (r *reader) home() selector.Selector {
	if r.own.Root().Op == selector.OpAll {
		r.own = selector.Equals(labelNamespace, r.id.Namespace)
	}
	return r.own
}

// labelSelector reads a Kubernetes label selector, and reports one that the API server refuses.
func (r *reader) labelSelector(ls *metav1.LabelSelector, pointer string) (selector.Selector, bool) {
	s, err := selector.FromKubernetes(ls)
	if err != nil {
		r.add(badSelector.On(r.at(pointer), "the label selector is not valid: %s", err).
			Because("the API server refuses the policy"))
		return selector.Selector{}, false
	}
	if r.id.Group == networkingv1.GroupName { // of other groups it takes any text
		r.selectorLabels(ls, pointer)
	}
	return s, true
}

// selectorLabels checks that the labels for which a selector of a NetworkPolicy asks can be.
func (r *reader) selectorLabels(ls *metav1.LabelSelector, pointer string) {
	r.labels(ls.MatchLabels, pointer+"/matchLabels", serverRefuses)
	for i, e := range ls.MatchExpressions {
		at := item(pointer+"/matchExpressions", i)
		r.labelKey(e.Key, at+"/key", serverRefuses)
		for j, value := range e.Values {
			r.labelValue(value, item(at+"/values", j), serverRefuses)
		}
	}
}

// expand multiplies peers and ports of a NetworkPolicy's rule into rules, and appends them. A part
// that Calico cannot convert takes its rule along; the policy keeps isolating.
func (r *reader) expand(rules []Rule, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort, pointer string, d Direction) []Rule {
	side := "/from"
	if d == Egress {
		side = "/to"
	}
	entities, places := []Entity{{}}, []string{""}
	if len(peers) > 0 {
		entities, places = nil, nil
	}
	for i := range peers {
		place := item(pointer+side, i)
		e, ok := r.peer(&peers[i], place)
		if ok {
			entities, places = append(entities, e), append(places, severally(place, len(peers)))
		}
	}
	groups, ok := r.portGroups(ports, pointer+"/ports")
	if !ok {
		return rules
	}
	for i, e := range entities {
		for _, g := range groups {
			rule := Rule{Pointer: pointer, Peer: places[i], Action: Allow, Protocol: g.protocol}
			rule.Destination.Ports = g.ports
			if d == Ingress {
				rule.Source = e
			} else {
				rule.Destination = e
				rule.Destination.Ports = g.ports
			}
			rule.Source.seal()
			rule.Destination.seal()
			rules = append(rules, rule)
		}
	}
	return rules
}

// severally tells the place of one of several peers in a Kubernetes rule; of the only one the
// rule's place says enough.
func severally(place string, peers int) string {
	if peers < 2 {
		return ""
	}
	return place
}

// peer reads one from or to of a NetworkPolicy. Without a namespaceSelector it is of the policy's
// own namespace; being of Kubernetes it is never a host endpoint or a network set.
func (r *reader) peer(p *networkingv1.NetworkPolicyPeer, pointer string) (Entity, bool) {
	if p.IPBlock != nil {
		if p.PodSelector != nil || p.NamespaceSelector != nil {
			r.add(contradiction.On(r.at(pointer), "ipBlock beside a selector in one peer").
				Because(serverRefuses).Suggest("write two peers"))
		}
		return r.ipBlock(p.IPBlock, pointer+"/ipBlock"), true
	}
	if p.PodSelector == nil && p.NamespaceSelector == nil {
		r.add(contradiction.On(r.at(pointer), "a peer without podSelector, namespaceSelector and ipBlock").
			Because("the API server refuses it").
			Suggest("leave the list out to mean every address, or write podSelector: {} for the pods of the namespace"))
		return Entity{}, true
	}
	var few [3]selector.Selector
	terms := append(few[:0], ofKubernetes)
	if p.PodSelector != nil {
		s, ok := r.labelSelector(p.PodSelector, pointer+"/podSelector")
		if !ok {
			return Entity{}, false
		}
		terms = append(terms, s)
	}
	if p.NamespaceSelector == nil {
		terms = append(terms, r.home())
	} else {
		s, ok := r.labelSelector(p.NamespaceSelector, pointer+"/namespaceSelector")
		if !ok {
			return Entity{}, false
		}
		terms = append(terms, s.Prefixed(namespacePrefix))
	}
	s := selector.And(terms...)
	return Entity{Selector: &s}, true
}

// ipBlock reads a NetworkPolicy's range and its exceptions. Calico leaves out what it cannot
// parse, and what follows: without its cidr the peer is every address, without an except more
// than is written.
func (r *reader) ipBlock(b *networkingv1.IPBlock, pointer string) Entity {
	var e Entity
	block, ok := r.block(b.CIDR, pointer+"/cidr")
	if !ok {
		return e
	}
	e.Nets = []netip.Prefix{block}
	unread := false
	for i, text := range b.Except {
		n, ok := r.block(text, item(pointer+"/except", i))
		if unread = unread || !ok; unread {
			continue // what follows is lost as well
		}
		if !block.Contains(n.Addr()) || n.Bits() <= block.Bits() {
			r.add(badCIDR.On(r.at(item(pointer+"/except", i)), "the exception %s is not a part of %s", n, block).
				Because("the API server refuses it").
				Suggest("write a smaller range inside %s, or no exception", block))
		}
		e.NotNets = append(e.NotNets, n)
	}
	return e
}

// block reads a range of an ipBlock, which has a length, and may have host bits.
func (r *reader) block(text, pointer string) (netip.Prefix, bool) {
	n, ok := r.network(text, pointer)
	switch {
	case !ok:
	case !strings.Contains(text, "/"):
		r.add(badCIDR.On(r.at(pointer), "%q has no prefix length", text).
			Because("the API server refuses the policy").
			Suggest("write %s", n).Respell(oneHost(n)))
		return n, false
	case n.Addr().Is4() && strings.Contains(text, ":"):
		d := badCIDR.On(r.at(pointer), "%q is a range of IPv4 in the form of IPv6", text).
			Because("from Kubernetes 1.36 on the API server refuses it; what an older one has stored is read as %s", n).
			Suggest("write %s", n)
		d.Severity = diag.Warning
		r.add(d)
	case !canonical(text):
		r.add(hostBits.On(r.at(pointer), "%q is read as %s", text, n).
			Suggest("write %s", n))
	}
	return n, ok
}

// portGroup is the ports of one protocol; none is all of them.
type portGroup struct {
	protocol *Protocol
	ports    []PortMatch
}

// portGroups gathers the ports of a NetworkPolicy's rule by protocol, in the order in which
// protocols occur.
func (r *reader) portGroups(ports []networkingv1.NetworkPolicyPort, pointer string) ([]portGroup, bool) {
	if len(ports) == 0 {
		return []portGroup{{}}, true
	}
	var groups []portGroup
	var everyPort []Protocol
	valid := true
	for i := range ports {
		protocol, match, all, ok := r.kubernetesPort(&ports[i], item(pointer, i))
		if !ok {
			valid = false
			continue
		}
		at := slices.IndexFunc(groups, func(g portGroup) bool { return *g.protocol == protocol })
		if at < 0 {
			at = len(groups)
			groups = append(groups, portGroup{protocol: &protocol})
		}
		if all {
			everyPort = append(everyPort, protocol)
			continue
		}
		groups[at].ports = append(groups[at].ports, match)
	}
	for i := range groups {
		if slices.Contains(everyPort, *groups[i].protocol) {
			groups[i].ports = nil
		}
	}
	return groups, valid
}

// kubernetesPort reads one port of a NetworkPolicy's rule: its protocol, and a number, a range or
// a name; or all, where it gives none.
func (r *reader) kubernetesPort(p *networkingv1.NetworkPolicyPort, pointer string) (protocol Protocol, match PortMatch, all, ok bool) {
	protocol, ok = TCP, true
	if p.Protocol != nil {
		protocol, ok = packet.ProtocolNamed(string(*p.Protocol))
		if !ok || !protocol.HasPorts() || protocol.String() != string(*p.Protocol) {
			r.add(badPort.On(r.at(pointer+"/protocol"), "the protocol %q is none of TCP, UDP and SCTP", string(*p.Protocol)).
				Respell(inCase(string(*p.Protocol), "TCP", "UDP", "SCTP")))
			ok = ok && protocol.HasPorts()
		}
	}
	refuse := func(at, format string, args ...any) { r.add(badPort.On(r.at(pointer+at), format, args...)) }
	switch {
	case p.Port == nil:
		if p.EndPort != nil {
			refuse("/endPort", "endPort without port")
		}
		return protocol, PortMatch{}, true, ok
	case p.Port.Type == intstr.String:
		if len(validation.IsValidPortName(p.Port.StrVal)) > 0 {
			f := badPort.On(r.at(pointer+"/port"), "%q is not a port's name", p.Port.StrVal)
			if p.EndPort == nil {
				f = f.Respell(portNumber(p.Port.StrVal))
			}
			r.add(f)
		}
		if p.EndPort != nil {
			refuse("/endPort", "endPort beside the named port %q", p.Port.StrVal)
			return protocol, PortMatch{}, false, false
		}
		return protocol, PortMatch{Name: p.Port.StrVal}, false, ok
	}
	first, last := p.Port.IntVal, p.Port.IntVal
	if p.EndPort != nil {
		last = *p.EndPort
	}
	switch {
	case first < 1 || first > 65535:
		refuse("/port", "port %d: ports are 1 to 65535", first)
		return protocol, PortMatch{}, false, false
	case last < first || last > 65535:
		refuse("/endPort", "endPort %d is not %d to 65535", last, first)
		return protocol, PortMatch{}, false, false
	}
	return protocol, PortMatch{First: uint16(first), Last: uint16(last)}, false, ok
}
