package meaning

import (
	"fmt"
	"slices"

	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/selector"
)

// Asker walks many packets through one Meaning. It remembers who the ends are, which
// policies apply to them, and which rules name an address, and so is for one goroutine.
type Asker struct {
	m     *Meaning
	ends  map[placed]end // nil: nothing is remembered
	apply map[halfOf][]stage

	candidates map[side]*candidates
	headers    map[*Rule]packet.Traffic
	families   []int
	tried      int // rules against which packets were held: what walking costs
}

// placed is an end as packets of one family name it.
type placed struct {
	peer   Peer
	family int
}

// halfOf is an endpoint or a host in one direction.
type halfOf struct {
	owner selector.Labels
	d     Direction
}

// Asker makes an Asker: it pays where more than a few packets are asked about.
func (m *Meaning) Asker() *Asker {
	return &Asker{m: m, ends: map[placed]end{}, apply: map[halfOf][]stage{}, candidates: map[side]*candidates{}, headers: map[*Rule]packet.Traffic{}}
}

// once makes an Asker that remembers nothing, for a single packet.
func (m *Meaning) once() *Asker { return &Asker{m: m} }

// Walk evaluates a packet on both halves, as [Meaning.Walk] does, and remembers its ends.
func (a *Asker) Walk(p Packet) Verdict {
	f := a.flow(p)
	return Verdict{Egress: a.half(&f, Egress), Ingress: a.half(&f, Ingress)}
}

// WalkHalf evaluates one half of a packet, as [Meaning.WalkHalf] does, and remembers its ends.
func (a *Asker) WalkHalf(p Packet, d Direction) Half {
	f := a.flow(p)
	return a.half(&f, d)
}

// half evaluates what the policies of one end do with a packet, in all tiers.
func (a *Asker) half(f *flow, d Direction) Half { return a.halfBelow(f, d, "") }

// halfBelow evaluates a half for the Asker without the tiers down to the named one, as if
// they had passed the packet on.
func (a *Asker) halfBelow(f *flow, d Direction, tier string) Half {
	at := &f.to
	if d == Egress {
		at = &f.from
	}
	w := walk{a: a, m: a.m, f: f, d: d}
	switch {
	case at.pod != nil:
		w.stages = a.stages(at.pod, at.pod.Namespace, d)
		w.profiles = []*profile{podProfile(at.pod)}
	case at.host != nil:
		w.stages = a.stages(at.host, "", d)
		w.profiles = at.host.profiles
	case at.anonymous:
		return Half{Outcome: Unknown, By: Decision{Cause: Outside, Reason: fmt.Sprintf("nobody describes the pod with the address %s", at.addr)}}
	case !at.addr.IsValid():
		return a.onSomeNode(*f, d)
	default:
		return Half{Outcome: Allowed, By: ungoverned}
	}
	if above := slices.IndexFunc(w.stages, func(s stage) bool { return s.tier.Name == tier }); above >= 0 {
		w.stages = w.stages[above+1:]
	}
	switch w.from(0) {
	case mayAllow:
		return Half{Outcome: Allowed, By: w.by, Steps: w.steps[:w.last]}
	case mayDeny:
		return Half{Outcome: Denied, By: w.by, Steps: w.steps[:w.last]}
	default:
		if w.doubt.Cause == ByProfile {
			return Half{Outcome: Unknown, By: w.doubt, Steps: w.steps[:w.last]}
		}
		doubtful := &w.steps[w.doubtAt]
		doubtful.Result, doubtful.Policy, doubtful.Pointer = "unknown", w.doubt.Policy, w.doubt.Pointer
		return Half{Outcome: Unknown, By: w.doubt, Steps: w.steps[:w.doubtAt+1]}
	}
}

// onSomeNode evaluates the half of a pod on the host's network whose node nobody knows: it may be
// any that a host endpoint protects, or another.
func (a *Asker) onSomeNode(f flow, d Direction) Half {
	at := &f.to
	if d == Egress {
		at = &f.from
	}
	for _, h := range a.m.Hosts {
		at.host = h
		if a.half(&f, d).Outcome != Allowed {
			return Half{Outcome: Unknown, By: onNodeOf(h)}
		}
	}
	return Half{Outcome: Allowed, By: ungoverned}
}

// Governing says which policies apply to the endpoint, as [Meaning.Governing] does, with the
// tiers that it remembers.
func (a *Asker) Governing(e *Endpoint, d Direction) Governed {
	if e.HostNetwork {
		return Governed{}
	}
	var g Governed
	stages := a.stages(e, e.Namespace, d)
	count := 0
	for _, s := range stages {
		count += len(s.policies)
	}
	g.Policies = slices.Grow(g.Policies, count)
	for _, s := range stages {
		g.Policies = append(g.Policies, s.policies...)
	}
	g.IsolatedBy, g.Isolated = isolated(stages, d)
	if !g.Isolated && e.isPartlyUnwritten() {
		_, g.Perhaps = isolated(certain(stages), d)
	}
	return g
}

// Families lists the families of addresses that pods have, as [Meaning.Families] does, looked up once.
func (a *Asker) Families() []int {
	if a.families == nil {
		a.families = a.m.Families()
	}
	return a.families
}

// MayHave reports whether a peer may have one of some addresses in any family that pods have.
func (a *Asker) MayHave(p Peer, of packet.Addresses) bool {
	return slices.ContainsFunc(a.Families(), func(family int) bool {
		e := a.lookUp(p, family)
		return e.in(of.IPSet(), family) > no
	})
}

// flow looks up both ends of a packet, which the Asker may know from an earlier one.
func (a *Asker) flow(p Packet) flow {
	f := flow{Packet: p, family: a.m.familyOf(p)}
	f.from, f.to = a.lookUp(p.From, f.family), a.lookUp(p.To, f.family)
	return f
}

// lookUp finds out who a peer is, or remembers it from an earlier packet.
func (a *Asker) lookUp(p Peer, family int) end {
	if a.ends == nil {
		return a.m.lookUp(p, family)
	}
	key := placed{p, family}
	e, known := a.ends[key]
	if !known {
		e = a.m.lookUp(p, family)
		a.ends[key] = e
	}
	return e
}

// stages finds the tiers that packets of an endpoint or host go through, or remembers them from
// an earlier packet.
func (a *Asker) stages(owner selector.Labels, namespace string, d Direction) []stage {
	if a.apply == nil {
		return a.m.stages(owner, namespace, d)
	}
	key := halfOf{owner, d}
	s, known := a.apply[key]
	if !known {
		s = a.m.stages(owner, namespace, d)
		a.apply[key] = s
	}
	return s
}
