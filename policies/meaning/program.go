package meaning

import (
	"encoding/binary"

	"portcullis.dev/policies/packet"
)

// compiled is a rule as sets.
type compiled struct {
	action   Action
	at       cause
	families Families
	traffic  packet.Traffic
	peer     []term
	own      []term // of the end that the policy governs; nil asks nothing
}

// cause is what decides, or is in doubt, without words.
type cause struct {
	kind   Cause
	place  int32 // of the policy in Relation.policies, or for ByProfile of the profile
	rule   int32 // in the policy or profile; noRule at the end of it
	inTier int32
}

const noRule = -1

// compile turns rules into sets.
func (r *Relation) compile(rules []Rule, d Direction, at cause) []compiled {
	var all []compiled
	for i := range rules {
		rule := &rules[i]
		if rule.Action == Log {
			continue
		}
		c := compiled{action: rule.Action, at: at, families: r.rendered(rule), traffic: rule.Traffic()}
		c.at.rule = int32(i)
		if c.families == 0 || c.traffic.IsEmpty() {
			continue
		}
		own, peer := &rule.Destination, &rule.Source
		if d == Egress {
			own, peer = peer, own
		}
		naming := packet.Of(TCP) // of ports, where the rule names no protocol
		if rule.Protocol != nil {
			naming = namedIn(*rule.Protocol)
		}
		c.peer = r.terms(peer, d == Egress, naming)
		if rule.AsksOwnEnd(d) || d == Egress && len(own.Ports)+len(own.NotPorts) > 0 {
			c.own = r.terms(own, d == Ingress, naming)
			if len(c.own) == 0 {
				continue
			}
		}
		if len(c.peer) > 0 {
			all = append(all, c)
		}
	}
	return all
}

// rendered are the families for which Felix has the rule at all.
func (r *Relation) rendered(rule *Rule) Families {
	var f Families
	for _, n := range familyNumbers {
		if rule.Rendered(n) {
			f |= familyBit(n)
		}
	}
	return f & r.families
}

// namedIn is the traffic of a protocol in which ports may have names.
func namedIn(p Protocol) packet.Traffic {
	if !p.HasPorts() {
		return packet.Traffic{}
	}
	return packet.Of(p)
}

// program is what applies to the ends of some classes in one direction: the same
// policies in the same order, the same answers to what rules ask of the own end, and
// the same profiles. It is evaluated once.
type program struct {
	steps    []step
	profiles int32 // in Relation.profiles; open for ends that nothing governs
	// guises are the programs of nodes, one for each host endpoint that may protect
	// them. They have come before, and there are no steps beside them.
	guises   []int32
	classes  packet.Numbers // none if it is only of guises
	segments []Segment
}

// open is the place of the profiles of ends that no policy governs.
const open = 0

// step is a policy that applies.
type step struct {
	policy int32  // in Relation.policies
	own    answer // to what its rules ask of the own end
}

// answer is what a policy's rules get to hear of their own end, by rule and family:
// the traffic for which it holds, and for which it may hold.
type answer []ownTraffic

type ownTraffic [2]struct{ yes, may packet.Traffic }

// trail finds the lists of policies that apply to classes. Classes with the same
// list, so far, stand on the same spot; a policy moves those that it selects.
type trail struct {
	spots  []spotOn
	moves  map[move]int32
	stands []int32 // of every class, the spot on which it stands
}

type spotOn struct {
	from int32
	step step
}

type move struct {
	from, policy int32
	own          string
}

func newTrail(classes int) *trail {
	return &trail{spots: make([]spotOn, 1), moves: map[move]int32{}, stands: make([]int32, classes)}
}

// apply moves a class on.
func (t *trail) apply(n uint32, s step, own string) {
	m := move{t.stands[n], s.policy, own}
	to, ok := t.moves[m]
	if !ok {
		to = int32(len(t.spots))
		t.spots = append(t.spots, spotOn{m.from, s})
		t.moves[m] = to
	}
	t.stands[n] = to
}

// applyAll moves classes of which the policy asks nothing.
func (t *trail) applyAll(classes packet.Numbers, policy int32) {
	last, to := int32(-1), int32(0)
	for n := range classes.All() {
		if t.stands[n] == last { // neighbours mostly stand together
			t.stands[n] = to
			continue
		}
		last = t.stands[n]
		t.apply(n, step{policy: policy}, "")
		to = t.stands[n]
	}
}

// steps are the policies on the way to a spot.
func (t *trail) steps(at int32) []step {
	var count int
	for n := at; n != 0; n = t.spots[n].from {
		count++
	}
	steps := make([]step, count)
	for n := at; n != 0; n = t.spots[n].from {
		count--
		steps[count] = t.spots[n].step
	}
	return steps
}

// programs finds out what applies to whom in one direction.
func (r *Relation) programsOf(d Direction) {
	t := newTrail(len(r.ports))
	for i, p := range r.policies {
		if !p.policy.Live() || !p.policy.Governs[d] {
			continue
		}
		subject := r.subject(p.policy)
		if !p.asks[d] {
			t.applyAll(subject, int32(i))
			continue
		}
		for n := range subject.All() {
			own, key := r.answer(n, p.rules[d])
			t.apply(n, step{int32(i), own}, key)
		}
	}
	type key struct{ at, profiles int32 }
	known := map[key]int32{}
	members := [][]packet.Range{}
	r.programOf[d] = make([]int32, len(r.ports))
	for n := range r.ports {
		k := key{t.stands[n], open}
		guise := n - len(r.classes)
		if guise >= 0 {
			k.profiles = r.hostProfiles[r.m.Hosts[guise%len(r.m.Hosts)]]
		} else if c := &r.classes[n]; !c.protected {
			k.profiles = r.profilesOf(c)
		} else {
			continue // what its guises do comes first
		}
		at, ok := known[k]
		if !ok {
			at = int32(len(r.programs[d]))
			known[k] = at
			r.programs[d] = append(r.programs[d], program{steps: t.steps(k.at), profiles: k.profiles})
			members = append(members, nil)
		}
		r.programOf[d][n] = at
		if guise < 0 {
			members[at] = push(members[at], uint32(n))
		}
	}
	for i, n := range r.disguised {
		if !r.classes[n].protected {
			continue
		}
		r.programOf[d][n] = int32(len(r.programs[d]))
		p := program{}
		for h := range r.m.Hosts {
			p.guises = append(p.guises, r.programOf[d][r.guise(i, h)])
		}
		r.programs[d] = append(r.programs[d], p)
		members = append(members, []packet.Range{{First: n, Last: n}})
	}
	for i := range members {
		r.programs[d][i].classes = packet.Sorted(members[i])
	}
}

// subject are the classes that a policy selects. A namespaced policy never selects
// a host endpoint, whatever its labels.
func (r *Relation) subject(p *Policy) packet.Numbers {
	found := r.find(r.vocabulary.selector(&p.selector))
	subject := found[holdsPods]
	if p.ID.Namespace != "" {
		return subject
	}
	return subject.Union(r.hostsAmong(found))
}

// hostsAmong are the classes and guises of the host endpoints among what was found.
func (r *Relation) hostsAmong(f found) packet.Numbers {
	var all []uint32
	for n := range f[holdsNets].All() {
		host := int(n) - len(r.m.sets)
		if host < 0 {
			continue
		}
		for f := range familyNumbers {
			all = append(all, r.hostClasses(r.m.Hosts[host], f)...)
		}
		for node := range r.disguised {
			all = append(all, r.guise(node, host))
		}
	}
	return packet.NumbersOf(all...)
}

// answer is what rules get to hear of a class.
func (r *Relation) answer(n uint32, rules []compiled) (answer, string) {
	all := make(answer, len(rules))
	var key []byte
	for i := range rules {
		if rules[i].own == nil {
			continue
		}
		for f, of := range familyNumbers {
			for j, t := range rules[i].own {
				if t.families.Has(of) && t.classes.Contains(n) {
					all[i][f].yes, all[i][f].may = t.yes, t.may
					key = binary.AppendUvarint(key, uint64(j)+1)
					break
				}
			}
			key = append(key, 0)
		}
	}
	return all, string(key)
}

// profileList is what decides where no policy does.
type profileList struct {
	profiles []*profile
	rules    [2][][]compiled // beside profiles
}

// profilesOf is the place of a class's profiles.
func (r *Relation) profilesOf(c *Class) int32 {
	switch {
	case c.Host != nil:
		return r.hostProfiles[c.Host]
	case c.Kind != OfPods:
		return open
	case c.Endpoints[0].NamespaceLabels == nil:
		return dropping
	default:
		return allowing
	}
}

// The profiles of pods: of those whose namespace is known, and of those whose is not.
const (
	allowing = open + 1
	dropping = open + 2
)

// podProfile is what a pod's namespace decides, where no policy does.
func podProfile(e *Endpoint) *profile {
	name := "kns." + e.Namespace
	if e.NamespaceLabels == nil {
		return &profile{name: name, missing: true}
	}
	return allowAll(name)
}
