package meaning

import (
	"net/netip"

	"portcullis.dev/policies/object"
	"portcullis.dev/policies/selector"
)

// clusterPolicies is the release from which Calico reads ClusterNetworkPolicies.
const clusterPolicies = 32

// clusterPolicy reads a ClusterNetworkPolicy the way Calico does
// (libcalico-go/lib/backend/k8s/conversion/clusternetworkpolicy.go): a global policy
// of a tier of its own, which governs only the directions that it has rules for.
func (r *reader) clusterPolicy(c *object.ClusterNetworkPolicy) *Policy {
	s := c.Spec
	p := &Policy{ID: r.id, Order: float64(s.Priority), OrderGiven: true, Enforced: true, TypesGiven: true}
	switch s.Tier {
	case "Admin":
		p.Tier = "kube-admin"
	case "Baseline":
		p.Tier = "kube-baseline"
	default:
		p.Tier = "kube-admin"
		r.add(badName.On(r.at("/spec/tier"), "the tier %q is neither Admin nor Baseline", s.Tier))
		r.drop("its tier does not exist")
	}
	r.clusterLimits(&s)
	if r.cluster.CalicoMinor < clusterPolicies {
		r.add(notEvaluated.On(r.at("/kind"), "Calico 3.%d does not read ClusterNetworkPolicies: it is taken to have no effect", r.cluster.CalicoMinor))
		r.drop("this release of Calico does not read it")
	}
	subject, ok := r.clusterPeer(s.Subject, "/spec/subject")
	if !ok || len(s.Subject.Networks) > 0 {
		r.add(contradiction.On(r.at("/spec/subject"), "the subject is neither namespaces nor pods").Because(serverRefuses))
		r.drop("it has no subject")
	} else {
		p.selector = selector.And(ofKubernetes, *subject.Selector)
	}
	for i, rule := range s.Ingress {
		rules := r.clusterRule(rule.Action, rule.From, rule.Protocols, item("/spec/ingress", i), Ingress)
		p.Rules[Ingress] = append(p.Rules[Ingress], rules...)
	}
	for i, rule := range s.Egress {
		rules := r.clusterRule(rule.Action, rule.To, rule.Protocols, item("/spec/egress", i), Egress)
		p.Rules[Egress] = append(p.Rules[Egress], rules...)
	}
	p.Governs = [2]bool{Ingress: len(p.Rules[Ingress]) > 0, Egress: len(p.Rules[Egress]) > 0}
	p.Dropped = r.dropped
	return p
}

// clusterRule multiplies the peers and the protocols of a ClusterNetworkPolicy's rule into rules.
// One that Calico cannot convert fails closed: an Accept is left out, anything else denies
// everything.
func (r *reader) clusterRule(action string, peers []object.ClusterPeer, protocols []object.ClusterProtocol, pointer string, d Direction) []Rule {
	actions := map[string]Action{"Accept": Allow, "Deny": Deny, "Pass": Pass}
	does, valid := actions[action]
	if !valid {
		r.add(badAction.On(r.at(pointer+"/action"), "the action %q is none of Accept, Deny and Pass", action).Respell(inCase(action, "Accept", "Deny", "Pass")))
	}
	groups := []portGroup{{}}
	if len(protocols) > 0 {
		groups = nil
	}
	for i, protocol := range protocols {
		g, ok := r.clusterPorts(protocol, item(pointer+"/protocols", i))
		groups = append(groups, g)
		valid = valid && ok
	}
	side := "/from"
	if d == Egress {
		side = "/to"
	}
	var rules []Rule
	for i, peer := range peers {
		e, ok := r.clusterPeer(peer, item(pointer+side, i))
		valid = valid && ok
		for _, g := range groups {
			rule := Rule{Pointer: pointer, Peer: severally(item(pointer+side, i), len(peers)), Action: does, Protocol: g.protocol}
			if d == Ingress {
				rule.Source = e
			} else {
				rule.Destination = e
			}
			rule.Destination.Ports = g.ports
			rule.Source.seal()
			rule.Destination.seal()
			rules = append(rules, rule)
		}
	}
	switch {
	case valid:
		return rules
	case does == Allow:
		return nil
	default:
		return []Rule{{Pointer: pointer, Action: Deny}}
	}
}

// clusterPeer reads the subject or a peer of a ClusterNetworkPolicy. A peer by namespaces may be
// a host endpoint or a global network set if its selector only negates: Calico adds no term for
// pods there.
func (r *reader) clusterPeer(p object.ClusterPeer, pointer string) (Entity, bool) {
	switch {
	case p.Namespaces != nil:
		s, ok := r.labelSelector(p.Namespaces, pointer+"/namespaces")
		if s.Root().Op == selector.OpAll {
			s = selector.Has(labelNamespace)
		} else {
			s = s.Prefixed(namespacePrefix)
		}
		return Entity{Selector: &s}, ok
	case p.Pods != nil:
		namespaces, ok := r.labelSelector(&p.Pods.NamespaceSelector, pointer+"/pods/namespaceSelector")
		pods, valid := r.labelSelector(&p.Pods.PodSelector, pointer+"/pods/podSelector")
		s := selector.And(ofKubernetes, pods, namespaces.Prefixed(namespacePrefix))
		return Entity{Selector: &s}, ok && valid
	case len(p.Networks) > 0: // a bare address is no range to Calico, nor to the API server
		var nets []netip.Prefix
		valid := true
		for i, text := range p.Networks {
			n, ok := r.block(text, item(pointer+"/networks", i))
			valid = valid && ok
			nets = append(nets, n)
		}
		return Entity{Nets: nets}, valid
	default:
		r.add(notEvaluated.On(r.at(pointer), "a peer that Calico does not implement: an Accept rule is left out, any other denies everything").
			Suggest("use namespaces, pods or networks"))
		return Entity{}, false
	}
}

// clusterPorts reads one of the protocols of a ClusterNetworkPolicy's rule: a named port, or a
// range of tcp, udp or sctp.
func (r *reader) clusterPorts(p object.ClusterProtocol, pointer string) (portGroup, bool) {
	if p.DestinationNamedPort != "" {
		return portGroup{ports: []PortMatch{{Name: p.DestinationNamedPort}}}, true
	}
	for _, c := range []struct {
		ports    *object.ClusterPorts
		protocol Protocol
	}{{p.TCP, TCP}, {p.UDP, UDP}, {p.SCTP, SCTP}} {
		if c.ports == nil {
			continue
		}
		g := portGroup{protocol: &c.protocol}
		port := c.ports.DestinationPort
		if port == nil {
			return g, true
		}
		first, last := port.Number, port.Number
		if port.Range != nil {
			first, last = port.Range.Start, port.Range.End
		}
		if first < 1 || last > 65535 || last < first {
			r.add(badPort.On(r.at(pointer), "ports %d to %d: ports are 1 to 65535", first, last))
			return g, false
		}
		g.ports = []PortMatch{{First: uint16(first), Last: uint16(last)}}
		return g, true
	}
	r.add(badPort.On(r.at(pointer), "a protocol that is none of tcp, udp and sctp"))
	return portGroup{}, false
}
