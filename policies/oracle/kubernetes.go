package oracle

import (
	"net/netip"
	"slices"
	"strings"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	"github.com/projectcalico/api/pkg/lib/numorstring"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/policies/object"
)

const isPod = orchestratorLabel + " == 'k8s'"

// fromKubernetes reads a NetworkPolicy as Calico converts it: order 1000 in tier default,
// for pods alone.
func fromKubernetes(p *networkingv1.NetworkPolicy) spec {
	order := 1000.0
	s := spec{order: &order, selector: conjunction(&p.Spec.PodSelector, isPod)}
	for _, t := range p.Spec.PolicyTypes {
		s.types = append(s.types, calico.PolicyType(t))
	}
	if len(s.types) == 0 { // the API server's default
		s.types = append(s.types, calico.PolicyTypeIngress)
		if len(p.Spec.Egress) > 0 {
			s.types = append(s.types, calico.PolicyTypeEgress)
		}
	}
	for _, r := range p.Spec.Ingress {
		for _, peer := range peers(r.From) {
			for _, rule := range ports(r.Ports) {
				rule.Source = peer
				s.ingress = append(s.ingress, rule)
			}
		}
	}
	for _, r := range p.Spec.Egress {
		for _, peer := range peers(r.To) {
			for _, rule := range ports(r.Ports) {
				peer.Ports = rule.Destination.Ports
				rule.Destination = peer
				s.egress = append(s.egress, rule)
			}
		}
	}
	return s
}

// conjunction writes a label selector of Kubernetes in Calico's grammar, for the oracle to parse,
// behind a first term if there is one.
func conjunction(s *metav1.LabelSelector, first string) string {
	var terms []string
	if first != "" {
		terms = append(terms, first)
	}
	if s == nil {
		return strings.Join(terms, " && ")
	}
	for key, value := range s.MatchLabels {
		terms = append(terms, key+" == '"+value+"'")
	}
	for _, e := range s.MatchExpressions {
		values := "{'" + strings.Join(e.Values, "', '") + "'}"
		switch e.Operator {
		case metav1.LabelSelectorOpIn:
			terms = append(terms, e.Key+" in "+values)
		case metav1.LabelSelectorOpNotIn:
			terms = append(terms, e.Key+" not in "+values)
		case metav1.LabelSelectorOpExists:
			terms = append(terms, "has("+e.Key+")")
		case metav1.LabelSelectorOpDoesNotExist:
			terms = append(terms, "!has("+e.Key+")")
		}
	}
	if len(terms) == 0 {
		return "all()"
	}
	return strings.Join(terms, " && ")
}

// peers converts the other ends of a NetworkPolicy's rule to Calico's, for the oracle. No list is
// anything; so is a block that cannot be read, which opens the rule.
func peers(written []networkingv1.NetworkPolicyPeer) []calico.EntityRule {
	if len(written) == 0 {
		return []calico.EntityRule{{}}
	}
	var entities []calico.EntityRule
	for _, peer := range written {
		var e calico.EntityRule
		switch {
		case peer.IPBlock != nil:
			if _, err := netip.ParsePrefix(peer.IPBlock.CIDR); err == nil {
				e.Nets = []string{peer.IPBlock.CIDR}
				for _, except := range peer.IPBlock.Except {
					if _, err := netip.ParsePrefix(except); err != nil {
						break // what follows is lost as well
					}
					e.NotNets = append(e.NotNets, except)
				}
			}
		default:
			e.Selector = conjunction(peer.PodSelector, isPod)
			if peer.NamespaceSelector != nil {
				e.NamespaceSelector = conjunction(peer.NamespaceSelector, "")
			}
		}
		entities = append(entities, e)
	}
	return entities
}

// ports converts the ports of a NetworkPolicy's rule to allowing rules of Calico's, for the
// oracle, one for each port, that lack the other end. No list is anything. A rule with a port
// that cannot be converted is dropped.
func ports(written []networkingv1.NetworkPolicyPort) []calico.Rule {
	if len(written) == 0 {
		return []calico.Rule{{Action: calico.Allow}}
	}
	var rules []calico.Rule
	for _, port := range written {
		protocol := numorstring.ProtocolFromString(numorstring.ProtocolTCP)
		if port.Protocol != nil {
			protocol = numorstring.ProtocolFromString(string(*port.Protocol))
		}
		r := calico.Rule{Action: calico.Allow, Protocol: &protocol}
		switch {
		case port.Port == nil:
		case port.EndPort == nil:
			p, err := numorstring.PortFromString(port.Port.String())
			if err != nil {
				return nil
			}
			r.Destination.Ports = []numorstring.Port{p}
		default:
			p, err := numorstring.PortFromRange(uint16(port.Port.IntValue()), uint16(*port.EndPort))
			if err != nil || port.Port.IntValue() == 0 {
				return nil
			}
			r.Destination.Ports = []numorstring.Port{p}
		}
		rules = append(rules, r)
	}
	return rules
}

// fromCluster reads a ClusterNetworkPolicy as Calico converts it, if it can at all: its
// priority becomes the order in one of two tiers.
func fromCluster(p *object.ClusterNetworkPolicy) (spec, bool) {
	order := float64(p.Spec.Priority)
	s := spec{order: &order, global: true, tier: map[string]string{"Admin": "kube-admin", "Baseline": "kube-baseline"}[p.Spec.Tier]}
	switch subject := p.Spec.Subject; {
	case s.tier == "":
		return spec{}, false
	case subject.Namespaces != nil:
		s.selector, s.namespaces = isPod, conjunction(subject.Namespaces, "")
	case subject.Pods != nil:
		s.selector, s.namespaces = conjunction(&subject.Pods.PodSelector, isPod), conjunction(&subject.Pods.NamespaceSelector, "")
	default:
		return spec{}, false
	}
	for _, r := range p.Spec.Ingress {
		s.ingress = append(s.ingress, clusterRules(r.Action, r.From, r.Protocols, func(rule *calico.Rule, peer calico.EntityRule) {
			rule.Source = peer
		})...)
	}
	for _, r := range p.Spec.Egress {
		s.egress = append(s.egress, clusterRules(r.Action, r.To, r.Protocols, func(rule *calico.Rule, peer calico.EntityRule) {
			peer.Ports = rule.Destination.Ports
			rule.Destination = peer
		})...)
	}
	return s, true
}

// clusterRules converts a ClusterNetworkPolicy's rule to Calico's, for the oracle: one for each
// pair of a peer and a protocol. If one of the peers is not implemented, a rule that accepts is
// dropped, and any other denies everything.
func clusterRules(action string, to []object.ClusterPeer, protocols []object.ClusterProtocol, put func(*calico.Rule, calico.EntityRule)) []calico.Rule {
	a := calico.Action(action)
	if action == "Accept" {
		a = calico.Allow
	}
	var rules []calico.Rule
	for _, peer := range to {
		var e calico.EntityRule
		switch {
		case peer.Namespaces != nil:
			e.NamespaceSelector = conjunction(peer.Namespaces, "") // and not only pods
		case peer.Pods != nil:
			e.Selector = conjunction(&peer.Pods.PodSelector, isPod)
			e.NamespaceSelector = conjunction(&peer.Pods.NamespaceSelector, "")
		case len(peer.Networks) > 0:
			e.Nets = slices.Clone(peer.Networks)
		case a == calico.Allow:
			return nil
		default:
			return []calico.Rule{{Action: calico.Deny}}
		}
		for _, r := range clusterPorts(protocols) {
			r.Action = a
			put(&r, e)
			rules = append(rules, r)
		}
	}
	return rules
}

// clusterPorts converts the protocols of a ClusterNetworkPolicy's rule, for the oracle, to rules
// of Calico's that lack action and peer.
func clusterPorts(protocols []object.ClusterProtocol) []calico.Rule {
	if len(protocols) == 0 {
		return []calico.Rule{{}}
	}
	var rules []calico.Rule
	for _, p := range protocols {
		if p.DestinationNamedPort != "" {
			rules = append(rules, calico.Rule{Destination: calico.EntityRule{Ports: []numorstring.Port{numorstring.NamedPort(p.DestinationNamedPort)}}})
		}
		for name, ports := range map[string]*object.ClusterPorts{numorstring.ProtocolTCP: p.TCP, numorstring.ProtocolUDP: p.UDP, numorstring.ProtocolSCTP: p.SCTP} {
			if ports == nil {
				continue
			}
			protocol := numorstring.ProtocolFromString(name)
			r := calico.Rule{Protocol: &protocol}
			if d := ports.DestinationPort; d != nil && d.Range != nil {
				r.Destination.Ports = []numorstring.Port{{MinPort: uint16(d.Range.Start), MaxPort: uint16(d.Range.End)}}
			} else if d != nil {
				r.Destination.Ports = []numorstring.Port{numorstring.SinglePort(uint16(d.Number))}
			}
			rules = append(rules, r)
		}
	}
	return rules
}
