package meaning

import (
	"cmp"
	"net/netip"
	"strings"

	"go4.org/netipx"

	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/selector"
)

// Direction is one half of an endpoint's traffic.
type Direction int

// The directions.
const (
	Ingress Direction = iota
	Egress
)

// String spells the direction as manifests do under spec.
func (d Direction) String() string {
	if d == Egress {
		return "egress"
	}
	return "ingress"
}

// Policy is one policy of any kind in the form in which it is evaluated.
type Policy struct {
	ID         object.ID
	Tier       string
	Order      float64 // within the tier; +Inf where it is not given
	OrderGiven bool    // true for Kubernetes kinds, whose order is always 1000
	Enforced   bool    // false for Staged kinds
	TypesGiven bool    // types or policyTypes are written and not inferred
	Governs    [2]bool // by Direction: the policy's tier applies there to what it selects
	Rules      [2][]Rule

	// HostsOnly policies (doNotTrack, preDNAT) act on host endpoints before
	// connection tracking and never on pods; they are not evaluated.
	HostsOnly bool
	// OnHosts is the field (doNotTrack, preDNAT or applyOnForward) by which the policy
	// acts on host endpoints in a way that Walk does not evaluate; empty for none.
	OnHosts string
	// Dropped is why Calico ignores the policy as a whole; empty if it does not.
	Dropped string

	selector selector.Selector
}

// Selects reports whether the policy applies to an endpoint with those labels:
// an *Endpoint, or a *Host.
func (p *Policy) Selects(l selector.Labels) bool { return p.selector.Matches(l) }

// Selector gives the combined selector of the policy that Calico evaluates on endpoints' labels.
func (p *Policy) Selector() selector.Selector { return p.selector }

// Live reports whether the policy can decide anything about pods.
func (p *Policy) Live() bool { return p.Enforced && !p.HostsOnly && p.Dropped == "" }

// IsOfPodsAlone reports whether the policy changes nothing but halves of the pods that it selects:
// it has no way of its own to act on hosts, and says nothing of Calico's operator.
func (p *Policy) IsOfPodsAlone() bool {
	return !p.HostsOnly && p.OnHosts == "" && !isOperatorTier(p.Tier)
}

// mayGovernHosts reports whether the policy may select a host endpoint, of which any may
// exist. None has labels of namespaces and accounts, nor those that Calico gives to pods.
func (p *Policy) mayGovernHosts() bool {
	may, _ := p.selector.Possible(selector.Map{}, func(key string) bool {
		return key != labelNamespace && key != labelOrchestrator && key != labelServiceAccount &&
			!strings.HasPrefix(key, namespacePrefix) && !strings.HasPrefix(key, accountPrefix)
	})
	return may
}

// Action is what a rule does with the packets that it matches.
type Action int

// The actions. Log never ends an evaluation.
const (
	Allow Action = iota + 1
	Deny
	Pass
	Log
)

// String spells the action of a policy's rule as Calico does.
func (a Action) String() string { return [...]string{"", "Allow", "Deny", "Pass", "Log"}[a] }

// Rule is one rule. All its criteria hold for the packets that it matches.
type Rule struct {
	Pointer     string // into the policy's object, e.g. /spec/ingress/0
	Peer        string // the one of the rule's peers that it is about, where those are several
	Action      Action
	Family      int       // 4 or 6; 0 is both
	Protocol    *Protocol // nil is any
	NotProtocol *Protocol
	ICMP        *ICMPMatch
	NotICMP     *ICMPMatch
	Source      Entity
	Destination Entity
	// HTTP criteria are not evaluated: without Calico's application layer policy
	// the rule matches whatever they say.
	HTTP bool
}

// Place points at the rule of a policy or, where that has several peers, at the one in question:
// each may be somebody else's wish.
func (r *Rule) Place() string { return cmp.Or(r.Peer, r.Pointer) }

// ICMPMatch is a type and, if Code is not nil, a code.
type ICMPMatch struct {
	Type uint8
	Code *uint8
}

// Entity is what a rule asks of one end.
type Entity struct {
	Nets, NotNets   []netip.Prefix
	Selector        *selector.Selector // over the objects that have the address; nil is any address
	NotSelector     *selector.Selector
	Ports, NotPorts []PortMatch
	Service         *ServiceMatch

	addresses packet.Addresses // Nets, or everything, less NotNets
}

// PortMatch is an inclusive range of ports, or the name of a container's port.
type PortMatch struct {
	First, Last uint16
	Name        string // if not empty, the port that each endpoint gives this name
}

// ServiceMatch is the endpoints of a Service. An empty Namespace matches nothing:
// Calico never fills in the policy's own.
type ServiceMatch struct{ Namespace, Name string }

// Addresses gives the addresses that one end of a policy's rule asks for by ranges, if it does.
func (e *Entity) Addresses() (of packet.Addresses, asks bool) { return e.addresses, e.asksAddresses() }

// asksAddresses reports whether one end of a policy's rule names ranges.
func (e *Entity) asksAddresses() bool { return len(e.Nets)+len(e.NotNets) > 0 }

// isZero reports whether a policy's rule asks nothing of one end.
func (e *Entity) isZero() bool {
	return !e.asksAddresses() && e.Selector == nil && e.NotSelector == nil &&
		len(e.Ports) == 0 && len(e.NotPorts) == 0 && e.Service == nil
}

// MatchesAll reports whether the rule of a policy has no criterion at all.
func (r *Rule) MatchesAll() bool {
	return r.Family == 0 && r.Protocol == nil && r.NotProtocol == nil && r.ICMP == nil && r.NotICMP == nil &&
		r.Source.isZero() && r.Destination.isZero()
}

// AsksOwnEnd reports whether the rule, in that direction, asks something of the
// endpoint that it governs, so that two endpoints under the same policies may
// differ. Plain port numbers of the packet are no such question.
func (r *Rule) AsksOwnEnd(d Direction) bool {
	own := r.Destination
	if d == Egress {
		own = r.Source
	}
	return own.asksAddresses() || own.Selector != nil || own.NotSelector != nil || own.Service != nil || own.NamesPorts()
}

// NamesPorts reports whether one end of a policy's rule asks what the end's owner calls a port.
func (e *Entity) NamesPorts() bool { return named(e.Ports) || named(e.NotPorts) }

// seal works out the addresses that one end of a policy's rule asks for, once it is read.
func (e *Entity) seal() {
	if !e.asksAddresses() {
		return
	}
	e.addresses = packet.EveryAddress()
	if len(e.Nets) > 0 {
		e.addresses = packet.AddressesOf(e.Nets...)
	}
	e.addresses = e.addresses.Subtract(packet.AddressesOf(e.NotNets...))
}

// ipSet makes a set of addresses from the prefixes of policies.
func ipSet(prefixes []netip.Prefix) *netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, p := range prefixes {
		b.AddPrefix(p)
	}
	s, err := b.IPSet()
	if err != nil { // only an invalid prefix, which ParseNet never returns
		return &netipx.IPSet{}
	}
	return s
}
