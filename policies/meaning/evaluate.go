package meaning

import (
	"slices"

	"portcullis.dev/policies/packet"
)

// Segment is a part of what one end may do with others in one direction: for all
// those peers, traffic and families the outcome is the same, and so is what decides.
type Segment struct {
	Peers    packet.Numbers // classes
	Traffic  packet.Traffic
	Families Families
	Outcome  Outcome

	by cause
	// except is what the segment leaves out. Only what is denied has some: it is the
	// rest, and hardly anybody asks for it.
	except []region
}

// region is traffic with some peers.
type region struct {
	families Families
	peers    packet.Numbers // classes
	traffic  packet.Traffic
}

func (x region) and(y region) region {
	return region{x.families & y.families, x.peers.Intersect(y.peers), x.traffic.Intersect(y.traffic)}
}

func (x region) isEmpty() bool { return x.families == 0 || x.peers.IsEmpty() || x.traffic.IsEmpty() }

func (x region) overlaps(y region) bool {
	return x.families&y.families != 0 && x.traffic.Overlaps(y.traffic) && x.peers.Overlaps(y.peers)
}

func (x region) covers(y region) bool {
	return y.families&^x.families == 0 && x.traffic.Covers(y.traffic) && x.peers.Covers(y.peers)
}

// less is what others leave of a region, in parts that do not overlap.
func (r *Relation) less(x region, others []region) []region {
	parts := []region{x}
	for _, y := range others {
		if !x.overlaps(y) {
			continue
		}
		var left []region
		add := func(part region) {
			if !part.isEmpty() {
				left = append(left, part)
			}
		}
		for _, part := range parts {
			common := part.and(y)
			if common.isEmpty() {
				left = append(left, part)
				continue
			}
			add(region{part.families, part.peers.Subtract(y.peers), part.traffic})
			add(region{part.families, common.peers, part.traffic.Subtract(y.traffic)})
			other := part.families &^ y.families
			add(region{other, common.peers.Intersect(r.withFamily(other)), common.traffic})
		}
		parts = left
	}
	return parts
}

// box is a part of what a program has not decided yet, but for what it leaves out.
type box struct {
	region
	except []region
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
	r        *Relation
	d        Direction
	left     []box // what reached this place of this tier
	next     []box // what goes on to the next tier
	segments []Segment
}

// run evaluates a program: everything that peers could send or be sent, tier by tier
// and rule by rule.
func (e *evaluation) run(p *program) {
	e.segments, e.next = e.segments[:0], e.next[:0]
	e.left = append(e.left[:0], box{region: region{e.r.families, e.r.everyone(), packet.Anything()}})
	if p.profiles == open {
		// Between ends that nothing governs there is nothing to say.
		if len(p.guises) == 0 {
			e.left[0].peers = e.r.governed
		}
		for host, n := range p.guises {
			e.asOn(&e.r.programs[e.d][n], int32(host))
		}
		e.decide(mayAllow, cause{kind: Outside})
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
	p.segments = slices.Clone(e.segments)
}

// asOn makes doubtful what would not be allowed if the end's node were that of a host
// endpoint: the packet may be dropped there, and is allowed anywhere else.
func (e *evaluation) asOn(p *program, host int32) {
	c := compiled{at: cause{kind: Outside, place: host}}
	for _, s := range p.segments {
		if s.Outcome == Allowed {
			continue
		}
		for _, x := range e.r.less(region{s.Families, s.Peers, s.Traffic}, s.except) {
			for _, c.action = range []Action{Allow, Deny} {
				e.match(&c, x.families, x.peers, packet.Traffic{}, x.traffic)
			}
		}
	}
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

// match takes out of every box what a term matches. The box leaves it out from then
// on, which is cheaper than to work out what remains of it.
func (e *evaluation) match(c *compiled, families Families, peers packet.Numbers, yes, may packet.Traffic) {
	asked := region{families, peers, may}
	for i := range len(e.left) {
		if !e.left[i].overlaps(asked) {
			continue
		}
		hit := e.left[i].and(asked)
		b := e.left[i]
		if yes.Covers(b.traffic) && hit.covers(b.region) {
			// All of it, whatever it leaves out.
			e.left[i].families = 0
			e.apply(b, c)
			continue
		}
		parts := e.r.less(hit, b.except)
		if len(parts) == 0 {
			continue
		}
		e.left[i].except = append(b.except, hit) // which is nobody else's
		b.except = nil
		for _, part := range parts {
			b.region = part
			if b.traffic = part.traffic.Subtract(yes); !b.traffic.IsEmpty() {
				e.suspect(b, c)
			}
			if b.traffic = part.traffic.Intersect(yes); !b.traffic.IsEmpty() {
				e.apply(b, c)
			}
		}
	}
	e.left = slices.DeleteFunc(e.left, func(b box) bool { return b.families == 0 })
}

// suspect takes note that a rule may match. The box goes on, unless both ends are
// possible: then nothing that follows matters.
func (e *evaluation) suspect(b box, c *compiled) {
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
		return
	}
	e.left = append(e.left, b)
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
	e.emit(b)
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

// emit makes segments of a box that is decided.
func (e *evaluation) emit(b box) {
	s := Segment{Outcome: Unknown, by: b.doubt}
	switch b.got {
	case mayAllow:
		s.Outcome, s.by = Allowed, b.by
	case mayDeny:
		s.Peers, s.Traffic, s.Families, s.Outcome, s.by, s.except = b.peers, b.traffic, b.families, Denied, b.by, b.except
		e.segments = append(e.segments, s)
		return
	}
	for _, part := range e.r.less(b.region, b.except) {
		s.Peers, s.Traffic, s.Families = part.peers, part.traffic, part.families
		e.segments = append(e.segments, s)
	}
}

// holds reports whether a packet from or to a peer is in the segment.
func (s *Segment) holds(peer uint32, h packet.Header, family int) bool {
	if !s.Families.Has(family) || !s.Traffic.Contains(h) || !s.Peers.Contains(peer) {
		return false
	}
	return !slices.ContainsFunc(s.except, func(x region) bool {
		return x.families.Has(family) && x.traffic.Contains(h) && x.peers.Contains(peer)
	})
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
