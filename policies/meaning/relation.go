package meaning

import (
	"net/netip"
	"slices"

	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/selector"
)

// Relation is everything that policies allow: between all ends at once, what Walk
// says of one packet. It is exact for the pods that manifests describe, for those of
// the Atoms, for every address outside, and for the future pods that it makes up:
// without labels in every namespace, in a namespace that nobody knows, and one for
// every selector that finds no pod. Where Walk does not know, neither does it.
//
// Addresses of the pod network that no pod has are not in it, for the future pods
// stand for their owners; nor are packets of a pod to itself, which never leave it.
// Source ports are not asked about.
//
// It does not change, and may be asked from many goroutines.
type Relation struct {
	m *Meaning
	population
	families   Families
	vocabulary *vocabulary
	questions  questions
	holders    [2]holders

	owned    [][2]grade // by number in holdsNets: the classes that have its addresses
	entities map[string][]term
	governed packet.Numbers    // the classes that policies may govern
	within   [4]packet.Numbers // the classes that each family can have

	policies     []policySets // in the order of evaluation
	profiles     []profileList
	hostProfiles map[*Host]int32
	programs     [2][]program
	programOf    [2][]int32 // of every class

	// narrow is how many classes one may ask one by one. Sets with more are joined as
	// they are: which of both is a matter of speed alone.
	narrow uint64

	unlabelled packet.Numbers // see Unlabelled
	stranger   uint32
	doubles    packet.Numbers // see Doubles

	ends       [][2]packet.Numbers // beside Atoms.ends, by family
	rectangles []Rectangle
}

// policySets is a policy with its rules as sets.
type policySets struct {
	policy *Policy
	tier   int // in Meaning.Tiers
	rules  [2][]compiled
	asks   [2]bool // a rule asks something of the own end
}

// Evaluate finds out everything that the Meaning's policies allow, as finely as the
// atoms ask. The zero Atoms asks for nothing.
func Evaluate(m *Meaning, a *Atoms) *Relation {
	const narrow = 256 // more than a team's applications, less than all namespaces' pods
	return evaluate(m, a, narrow)
}

func evaluate(m *Meaning, a *Atoms, narrow uint64) *Relation {
	r := &Relation{
		m: m, narrow: narrow, families: m.families(a), vocabulary: newVocabulary(),
		questions: questions{known: map[string]int{}}, entities: map[string][]term{}, hostProfiles: map[*Host]int32{},
		population: population{
			of: map[spot]uint32{}, serves: map[int]packet.Numbers{}, bySignature: map[string]uint32{}, portNumbers: map[string]uint32{},
		},
		holders: [2]holders{{keys: map[string]*keyIndex{}}, {keys: map[string]*keyIndex{}}},
	}
	r.listen(a)
	for f := range r.population.places {
		r.population.places[f] = r.questions.part(f)
	}
	r.populate(a)
	r.ownerships()
	r.prepare()
	for _, d := range []Direction{Ingress, Egress} {
		r.programsOf(d)
		r.evaluate(d)
	}
	for _, e := range a.ends {
		r.ends = append(r.ends, r.classesOf(e))
	}
	r.rectangles = r.join()
	return r
}

// listen takes note of everything that policies and atoms ask.
func (r *Relation) listen(a *Atoms) {
	rules := func(rules []Rule) {
		for i := range rules {
			for _, e := range []*Entity{&rules[i].Source, &rules[i].Destination} {
				for _, s := range []*selector.Selector{e.Selector, e.NotSelector} {
					if asked := r.vocabulary.selector(s); asked != nil && rules[i].Action != Allow {
						asked.decides = true
					}
				}
				r.vocabulary.entity(e, r.m.services)
				if e.asksAddresses() {
					r.questions.ask(e.addresses)
				}
			}
		}
	}
	for i, t := range r.m.Tiers {
		for _, p := range t.Policies {
			if !p.Live() {
				continue
			}
			r.policies = append(r.policies, policySets{policy: p, tier: i})
			r.vocabulary.selector(&p.selector).decides = true
			for d := range p.Rules {
				if p.Governs[d] {
					rules(p.Rules[d])
				}
			}
		}
	}
	for _, h := range r.m.Hosts {
		for _, p := range h.profiles {
			rules(p.rules[Ingress])
			rules(p.rules[Egress])
		}
		for _, address := range h.Addresses {
			r.questions.ask(single([]netip.Addr{address}))
		}
	}
	for _, s := range r.m.sets {
		r.questions.ask(packet.AddressesOf(s.addresses.Prefixes()...))
	}
	for _, name := range r.vocabulary.names {
		if s := r.m.services[name]; s != nil {
			for _, slice := range s.slices {
				r.questions.ask(single(sliceAddresses(slice)))
			}
		}
	}
	for _, e := range r.m.Endpoints {
		if e.HostNetwork && len(e.Addresses) > 0 && len(r.vocabulary.behind(e, r.m.services)) > 0 {
			r.questions.ask(single(e.Addresses))
		}
	}
	r.questions.ask(packet.AddressesOf(r.m.pods.prefixes...))
	for _, e := range a.ends {
		if e.selector != nil {
			r.vocabulary.selector(e.selector)
		} else {
			r.questions.ask(e.addresses)
		}
	}
}

// populate sorts everybody into classes: those whom somebody describes, and those who
// may come.
func (r *Relation) populate(a *Atoms) {
	endpoints := slices.Concat(r.m.Endpoints, a.endpoints)
	r.portNumber(r.vocabulary, nil, false) // noPorts
	for i, s := range r.m.sets {
		r.holders[holdsNets].add(r.vocabulary, uint32(i), s, s.eachLabel)
	}
	for i, h := range r.m.Hosts {
		r.holders[holdsNets].add(r.vocabulary, uint32(len(r.m.sets)+i), h, h.eachLabel)
	}
	r.podClasses(endpoints, false)
	come := newcomers{r: r, namespaces: map[string]map[string]string{}}
	unlabelled := come.unlabelled(endpoints, a)
	r.podClasses(unlabelled, true)
	var without []uint32
	for _, e := range unlabelled {
		switch n := r.of[spot{pod: e}]; e.Namespace {
		case come.unknown:
			r.stranger = n
		default:
			without = append(without, n)
		}
	}
	r.unlabelled = packet.NumbersOf(without...)
	r.podClasses(come.wanted(a), true)
	if a.lookAlikes {
		first := r.pods
		r.podClasses(come.doubles(slices.Concat(endpoints, unlabelled)), true)
		if r.pods > first {
			r.doubles = packet.Between(first, r.pods-1)
		}
	}
	for _, s := range r.vocabulary.order {
		s.done = false // what it found was without those
	}
	r.nodeClasses(r.m.Endpoints, a.endpoints)
	r.outsideClasses()
	r.guises()
	for f := range r.within {
		r.within[f] = r.withFamilies(Families(f))
	}
	for n := range r.classes {
		if c := &r.classes[n]; c.Governed() {
			r.governed = r.governed.Union(packet.Between(uint32(n), uint32(n)))
		}
	}
}

func (r *Relation) withFamilies(f Families) packet.Numbers {
	var in []uint32
	for n := range r.classes {
		if r.classes[n].Families&f != 0 {
			in = append(in, uint32(n))
		}
	}
	return packet.NumbersOf(in...)
}

// withFamily are the classes whose members can have an address of one of the families.
func (r *Relation) withFamily(f Families) packet.Numbers { return r.within[f] }

// prepare turns rules into sets.
func (r *Relation) prepare() {
	for i := range r.policies {
		p := &r.policies[i]
		for d, governs := range p.policy.Governs {
			if !governs {
				continue
			}
			p.rules[d] = r.compile(p.policy.Rules[d], Direction(d), cause{kind: ByRule, place: int32(i), inTier: int32(p.tier)})
			p.asks[d] = slices.ContainsFunc(p.rules[d], func(c compiled) bool { return c.own != nil })
		}
	}
	allow, drop := allowAll(""), &profile{missing: true}
	r.profiles = []profileList{{}, r.profileSets(allow), r.profileSets(drop)}
	for _, h := range r.m.Hosts {
		r.hostProfiles[h] = int32(len(r.profiles))
		r.profiles = append(r.profiles, r.profileSets(h.profiles...))
	}
}

func (r *Relation) profileSets(profiles ...*profile) profileList {
	list := profileList{profiles: profiles}
	for d := range list.rules {
		for i, p := range profiles {
			list.rules[d] = append(list.rules[d], r.compile(p.rules[d], Direction(d), cause{kind: ByProfile, place: int32(i)}))
		}
	}
	return list
}

// evaluate runs the programs of one direction.
func (r *Relation) evaluate(d Direction) {
	e := evaluation{r: r, d: d}
	for i := range r.programs[d] {
		e.run(&r.programs[d][i])
	}
}

// classesOf are the classes that an atom stands for, by family. None of them is in
// part: nodes, of which only the network is known, are among addresses that hold all
// of it.
func (r *Relation) classesOf(a atom) (all [2]packet.Numbers) {
	if a.peer != nil {
		for f, of := range familyNumbers {
			if n, ok := r.Class(*a.peer, of); ok && a.peer.can(of) {
				all[f] = packet.Between(n, n)
			}
		}
		return all
	}
	if a.selector != nil {
		found := r.find(r.vocabulary.selector(a.selector))[holdsPods]
		return [2]packet.Numbers{found, found}
	}
	for f, of := range familyNumbers {
		for place := range r.questions.in[f][r.questions.ask(a.addresses)].All() {
			if n := r.outside[f][place]; n != noClass {
				all[f] = all[f].Union(packet.Between(n, n))
			}
		}
		if r.m.nodes.in(a.addresses.IPSet(), of) == yes {
			all[f] = all[f].Union(r.nodes.Intersect(r.everyone()))
		}
	}
	return all
}

// Classes are the classes of ends; sets of classes hold places in this list. The
// caller must not change it.
func (r *Relation) Classes() []Class { return r.classes }

// Governed are the classes that policies may govern.
func (r *Relation) Governed() packet.Numbers { return r.governed }

// End are the classes of one side of a Flow, in packets of a family.
func (r *Relation) End(e End, family int) packet.Numbers {
	switch {
	case e.place == 0:
		return r.everyone()
	case e.place > len(r.ends): // of an Atoms that has grown since
		return packet.Numbers{}
	}
	return r.ends[e.place-1][familyIndex(family)]
}

// Segments are everything that the members of a class may send (Egress) or be sent
// (Ingress), as far as their own half is concerned. They do not overlap.
func (r *Relation) Segments(class uint32, d Direction) []Segment {
	var all []Segment
	for _, s := range r.programs[d][r.programOf[d][class]].segments {
		all = append(all, r.Parts(s)...)
	}
	return all
}

// Families are those that the relation is about.
func (r *Relation) Families() Families { return r.families }

// Work is how much an evaluation had to do: what grows with a cluster.
type Work struct{ Classes, Selectors, Programs, Segments, Rectangles int }

// Work counts.
func (r *Relation) Work() Work {
	w := Work{Classes: len(r.classes), Selectors: len(r.vocabulary.order), Rectangles: len(r.rectangles)}
	for d := range r.programs {
		w.Programs += len(r.programs[d])
		for _, p := range r.programs[d] {
			w.Segments += len(p.segments)
		}
	}
	return w
}

// Decision is what decides a segment of a class. Where that is a profile, it is the
// one of the class's first member.
func (r *Relation) Decision(class uint32, d Direction, s Segment) Decision {
	c := &r.classes[class]
	var e *Endpoint
	if len(c.Endpoints) > 0 {
		e = c.Endpoints[0]
	}
	return r.decision(c, e, d, s)
}

func (r *Relation) decision(c *Class, e *Endpoint, d Direction, s Segment) Decision {
	doubtful := s.Outcome == Unknown
	switch {
	case s.by.kind == Outside && doubtful:
		return onNodeOf(r.m.Hosts[s.by.place])
	case s.by.kind == Outside:
		return ungoverned
	}
	if s.by.kind == ByProfile {
		return r.byProfile(c, e, d, s.by, doubtful)
	}
	p := r.policies[s.by.place]
	switch {
	case s.by.kind == ByTierEnd:
		return byTierEnd(r.m.Tiers[s.by.inTier], p.policy)
	case doubtful:
		return inDoubt(p.policy, &p.policy.Rules[d][s.by.rule])
	default:
		return byRule(p.policy, &p.policy.Rules[d][s.by.rule])
	}
}

func (r *Relation) byProfile(c *Class, e *Endpoint, d Direction, by cause, doubtful bool) Decision {
	if by.place == noRule {
		return byNoProfile
	}
	p := r.profiles[r.profilesOf(c)].profiles[by.place]
	if c.Kind == OfPods {
		p = podProfile(e)
	}
	switch {
	case by.rule == noRule:
		return byMissingProfile(p)
	case doubtful:
		return inProfileDoubt(p)
	default:
		return byProfileRule(p, &p.rules[d][by.rule])
	}
}

// Class finds the class of a packet's end. There is none for an endpoint that is
// neither the Meaning's nor the Atoms', and for an address of the pod network that no
// pod has.
func (r *Relation) Class(p Peer, family int) (class uint32, ok bool) {
	class, _, ok = r.classOf(p, family)
	return class, ok
}

func (r *Relation) classOf(p Peer, of int) (class uint32, e *Endpoint, ok bool) {
	address := p.Addr.Unmap().WithZone("")
	if e = p.Endpoint; e == nil {
		e = r.m.byAddress[address]
	}
	if e != nil && !e.HostNetwork {
		class, ok = r.of[spot{e, address}]
		return class, e, ok
	}
	if e != nil && !address.IsValid() {
		address = e.addressOf(of)
	}
	if !address.IsValid() {
		class, ok = r.of[spot{e, address}]
		return class, nil, ok
	}
	f := familyIndex(family(address))
	class = r.outside[f][r.population.places[f].of(address)]
	return class, nil, class != noClass && !r.m.pods.contains(address)
}

// Verdict is what becomes of a packet. It is Walk's, without the steps; not ok says
// that an end has no class.
func (r *Relation) Verdict(p Packet) (v Verdict, ok bool) {
	of := r.m.familyOf(p)
	if !r.families.Has(of) {
		return Verdict{}, false
	}
	from, sender, ok := r.classOf(p.From, of)
	if !ok {
		return Verdict{}, false
	}
	to, receiver, ok := r.classOf(p.To, of)
	if !ok {
		return Verdict{}, false
	}
	half := func(own, peer uint32, e *Endpoint, d Direction) Half {
		for _, s := range r.programs[d][r.programOf[d][own]].segments {
			if s.holds(peer, p.Header(), of) {
				return Half{Outcome: s.Outcome, By: r.decision(&r.classes[own], e, d, s)}
			}
		}
		return Half{Outcome: Allowed, By: ungoverned} // between ends that nothing governs
	}
	return Verdict{Egress: half(from, to, sender, Egress), Ingress: half(to, from, receiver, Ingress)}, true
}
