package meaning

import (
	"fmt"
	"net/netip"

	"portcullis.dev/policies/packet"
)

// Follow is Walk for those who want to know what becomes of a packet in the cluster, and
// not what policies say of its ends alone. What is not evaluated at host endpoints is
// unknown where it may decide, unless a pod's own policies deny the packet: failsafe ports,
// hosts whose addresses nobody lists, and policies that act on what is forwarded, not
// tracked, or not yet translated. So is what policies may decide that nobody evaluates: those
// of Calico's operator that are not in sight, and those that are not modelled or not read.
func (m *Meaning) Follow(p Packet) Verdict { return m.once().Follow(p) }

// Follow walks a packet as [Meaning.Follow] does, and remembers its ends.
func (a *Asker) Follow(p Packet) Verdict {
	f := a.flow(p)
	v := Verdict{Egress: a.followed(&f, Egress), Ingress: a.followed(&f, Ingress)}
	if a.m.hasHosts() {
		v.OnTheWay = a.m.onTheWay(&f)
	}
	return v
}

// Outcome tells what becomes of a packet that is followed, and no more: where one half denies it,
// nobody need look further.
func (a *Asker) Outcome(p Packet) Outcome {
	f := a.flow(p)
	v := Verdict{Egress: a.followed(&f, Egress)}
	if v.Egress.Outcome == Denied {
		return Denied
	}
	if v.Ingress = a.followed(&f, Ingress); a.m.hasHosts() {
		v.OnTheWay = a.m.onTheWay(&f)
	}
	return v.Outcome()
}

// hasHosts reports whether anything may decide at host endpoints.
func (m *Meaning) hasHosts() bool { return len(m.Hosts)+len(m.onHosts) > 0 }

// followed walks one half of a packet that is followed in the cluster.
func (a *Asker) followed(f *flow, d Direction) Half {
	half := a.half(f, d)
	if by, doubt := a.m.turned(f, d, half); doubt {
		half = Half{Outcome: Unknown, By: by}
	}
	if a.m.hasHosts() {
		if by, doubt := a.atHost(*f, d, half); doubt {
			half = Half{Outcome: Unknown, By: by}
		}
	}
	return half
}

// atHost says of an end on a node why Follow does not know its half, if that is so.
func (a *Asker) atHost(f flow, d Direction, walked Half) (Decision, bool) {
	e := &f.to
	if d == Egress {
		e = &f.from
	}
	if e.host != nil {
		return a.m.beforePolicies(&f, d, e.host, walked)
	}
	if !e.onNode(a.m) || !e.addr.IsValid() { // of a pod whose node nobody knows, Walk says it
		return Decision{}, false
	}
	for _, h := range a.m.Hosts {
		if !h.Unlisted {
			continue
		}
		if e.host = h; a.half(&f, d).Outcome != Allowed {
			return Decision{Cause: Outside, Reason: fmt.Sprintf("the address may be that of %s, which lists none", h.ID)}, true
		}
	}
	return Decision{}, false
}

// beforePolicies says what may let a packet of a host endpoint through before the policies that
// deny it: a failsafe port, or a policy that acts before connection tracking.
func (m *Meaning) beforePolicies(f *flow, d Direction, h *Host, walked Half) (Decision, bool) {
	if walked.Outcome != Denied {
		return Decision{}, false
	}
	if Failsafe(d).Contains(f.Header()) {
		return Decision{Cause: Outside, Reason: fmt.Sprintf("the policies of %s deny it, but it is one of the ports that Felix lets through at host endpoints unless it is told otherwise", h.ID)}, true
	}
	for _, p := range m.onHosts {
		if p.HostsOnly && p.Governs[d] && p.Selects(h) && m.decides(p, d, f, func(a Action) bool { return a == Allow }) {
			return m.undecidedBy(p), true
		}
	}
	return Decision{}, false
}

// Failsafe is the traffic that Felix lets through at host endpoints before it asks policies,
// unless FelixConfiguration says otherwise (felix/config).
func Failsafe(d Direction) packet.Traffic {
	all := packet.Traffic{}
	for _, port := range []uint16{179, 2379, 2380, 5473, 6443, 6666, 6667} {
		all = all.Union(packet.Ports(packet.TCP, port, port))
	}
	if d == Ingress {
		return all.Union(packet.Ports(packet.TCP, 22, 22)).Union(packet.Ports(packet.UDP, 68, 68))
	}
	return all.Union(packet.Ports(packet.UDP, 53, 53)).Union(packet.Ports(packet.UDP, 67, 67))
}

// mayBeNode reports whether a node may have an address that no pod has. Where nobody says
// which addresses nodes have, those are the private ones.
func (m *Meaning) mayBeNode(a netip.Addr) bool {
	if len(m.nodes.prefixes) > 0 {
		return m.nodes.contains(a)
	}
	return a.IsPrivate() || a.IsLinkLocalUnicast() || shared.Contains(a)
}

// shared is the address space that providers share (RFC 6598), of which clusters take nodes'
// addresses too.
var shared = netip.MustParsePrefix("100.64.0.0/10")

// onNode reports whether an end may be a node, or a pod on its network.
func (e *end) onNode(m *Meaning) bool {
	return e.pod == nil && !e.anonymous && (e.host != nil || !e.addr.IsValid() || e.onHost != nil || m.mayBeNode(e.addr))
}

// isPod reports whether an end of a packet is on the pod network.
func (e *end) isPod() bool { return e.pod != nil || e.anonymous }

// onTheWay finds the first policy that may decide at a host endpoint what becomes of the packet:
// as it enters the node of one end, or leaves that of the other.
func (m *Meaning) onTheWay(f *flow) *Decision {
	for _, p := range m.onHosts {
		if m.concerns(p, f) {
			by := m.undecidedBy(p)
			return &by
		}
	}
	return nil
}

// undecidedBy says that a policy on host endpoints, which Follow does not evaluate, may decide
// about the packet.
func (m *Meaning) undecidedBy(p *Policy) Decision {
	return Decision{Cause: Outside, Tier: p.Tier, Policy: p.ID, Pointer: "/spec/" + p.OnHosts,
		Reason: fmt.Sprintf("%s (%s) may decide at a host endpoint that the packet passes, which is not evaluated", p.ID, p.OnHosts)}
}

// concerns reports whether a policy may drop a packet at a host endpoint. What goes from
// one pod to another meets host endpoints as what is forwarded, if at all: pod networks
// carry it from node to node inside other packets, unless they are told not to.
func (m *Meaning) concerns(p *Policy, f *flow) bool {
	enters := f.to.isPod() || f.to.onNode(m) && (f.to.host == nil || p.Selects(f.to.host))
	leaves := f.from.isPod() || f.from.onNode(m) && (f.from.host == nil || p.Selects(f.from.host))
	denies := func(a Action) bool { return a == Deny }
	switch {
	case p.OnHosts == "applyOnForward":
		return p.Governs[Ingress] && f.to.isPod() && !m.forwards(p, Ingress, f) ||
			p.Governs[Egress] && f.from.isPod() && !m.forwards(p, Egress, f)
	case f.from.isPod() && f.to.isPod():
		return false
	case p.OnHosts == "preDNAT":
		return enters && p.Governs[Ingress] && m.decides(p, Ingress, f, denies)
	default: // untracked: on every packet, replies included, and the replies to what is allowed are not known
		decides := func(a Action) bool { return a == Deny || a == Allow }
		back := flow{Packet: f.Packet, from: f.to, to: f.from, family: f.family}
		there := enters && m.decides(p, Ingress, f, decides) || leaves && m.decides(p, Egress, f, decides)
		return there || leaves && m.decides(p, Ingress, &back, decides) || enters && m.decides(p, Egress, &back, decides)
	}
}

// forwards reports whether a policy lets whatever there is between the ends be forwarded:
// where no rule of it does, the end of its tier drops it.
func (m *Meaning) forwards(p *Policy, d Direction, f *flow) bool {
	for i := range p.Rules[d] {
		r := &p.Rules[d][i]
		match := m.match(r, f)
		switch {
		case r.Action == Log:
		case r.Action == Allow && match == yes && !r.asksHeader():
			return true
		case r.Action != Allow && m.mayMeet(r, d, f):
			return false
		}
	}
	return false
}

// asksHeader reports whether a rule asks more of a packet than its ends.
func (r *Rule) asksHeader() bool {
	return r.Protocol != nil || r.NotProtocol != nil || r.ICMP != nil || r.NotICMP != nil ||
		len(r.Source.Ports)+len(r.Source.NotPorts)+len(r.Destination.Ports)+len(r.Destination.NotPorts) > 0
}

// decides reports whether a policy on host endpoints has a rule, with one of some actions, that
// may match packets between the ends.
func (m *Meaning) decides(p *Policy, d Direction, f *flow, of func(Action) bool) bool {
	for i := range p.Rules[d] {
		if r := &p.Rules[d][i]; of(r.Action) && m.mayMeet(r, d, f) {
			return true
		}
	}
	return false
}

// mayMeet reports whether a rule may match packets from the one end to the other on their way, by
// the end that is not the host endpoint's: the other may be another address before its
// translation, and ports are for whoever asks about one packet alone.
func (m *Meaning) mayMeet(r *Rule, d Direction, f *flow) bool {
	if !r.Rendered(f.family) {
		return false
	}
	e, at := &r.Source, &f.from
	if d == Egress {
		e, at = &r.Destination, &f.to
	}
	return !(e.asksAddresses() && at.in(e.addresses.IPSet(), f.family) == no) &&
		!((e.Selector != nil || e.NotSelector != nil) && at.selected(e.Selector, e.NotSelector) == no)
}
