package halfopen

import (
	"fmt"
	"slices"
	"strings"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

// program is what the same policies, in the same order, do with some classes in one
// direction.
type program struct {
	classes  packet.Numbers
	policies []*meaning.Policy
	rules    []*ownRule // of all policies in a row
	opened   []segment  // what a rule allows
	answered answers    // what is not merely denied for want of a rule
}

// ownRule is a rule with what it gets to hear of its own end, by family.
type ownRule struct {
	policy *meaning.Policy
	rule   *meaning.Rule
	own    []met // of no classes
}

// segment is traffic with peers that a rule allows.
type segment struct {
	region
	policy *meaning.Policy
	rule   *meaning.Rule
}

// region is traffic with some peers.
type region struct {
	families families
	peers    packet.Numbers
	traffic  packet.Traffic
}

// and intersects two regions: families, peers and traffic.
func (x region) and(y region) region {
	return region{x.families & y.families, x.peers.Intersect(y.peers), x.traffic.Intersect(y.traffic)}
}

// isEmpty reports whether a region has no traffic with any peer.
func (x region) isEmpty() bool { return x.families == 0 || x.peers.IsEmpty() || x.traffic.IsEmpty() }

// overlaps reports whether two regions share traffic with a peer.
func (x region) overlaps(y region) bool {
	return x.families&y.families != 0 && x.traffic.Overlaps(y.traffic) && x.peers.Overlaps(y.peers)
}

// covers reports whether a region has all traffic and peers of another.
func (x region) covers(y region) bool {
	return y.families&^x.families == 0 && x.traffic.Covers(y.traffic) && x.peers.Covers(y.peers)
}

// less returns what others leave of a region, in parts that do not overlap.
func (x region) less(others []region) []region {
	parts := []region{x}
	for _, y := range others {
		if !x.overlaps(y) {
			continue
		}
		var left []region
		for _, part := range parts {
			common := part.and(y)
			if common.isEmpty() {
				left = append(left, part)
				continue
			}
			for _, rest := range []region{
				{part.families, part.peers.Subtract(y.peers), part.traffic},
				{part.families, common.peers, part.traffic.Subtract(y.traffic)},
				{part.families &^ y.families, common.peers, common.traffic},
			} {
				if !rest.isEmpty() {
					left = append(left, rest)
				}
			}
		}
		parts = left
	}
	return parts
}

// answers are regions, found by their peers.
type answers struct {
	all    []region
	byPeer map[uint32][]int
	wide   []int
}

// add files regions under their peers, or where these are many among the wide ones.
func (a *answers) add(regions ...region) {
	const narrow = 64
	if a.byPeer == nil {
		a.byPeer = map[uint32][]int{}
	}
	for _, x := range regions {
		i := len(a.all)
		a.all = append(a.all, x)
		if x.peers.Count() > narrow {
			a.wide = append(a.wide, i)
			continue
		}
		for n := range x.peers.All() {
			a.byPeer[n] = append(a.byPeer[n], i)
		}
	}
}

// peersIn gathers the peers of a region with whom something of it is answered.
func (a *answers) peersIn(x region) packet.Numbers {
	var found []packet.Range
	note := func(i int, among packet.Numbers) {
		if y := &a.all[i]; y.families&x.families != 0 && y.traffic.Overlaps(x.traffic) {
			found = append(found, y.peers.Intersect(among).Ranges()...)
		}
	}
	for _, i := range a.wide {
		note(i, x.peers)
	}
	if x.peers.Count() > uint64(len(a.byPeer)) {
		for i := range a.all {
			note(i, x.peers)
		}
	} else {
		for n := range x.peers.All() {
			for _, i := range a.byPeer[n] {
				note(i, packet.Between(n, n))
			}
		}
	}
	return packet.Join(found...)
}

// readPrograms parts the classes by the policies that govern them in a direction.
func (t *town) readPrograms(d meaning.Direction) {
	known := map[string]int{}
	var members [][]uint32
	for n, c := range t.classes {
		p := &program{policies: t.m.Governing(c.pods[0], d).Policies}
		var key strings.Builder
		for _, policy := range p.policies {
			fmt.Fprintf(&key, "%d ", t.number[policy])
			for i := range policy.Rules[d] {
				if r := t.own(policy, &policy.Rules[d][i], d, c.pods[0]); r != nil {
					p.rules = append(p.rules, r)
					if r.rule.AsksOwnEnd(d) {
						fmt.Fprintf(&key, "%v ", r.own)
					}
				}
			}
			key.WriteString(";")
		}
		at, ok := known[key.String()]
		if !ok {
			at = len(t.programs[d])
			known[key.String()] = at
			t.programs[d], members = append(t.programs[d], p), append(members, nil)
		}
		members[at] = append(members[at], uint32(n))
		t.programOf[d] = append(t.programOf[d], at)
	}
	for i, p := range t.programs[d] {
		p.classes = packet.NumbersOf(members[i]...)
		e := evaluation{t: t, d: d, p: p}
		e.run()
	}
}

// own prepares a rule for a pod under the evaluated program; nil where it decides nothing of it.
func (t *town) own(policy *meaning.Policy, r *meaning.Rule, d meaning.Direction, pod *meaning.Endpoint) *ownRule {
	if r.Action == meaning.Log {
		return nil
	}
	if known := t.alike[r]; known != nil {
		return known
	}
	of := &ownRule{policy: policy, rule: r}
	if !r.AsksOwnEnd(d) {
		t.alike[r] = of
	}
	for _, family := range []int{4, 6} {
		if !t.of.has(family) || !r.Rendered(family) {
			continue
		}
		m := met{families: familyBit(family), certain: r.Traffic()}
		m.possible = m.certain
		if r.AsksOwnEnd(d) || d == meaning.Egress && len(r.Source.Ports)+len(r.Source.NotPorts) > 0 {
			certain, possible := t.asker.Meets(r, d == meaning.Egress, pod, family)
			m.certain, m.possible = m.certain.Intersect(certain), m.possible.Intersect(possible)
		}
		if !m.possible.IsEmpty() {
			of.own = append(of.own, m)
		}
	}
	of.own = joined(of.own)
	return of
}

// box is a part of what a program has not decided yet, but for what it leaves out.
type box struct {
	region
	except []region
	// got is what may become of it, if rules that only may match do match. passed: one of
	// them passes it on to the next tier.
	got    verdicts
	passed bool
	// by decided it, if no rule matches that only may; what remains to be seen is what
	// becomes of it otherwise.
	by decision
}

type verdicts uint8

const (
	mayAllow verdicts = 1 << iota
	mayDeny
)

// decision is what decides: a rule, the end of a tier, or what comes after the last one.
type decision struct {
	made bool
	rule *ownRule
	end  string // of the tier
}

// evaluation runs one program. It follows Walk: where a rule may match, both ways.
type evaluation struct {
	t    *town
	d    meaning.Direction
	p    *program
	left []box // what reached this place of this tier
	next []box // what goes on to the next tier
}

// run evaluates everything that peers could send or be sent, tier by tier and rule by rule.
func (e *evaluation) run() {
	e.left = []box{{region: region{e.t.of, e.t.everybody(), packet.Anything()}}}
	rules := e.p.rules
	for i, policy := range e.p.policies {
		for len(rules) > 0 && rules[0].policy == policy {
			e.rule(rules[0])
			rules = rules[1:]
		}
		if i+1 < len(e.p.policies) && e.p.policies[i+1].Tier == policy.Tier {
			continue
		}
		if e.t.endPasses[policy.Tier] {
			for _, b := range e.left {
				b.passed = false
				e.next = append(e.next, b)
			}
		} else {
			e.decide(mayDeny, decision{made: true, end: policy.Tier})
		}
		e.left, e.next = e.next, nil
	}
	e.decide(mayAllow, decision{made: true})
}

// rule takes out of what is left what a rule decides.
func (e *evaluation) rule(r *ownRule) {
	for _, own := range r.own {
		for _, peer := range e.t.peers(r.rule, e.d) {
			if of := own.families & peer.families; of != 0 && len(e.left) > 0 {
				e.match(r, region{of, peer.classes, own.possible.Intersect(peer.possible)}, own.certain.Intersect(peer.certain))
			}
		}
	}
}

// match takes out of every box what a rule matches. The box leaves it out from then on,
// which is cheaper than to work out what remains of it.
func (e *evaluation) match(r *ownRule, asked region, certain packet.Traffic) {
	if asked.isEmpty() {
		return
	}
	for i := range len(e.left) {
		if !e.left[i].overlaps(asked) {
			continue
		}
		hit := e.left[i].and(asked)
		b := e.left[i]
		if certain.Covers(b.traffic) && hit.covers(b.region) {
			e.left[i].families = 0 // all of it, whatever it leaves out
			e.apply(b, r)
			continue
		}
		parts := hit.less(b.except)
		if len(parts) == 0 {
			continue
		}
		e.left[i].except = append(b.except, hit) // which is nobody else's
		b.except = nil
		for _, part := range parts {
			b.region = part
			if b.traffic = part.traffic.Subtract(certain); !b.traffic.IsEmpty() {
				e.suspect(b, r)
			}
			if b.traffic = part.traffic.Intersect(certain); !b.traffic.IsEmpty() {
				e.apply(b, r)
			}
		}
	}
	e.left = slices.DeleteFunc(e.left, func(b box) bool { return b.families == 0 })
}

// suspect notes that a rule may match. The box goes on, unless both ends are possible: then
// nothing that follows matters.
func (e *evaluation) suspect(b box, r *ownRule) {
	switch r.rule.Action {
	case meaning.Allow:
		b.got |= mayAllow
	case meaning.Pass:
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

// apply decides what becomes of a box that a rule matches: it is allowed, denied, or passed on to
// the next tier.
func (e *evaluation) apply(b box, r *ownRule) {
	switch by := (decision{made: true, rule: r}); r.rule.Action {
	case meaning.Pass:
		b.passed = false
		e.next = append(e.next, b)
	case meaning.Allow:
		e.settle(b, mayAllow, by)
	default:
		e.settle(b, mayDeny, by)
	}
}

// settle decides a box. It goes on if a rule may have passed it before.
func (e *evaluation) settle(b box, outcome verdicts, by decision) {
	b.got |= outcome
	if !b.by.made {
		b.by = by
	}
	if b.passed && b.got != mayAllow|mayDeny {
		b.passed = false
		e.next = append(e.next, b)
		return
	}
	e.emit(b)
}

// decide settles everything that the evaluation has left.
func (e *evaluation) decide(outcome verdicts, by decision) {
	for _, b := range e.left {
		e.settle(b, outcome, by)
	}
	e.left = nil
}

// emit keeps a box that is decided. Nothing is said of what is denied because no rule allows it:
// by the end of a tier below which no other would have its say.
func (e *evaluation) emit(b box) {
	if last := len(e.p.policies) - 1; b.got == mayDeny && b.by.end != "" && b.by.end == e.p.policies[last].Tier {
		return
	}
	parts := b.less(b.except)
	e.p.answered.add(parts...)
	if b.got == mayAllow && b.by.rule != nil {
		for _, part := range parts {
			e.p.opened = append(e.p.opened, segment{part, b.by.rule.policy, b.by.rule.rule})
		}
	}
}
