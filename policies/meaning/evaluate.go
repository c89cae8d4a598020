package meaning

import "portcullis.dev/policies/packet"

// Segment is a part of what one end may do with others in one direction: for all
// those peers, traffic and families the outcome is the same, and so is what decides.
type Segment struct {
	Peers    packet.Numbers // classes
	Traffic  packet.Traffic
	Families Families
	Outcome  Outcome

	by cause
}

// box is a part of what a program has not decided yet.
type box struct {
	families Families
	peers    packet.Numbers
	traffic  packet.Traffic
	// got is what may become of it, if rules that only may match do match; doubt is
	// the first of those. passed: one of them passes it on to the next tier.
	got    outcomes
	doubt  cause
	passed bool
	// by decided it, if no rule matches that only may; what remains to be seen is what
	// becomes of it otherwise.
	by cause
}

// evaluation runs one program. It follows Walk: where a rule may match, both ways.
type evaluation struct {
	r           *Relation
	d           Direction
	left, spare []box // what reached this place of this tier
	next        []box // what goes on to the next tier
	segments    []Segment
}

// run evaluates a program: everything that peers could send or be sent, tier by tier
// and rule by rule.
func (e *evaluation) run(p *program) []Segment {
	e.segments, e.next = nil, nil
	e.left = append(e.left[:0], box{families: p.families, peers: e.r.everyone(), traffic: packet.Anything()})
	if p.profiles == open {
		// Between ends that nothing governs there is nothing to say.
		e.left[0].peers = e.r.governed
		e.decide(mayAllow, cause{kind: Outside})
		return e.segments
	}
	for i := 0; i < len(p.steps); {
		tier := e.r.policies[p.steps[i].policy].tier
		first := i
		for ; i < len(p.steps) && e.r.policies[p.steps[i].policy].tier == tier; i++ {
			e.policy(&p.steps[i])
		}
		if e.r.m.Tiers[tier].PassAtEnd {
			e.pass()
		} else {
			e.decide(mayDeny, e.r.tierEnd(p.steps[first:i], tier, e.d))
		}
		e.left, e.next = append(e.left[:0], e.next...), e.next[:0]
	}
	e.profiles(p.profiles)
	return e.segments
}

func (e *evaluation) policy(s *step) {
	rules := e.r.policies[s.policy].rules[e.d]
	for i := range rules {
		if len(e.left) == 0 {
			return
		}
		if rules[i].own == nil {
			e.rule(&rules[i], rules[i].families, rules[i].traffic, rules[i].traffic)
			continue
		}
		own := &s.own[i]
		if own[0].yes.Equal(own[1].yes) && own[0].may.Equal(own[1].may) {
			e.rule(&rules[i], rules[i].families, rules[i].traffic.Intersect(own[0].yes), rules[i].traffic.Intersect(own[0].may))
			continue
		}
		for f, of := range familyNumbers {
			e.rule(&rules[i], rules[i].families&familyBit(of), rules[i].traffic.Intersect(own[f].yes), rules[i].traffic.Intersect(own[f].may))
		}
	}
}

// rule takes out of what is left what the rule decides.
func (e *evaluation) rule(c *compiled, families Families, yes, may packet.Traffic) {
	if families == 0 || may.IsEmpty() {
		return
	}
	for i := range c.peer {
		t := &c.peer[i]
		if of := families & t.families; of != 0 {
			e.match(c, of, t.classes, yes.Intersect(t.yes), may.Intersect(t.may))
		}
	}
}

func (e *evaluation) match(c *compiled, families Families, peers packet.Numbers, yes, may packet.Traffic) {
	kept := e.spare[:0]
	for _, b := range e.left {
		if b.families&families == 0 || !b.traffic.Overlaps(may) || !b.peers.Overlaps(peers) {
			kept = append(kept, b)
			continue
		}
		// Other peers, the same peers in packets of the other family, other traffic.
		kept = keep(kept, b, b.families, b.peers.Subtract(peers), b.traffic)
		hit := b.peers.Intersect(peers)
		if other := b.families &^ families; other != 0 {
			kept = keep(kept, b, other, hit.Intersect(e.r.withFamily(other)), b.traffic)
		}
		b.families &= families
		b.peers = hit
		kept = keep(kept, b, b.families, hit, b.traffic.Subtract(may))
		if doubtful := b.traffic.Intersect(may).Subtract(yes); !doubtful.IsEmpty() {
			d := b
			d.traffic = doubtful
			if e.suspect(&d, c) {
				kept = append(kept, d)
			}
		}
		if b.traffic = b.traffic.Intersect(yes); !b.traffic.IsEmpty() {
			e.apply(b, c)
		}
	}
	e.left, e.spare = kept, e.left
}

func keep(kept []box, b box, families Families, peers packet.Numbers, traffic packet.Traffic) []box {
	if peers.IsEmpty() || traffic.IsEmpty() {
		return kept
	}
	b.families, b.peers, b.traffic = families, peers, traffic
	return append(kept, b)
}

// suspect takes note that a rule may match. It reports whether the box goes on:
// once both ends are possible, nothing that follows matters.
func (e *evaluation) suspect(b *box, c *compiled) bool {
	if b.doubt.kind == 0 {
		b.doubt = c.at
	}
	switch c.action {
	case Allow:
		b.got |= mayAllow
	case Pass:
		b.passed = true
	default:
		b.got |= mayDeny
	}
	if b.got == mayAllow|mayDeny {
		e.emit(b)
		return false
	}
	return true
}

// apply is what becomes of a box that a rule matches.
func (e *evaluation) apply(b box, c *compiled) {
	switch c.action {
	case Pass:
		b.passed = false
		e.next = append(e.next, b)
	case Allow:
		e.settle(b, mayAllow, c.at)
	default:
		e.settle(b, mayDeny, c.at)
	}
}

// settle decides a box. It goes on if a rule may have passed it before.
func (e *evaluation) settle(b box, outcome outcomes, by cause) {
	b.got |= outcome
	if b.by.kind == 0 {
		b.by = by
	}
	if b.passed && b.got != mayAllow|mayDeny {
		b.passed = false
		e.next = append(e.next, b)
		return
	}
	e.emit(&b)
}

// decide settles all that is left.
func (e *evaluation) decide(outcome outcomes, by cause) {
	for _, b := range e.left {
		e.settle(b, outcome, by)
	}
	e.left = e.left[:0]
}

// pass sends all that is left to the next tier.
func (e *evaluation) pass() {
	for _, b := range e.left {
		b.passed = false
		e.next = append(e.next, b)
	}
	e.left = e.left[:0]
}

func (e *evaluation) emit(b *box) {
	s := Segment{Peers: b.peers, Traffic: b.traffic, Families: b.families, Outcome: Unknown, by: b.doubt}
	switch b.got {
	case mayAllow:
		s.Outcome, s.by = Allowed, b.by
	case mayDeny:
		s.Outcome, s.by = Denied, b.by
	}
	e.segments = append(e.segments, s)
}

// profiles decide what is left at the end: the first rule that matches, else a drop.
func (e *evaluation) profiles(place int32) {
	list := &e.r.profiles[place]
	for i, p := range list.profiles {
		if p.missing {
			e.decide(mayDeny, cause{kind: ByProfile, place: int32(i), rule: noRule})
			return
		}
		for j := range list.rules[e.d][i] {
			c := list.rules[e.d][i][j]
			if c.action != Allow {
				c.action = Deny // a Pass in a profile drops
			}
			e.rule(&c, c.families, c.traffic, c.traffic)
		}
	}
	e.decide(mayDeny, cause{kind: ByProfile, place: noRule, rule: noRule})
}

// tierEnd is why a tier drops what none of its policies' rules decides.
func (r *Relation) tierEnd(steps []step, tier int, d Direction) cause {
	best := steps[0].policy
	for _, s := range steps[1:] {
		if len(r.policies[s.policy].policy.Rules[d]) < len(r.policies[best].policy.Rules[d]) {
			best = s.policy
		}
	}
	return cause{kind: ByTierEnd, place: best, rule: noRule, inTier: int32(tier)}
}
