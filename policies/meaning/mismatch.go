package meaning

// Mismatch is the first reason why a rule does not match a packet.
type Mismatch int

// The reasons, in the order in which they are looked for.
const (
	Matching      Mismatch = iota // it matches, or may match
	OtherFamily                   // its addresses, or its ipVersion, are of the other family
	OtherProtocol                 // another protocol
	OtherMessage                  // another ICMP type or code
	OtherSource                   // the sender is not one of those that it names
	OtherSourcePort
	OtherDestination // the receiver is not one of those that it names
	OtherPort
	OtherService // the receiver is no endpoint of the Service, or the sender none
)

// Mismatch says why the rule does not match the packet, whatever comes before it.
func (m *Meaning) Mismatch(r *Rule, p Packet) Mismatch {
	f := m.once().flow(p)
	if m.match(r, &f) > no {
		return Matching
	}
	// A rule without the criteria that come later matches: the last one added is why not.
	some := Rule{Action: r.Action, Family: r.Family}
	fails := func() bool { return m.match(&some, &f) == no }
	peersOf := func(e Entity) Entity {
		e.Ports, e.NotPorts, e.Service = nil, nil, nil
		return e
	}
	if !r.exists(f.family) || fails() {
		return OtherFamily
	}
	if some.Protocol, some.NotProtocol = r.Protocol, r.NotProtocol; fails() {
		return OtherProtocol
	}
	if some.ICMP, some.NotICMP = r.ICMP, r.NotICMP; fails() {
		return OtherMessage
	}
	if some.Source = peersOf(r.Source); fails() {
		return OtherSource
	}
	if some.Destination = peersOf(r.Destination); fails() {
		return OtherDestination
	}
	if some.Source.Ports, some.Source.NotPorts = r.Source.Ports, r.Source.NotPorts; fails() {
		return OtherSourcePort
	}
	if some.Destination.Ports, some.Destination.NotPorts = r.Destination.Ports, r.Destination.NotPorts; fails() {
		return OtherPort
	}
	return OtherService
}
