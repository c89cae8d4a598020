package meaning

import "portcullis.dev/policies/selector"

// Asker walks many packets through one Meaning. It remembers who the ends are, which
// policies apply to them, and which rules name an address, and so is for one goroutine.
type Asker struct {
	m     *Meaning
	ends  map[placed]end // nil: nothing is remembered
	apply map[halfOf][]stage

	candidates map[side]*candidates
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

// Asker is for those who ask more than a few times.
func (m *Meaning) Asker() *Asker {
	return &Asker{m: m, ends: map[placed]end{}, apply: map[halfOf][]stage{}, candidates: map[side]*candidates{}}
}

// once is an Asker that remembers nothing.
func (m *Meaning) once() *Asker { return &Asker{m: m} }

// Walk is Meaning's.
func (a *Asker) Walk(p Packet) Verdict {
	f := a.flow(p)
	return Verdict{Egress: a.half(&f, Egress), Ingress: a.half(&f, Ingress)}
}

// WalkHalf is Meaning's.
func (a *Asker) WalkHalf(p Packet, d Direction) Half {
	f := a.flow(p)
	return a.half(&f, d)
}

// Governing is Meaning's.
func (a *Asker) Governing(e *Endpoint, d Direction) Governed {
	if e.HostNetwork {
		return Governed{}
	}
	var g Governed
	stages := a.stages(e, e.Namespace, d)
	for _, s := range stages {
		g.Policies = append(g.Policies, s.policies...)
	}
	g.IsolatedBy, g.Isolated = isolated(stages, d)
	return g
}

func (a *Asker) flow(p Packet) flow {
	f := flow{Packet: p, family: a.m.familyOf(p)}
	f.from, f.to = a.lookUp(p.From, f.family), a.lookUp(p.To, f.family)
	return f
}

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
