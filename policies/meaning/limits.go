package meaning

import (
	"slices"
	"strings"
	"unicode/utf8"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"

	"portcullis.dev/policies/object"
)

// The numbers of the API of ClusterNetworkPolicies (network-policy-api, v1alpha2).
const (
	mostPriority    = 1000
	mostClusterList = 25
	mostRuleName    = 100
)

// limits reports a list, number or text in a policy that is longer, greater or smaller than the
// API allows.
func (r *reader) limits(pointer, because, format string, args ...any) {
	r.add(outOfBounds.On(r.at(pointer), format, args...).Because("%s", because))
}

// Who refuses a policy.
const (
	calicoRefuses = "Calico refuses the policy"
	serverRefuses = "the API server refuses the policy"
)

// clusterLimits checks the limits that the API server sets to a ClusterNetworkPolicy.
func (r *reader) clusterLimits(s *object.ClusterNetworkPolicySpec) {
	if s.Priority < 0 || s.Priority > mostPriority {
		r.limits("/spec/priority", serverRefuses, "the priority %d is not 0 to %d", s.Priority, mostPriority)
	}
	if s.Subject.Namespaces != nil && s.Subject.Pods != nil {
		r.add(contradiction.On(r.at("/spec/subject"), "the subject is both namespaces and pods").
			Because(serverRefuses).Suggest("write two policies, or pods with a namespaceSelector"))
	}
	r.atMost("/spec/ingress", "rules", len(s.Ingress))
	r.atMost("/spec/egress", "rules", len(s.Egress))
	for i, rule := range s.Ingress {
		r.clusterRuleLimits(rule.Name, rule.From, rule.Protocols, item("/spec/ingress", i), Ingress)
	}
	for i, rule := range s.Egress {
		r.clusterRuleLimits(rule.Name, rule.To, rule.Protocols, item("/spec/egress", i), Egress)
	}
}

// atMost reports a list of a ClusterNetworkPolicy that is longer than the API server allows.
func (r *reader) atMost(pointer, what string, n int) {
	if n > mostClusterList {
		r.limits(pointer, serverRefuses, "%d %s, and there may be %d", n, what, mostClusterList)
	}
}

// clusterRuleLimits checks the limits of one rule of a ClusterNetworkPolicy: its name, and how
// many peers and protocols it has.
func (r *reader) clusterRuleLimits(name string, peers []object.ClusterPeer, protocols []object.ClusterProtocol, pointer string, d Direction) {
	if n := utf8.RuneCountInString(name); n > mostRuleName {
		r.limits(pointer+"/name", serverRefuses, "a rule's name of %d characters, and there may be %d", n, mostRuleName)
	}
	side := pointer + "/from"
	if d == Egress {
		side = pointer + "/to"
	}
	if len(peers) == 0 {
		r.limits(pointer, serverRefuses, "a rule without a peer: %s has at least one", side[len(pointer)+1:])
	}
	r.atMost(side, "peers", len(peers))
	if protocols != nil && len(protocols) == 0 {
		r.limits(pointer+"/protocols", serverRefuses, "an empty list of protocols: there is at least one, or no list")
	}
	r.atMost(pointer+"/protocols", "protocols", len(protocols))
	for i, p := range protocols {
		r.clusterProtocolLimits(p, item(pointer+"/protocols", i))
	}
	named := slices.ContainsFunc(protocols, func(p object.ClusterProtocol) bool { return p.DestinationNamedPort != "" })
	for i, p := range peers {
		r.clusterPeerLimits(p, item(side, i), d, named)
	}
}

// clusterPeerLimits checks that a peer of a ClusterNetworkPolicy is of one kind, which its rule
// may have, and how much it lists.
func (r *reader) clusterPeerLimits(p object.ClusterPeer, pointer string, d Direction, named bool) {
	var kinds []string
	for _, k := range []struct {
		name        string
		there, pods bool
	}{
		{"namespaces", p.Namespaces != nil, true}, {"pods", p.Pods != nil, true},
		{"nodes", p.Nodes != nil, false}, {"networks", p.Networks != nil, false}, {"domainNames", p.DomainNames != nil, false},
	} {
		if !k.there {
			continue
		}
		kinds = append(kinds, k.name)
		switch {
		case k.pods:
		case d == Ingress:
			r.add(contradiction.On(r.at(pointer+"/"+k.name), "%s in an ingress rule, which knows namespaces and pods alone", k.name).
				Because(serverRefuses).Suggest("use a GlobalNetworkPolicy for other sources"))
		case named:
			r.add(contradiction.On(r.at(pointer+"/"+k.name), "%s beside a destinationNamedPort: only pods have named ports", k.name).
				Because(serverRefuses).Suggest("write the port's number, or another rule"))
		}
	}
	if len(kinds) > 1 {
		r.add(contradiction.On(r.at(pointer), "a peer that is both %s", strings.Join(kinds, " and ")).
			Because(serverRefuses).Suggest("write two peers"))
	}
	if p.Networks != nil && len(p.Networks) == 0 {
		r.limits(pointer+"/networks", serverRefuses, "an empty list of networks: there is at least one")
	}
	r.atMost(pointer+"/networks", "networks", len(p.Networks))
	r.atMost(pointer+"/domainNames", "domain names", len(p.DomainNames))
	for i, text := range p.Networks {
		if slices.Contains(p.Networks[:i], text) {
			r.add(contradiction.On(r.at(item(pointer+"/networks", i)), "the range %s is written twice", text).
				Because(serverRefuses).Suggest("keep one"))
		}
	}
}

// clusterProtocolLimits checks that a protocol of a ClusterNetworkPolicy is one, with one port or
// a range of more.
func (r *reader) clusterProtocolLimits(p object.ClusterProtocol, pointer string) {
	var kinds []string
	if p.DestinationNamedPort != "" {
		kinds = append(kinds, "destinationNamedPort")
	}
	for _, c := range []struct {
		name  string
		ports *object.ClusterPorts
	}{{"tcp", p.TCP}, {"udp", p.UDP}, {"sctp", p.SCTP}} {
		if c.ports == nil {
			continue
		}
		kinds = append(kinds, c.name)
		port := c.ports.DestinationPort
		switch {
		case port == nil:
			r.limits(pointer+"/"+c.name, serverRefuses, "%s without a destinationPort", c.name)
		case port.Range != nil && port.Number != 0:
			r.add(contradiction.On(r.at(pointer+"/"+c.name+"/destinationPort"), "a port that is both a number and a range").
				Because(serverRefuses).Suggest("keep one"))
		case port.Range != nil && port.Range.Start == port.Range.End:
			r.limits(pointer+"/"+c.name+"/destinationPort/range", serverRefuses, "the range %d to %d is one port", port.Range.Start, port.Range.End)
		}
	}
	if len(kinds) > 1 {
		r.add(contradiction.On(r.at(pointer), "a protocol that is both %s", strings.Join(kinds, " and ")).
			Because(serverRefuses).Suggest("write two protocols"))
	}
}

// countedLists is the release from which Calico's custom resources count, and the most of each.
const (
	countedLists      = 33
	mostCalicoRules   = 1024
	mostSelectorText  = 1024
	mostNets          = 256
	mostPorts         = 50
	mostHTTP          = 20
	countedByResource = "from Calico 3.33 on the API server refuses the policy"
)

// calicoLimits checks the limits that Calico's custom resources set to lists and selectors of a
// policy.
func (r *reader) calicoLimits(s calico.GlobalNetworkPolicySpec) {
	if r.cluster.CalicoMinor < countedLists {
		return
	}
	r.selectorLength(s.Selector, "/spec/selector")
	r.selectorLength(s.NamespaceSelector, "/spec/namespaceSelector")
	r.selectorLength(s.ServiceAccountSelector, "/spec/serviceAccountSelector")
	for d, rules := range [][]calico.Rule{Ingress: s.Ingress, Egress: s.Egress} {
		pointer := "/spec/" + Direction(d).String()
		r.counted(pointer, "rules", len(rules), mostCalicoRules)
		for i, rule := range rules {
			r.entityLimits(rule.Source, item(pointer, i)+"/source")
			r.entityLimits(rule.Destination, item(pointer, i)+"/destination")
			if rule.HTTP != nil {
				r.counted(item(pointer, i)+"/http/methods", "methods", len(rule.HTTP.Methods), mostHTTP)
				r.counted(item(pointer, i)+"/http/paths", "paths", len(rule.HTTP.Paths), mostHTTP)
			}
		}
	}
}

// entityLimits checks the limits of a Calico rule's source or destination: ranges, ports, and the
// length of selectors.
func (r *reader) entityLimits(e calico.EntityRule, pointer string) {
	r.ranges(e.Nets, pointer+"/nets")
	r.ranges(e.NotNets, pointer+"/notNets")
	r.counted(pointer+"/ports", "ports", len(e.Ports), mostPorts)
	r.counted(pointer+"/notPorts", "ports", len(e.NotPorts), mostPorts)
	r.selectorLength(e.Selector, pointer+"/selector")
	r.selectorLength(e.NotSelector, pointer+"/notSelector")
	r.selectorLength(e.NamespaceSelector, pointer+"/namespaceSelector")
}

// ranges checks how many ranges a Calico rule lists, and that none is there twice.
func (r *reader) ranges(nets []string, pointer string) {
	r.counted(pointer, "ranges", len(nets), mostNets)
	seen := map[string]bool{}
	for i, text := range nets {
		if seen[text] {
			r.add(contradiction.On(r.at(item(pointer, i)), "the range %s is written twice", text).
				Because(countedByResource).Suggest("keep one"))
		}
		seen[text] = true
	}
}

// counted reports a list of a Calico policy that is longer than its custom resource allows.
func (r *reader) counted(pointer, what string, n, most int) {
	if n > most {
		r.limits(pointer, countedByResource, "%d %s, and there may be %d", n, what, most)
	}
}

// selectorLength reports a selector's text that is longer than Calico's custom resources allow.
func (r *reader) selectorLength(text, pointer string) {
	if n := utf8.RuneCountInString(text); n > mostSelectorText {
		r.limits(pointer, countedByResource, "a selector of %d characters, and there may be %d", n, mostSelectorText)
	}
}
