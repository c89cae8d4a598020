package compiler

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/oracle"
)

// comparison asks the oracle about what was rendered and about its mutants.
type comparison struct {
	*universe
	set    object.Set
	alone  map[object.ID]*lone
	scoped map[string]*telling // what governs the pods of some namespaces
}

// lone is a policy without the others.
type lone struct {
	tells *telling
	pods  [][]end // that neither it nor a mutant of it tells apart
}

// witness is a packet that is answered otherwise than before.
type witness struct {
	from, to end
	family   int
	cell
	was, now oracle.Verdict
}

func (w witness) String() string {
	return fmt.Sprintf("%s -> %s, IPv%d protocol %d number %d: %v, now %v", w.from, w.to, []int{4, 6}[w.family], w.protocol, w.number, w.was, w.now)
}

// meant reports whether what was rendered does with the packet what the plan says.
func (w witness) meant(u *universe) bool {
	return u.plan.Between(w.from.Place, w.to.Place).Allows(planned[w.protocol], uint16(w.number)) == (w.was.Outcome() == oracle.Allow)
}

func compare(r outcome) *comparison {
	c := &comparison{universe: universeOf(r.plan, r.set, r.world), set: r.set, alone: map[object.ID]*lone{}, scoped: map[string]*telling{}}
	for _, o := range r.set.All() {
		if !isPolicy(o) {
			continue
		}
		tells := c.telling(func(other object.Object) bool { return other.ID == o.ID })
		tells.world = c.oracle(without(r.set.All(), isPolicy), o)
		c.alone[o.ID] = &lone{tells, tells.apart(c.pods)}
	}
	return c
}

func isPolicy(o object.Object) bool {
	return o.ID.Kind == "NetworkPolicy" || o.ID.Kind == "GlobalNetworkPolicy"
}

func without(objects []object.Object, which func(object.Object) bool) []object.Object {
	return slices.DeleteFunc(slices.Clone(objects), which)
}

// oracle is the world of some objects.
func (c *comparison) oracle(objects []object.Object, more ...object.Object) *oracle.World {
	set, _ := object.NewSet(slices.Concat(objects, more, c.namespaces))
	return oracle.Of(set, c.plan.Cluster)
}

// differs looks for a packet that is answered otherwise when the mutant has its
// object's place.
//
// Of a packet, each policy makes nothing, for it does not govern the pod or no rule
// matches, or what one of its rules says; nothing else of it enters an evaluation. So
// only packets of which a policy makes something else than before, or makes anything
// and stands elsewhere, can be answered otherwise. They are sought policy by policy,
// each alone, among the ends and the numbers that its text, old or new, can tell
// apart. One that is found stands for more, which other policies may tell apart: they
// are asked about in the whole.
func (c *comparison) differs(m mutant) (witness, bool) {
	s := search{
		comparison: c, mutant: m, scopes: map[string]*scope{}, objects: m.among(c.set).All(),
		moved: m.was.ID.Kind == "Tier" || isPolicy(m.was) && position(m.was) != position(m.now...),
	}
	s.outside = c.outside(c.edges.with(m.now...))
	for _, o := range c.set.All() {
		now := []object.Object{o}
		switch {
		case !isPolicy(o):
			continue
		case o.ID == m.was.ID:
			now = m.now
		case isPolicy(m.was), o.APIVersion == object.KubernetesAPI:
			continue // it is as it was, and knows neither sets nor tiers
		}
		if w, ok := s.policy(o, now); ok {
			return w, true
		}
	}
	return witness{}, false
}

// position is where policies stand.
func position(policies ...object.Object) string {
	text := ""
	for _, o := range policies {
		tier, _ := o.Value("/spec/tier")
		order, _ := o.Value("/spec/order")
		text += fmt.Sprint(tier, order)
	}
	return text
}

// search is for a witness against one mutant.
type search struct {
	*comparison
	mutant  mutant
	objects []object.Object // with the mutant among them
	moved   bool
	outside []end
	scopes  map[string]*scope
}

// policy looks for a witness among the packets of which a policy makes something else.
func (s *search) policy(was object.Object, now []object.Object) (witness, bool) {
	l := s.alone[was.ID]
	after := s.oracle(without(s.objects, isPolicy), now...)
	tells := l.tells.with(s.mutant.now...)
	groups := slices.Concat(l.pods, tells.apart(s.outside))
	tier, _ := was.Value("/spec/tier")
	inDefault := was.APIVersion == object.KubernetesAPI || tier == "default"
	for _, own := range l.pods {
		if was.ID.Namespace != "" && own[0].Namespace != was.ID.Namespace {
			continue // it governs the pods of its namespace
		}
		for _, ingress := range []bool{false, true} {
			if inDefault && !governs(l.tells.world, own[0], s.families[0], ingress) && !governs(after, own[0], s.families[0], ingress) {
				continue
			}
			for _, other := range groups {
				from, to := own, other
				if ingress {
					from, to = other, own
				}
				before, after := among(l.tells.world, from[0], to[0]), among(after, from[0], to[0])
				for _, f := range s.families {
					if !other[0].has[f].IsValid() {
						continue
					}
					cells := tells.spelt.cells(f)
					for i, c := range cells {
						old, now := made(before, from[0], to[0], f, c, ingress), made(after, from[0], to[0], f, c, ingress)
						if old == now && !(s.moved && old.byRule) {
							continue
						}
						if w, ok := s.whole(own, other, ingress, f, c, cells[i+1:]); ok {
							return w, true
						}
					}
				}
			}
		}
	}
	return witness{}, false
}

// governs reports whether a policy in tier default governs a pod: then it makes something
// of each of the pod's packets.
func governs(w *oracle.World, own end, family int, ingress bool) bool {
	m := made(among(w, own, own), own, own, family, cell{otherProtocol, 0}, ingress)
	return m.byRule || m.atEnd
}

// making is what a policy alone makes of a packet.
type making struct {
	outcome oracle.Outcome
	byRule  bool
	atEnd   bool // of its tier
}

func made(w *oracle.World, from, to end, family int, c cell, ingress bool) making {
	v := judged(w, from, to, family, c)
	h := v.Egress
	if ingress {
		h = v.Ingress
	}
	return making{h.Outcome, strings.HasPrefix(h.By, "tier "), strings.HasPrefix(h.By, "the end of tier ")}
}

// whole asks about all packets between two groups from a cell on, up to the next one
// that the policy tells apart.
func (s *search) whole(own, others []end, ingress bool, f int, first cell, next []cell) (witness, bool) {
	for _, mine := range byNamespace(own) {
		if mine[0].held { // their own half is all that counts
			if w, ok := s.within(s.scope(mine[0].Namespace), mine, others, ingress, f, first, next); ok {
				return w, true
			}
			continue
		}
		for _, theirs := range byNamespace(others) {
			if w, ok := s.within(s.scope(mine[0].Namespace, theirs[0].Namespace), mine, theirs, ingress, f, first, next); ok {
				return w, true
			}
		}
	}
	return witness{}, false
}

func byNamespace(ends []end) [][]end {
	var all [][]end
	for i, e := range ends {
		if i == 0 || e.Namespace != ends[i-1].Namespace {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], e)
	}
	return all
}

func (s *search) within(scope *scope, own, others []end, ingress bool, f int, first cell, next []cell) (witness, bool) {
	cells := scope.tells.spelt.cells(f)
	start, _ := slices.BinarySearchFunc(cells, first, compareCells)
	cells = cells[start:]
	if end := slices.IndexFunc(cells, func(c cell) bool {
		return c.protocol != first.protocol || len(next) > 0 && compareCells(c, next[0]) >= 0
	}); end >= 0 {
		cells = cells[:end]
	}
	theirs := scope.tells.apart(others)
	for _, mine := range scope.tells.apart(own) {
		for _, other := range theirs {
			x, y := mine[0], other[0]
			if ingress {
				x, y = y, x
			}
			before, after := among(scope.tells.world, x, y), among(scope.after, x, y)
			for _, c := range cells {
				was, now := judged(before, x, y, f, c), judged(after, x, y, f, c)
				differs := was.Outcome() != now.Outcome()
				if mine[0].held {
					differs = was.Egress.Outcome != now.Egress.Outcome
					if ingress {
						differs = was.Ingress.Outcome != now.Ingress.Outcome
					}
				}
				if differs {
					return witness{x, y, f, c, was, now}, true
				}
			}
		}
	}
	return witness{}, false
}

// scope is what decides about packets at the pods of some namespaces.
type scope struct {
	tells *telling
	after *oracle.World
}

// scope leaves out policies of other namespaces, which govern none of those pods.
func (s *search) scope(namespaces ...string) *scope {
	key := strings.Join(namespaces, "/")
	if known := s.scopes[key]; known != nil {
		return known
	}
	elsewhere := func(o object.Object) bool {
		return isPolicy(o) && o.ID.Namespace != "" && !slices.Contains(namespaces, o.ID.Namespace)
	}
	tells := s.scoped[key]
	if tells == nil {
		tells = s.telling(func(o object.Object) bool { return !elsewhere(o) })
		tells.world = s.oracle(without(s.set.All(), elsewhere))
		s.scoped[key] = tells
	}
	made := &scope{tells.with(s.mutant.now...), s.oracle(without(s.objects, elsewhere))}
	s.scopes[key] = made
	return made
}

// telling is what some policies can tell apart.
type telling struct {
	world *oracle.World
	spelt edges // by them and by all network sets, which are asked for by their labels
	text  string
	known map[string]bool       // what the text has
	keys  map[netip.Addr]string // of pods
}

// telling are the policies of some objects.
func (c *comparison) telling(some func(object.Object) bool) *telling {
	t := &telling{text: astray, known: map[string]bool{}, keys: map[netip.Addr]string{}}
	for _, o := range c.set.All() {
		if isPolicy(o) && some(o) {
			t.text += string(o.JSON)
		}
		if isPolicy(o) && some(o) || strings.HasSuffix(o.ID.Kind, "NetworkSet") {
			t.spelt.read(o)
		}
	}
	return t
}

// with is the same of some objects besides, which spell no name that is new.
func (t *telling) with(objects ...object.Object) *telling {
	with := *t
	with.spelt = t.spelt.with(objects...)
	return &with
}

// key is the same for ends that are not told apart: a selector knows the labels and the
// values that it spells. The blocks of mutants are not asked about pods: their addresses
// are all of one block, and a block that is twice as large parts no other.
func (t *telling) key(e end) string {
	known, ok := "", false
	if e.pod != nil {
		known, ok = t.keys[cmp.Or(e.has[0], e.has[1])]
	}
	if ok {
		return known
	}
	var key strings.Builder
	fmt.Fprint(&key, e.held) // no policy knows, but what counts depends on it
	for _, labels := range []map[string]string{{"": e.Namespace}, e.NamespaceLabels, e.Labels} {
		key.WriteByte('\n')
		for _, k := range diag.SortedKeys(labels) {
			switch value := labels[k]; {
			case !t.spells(k):
			case t.spells(value):
				key.WriteString(k + "=" + value + " ")
			default:
				key.WriteString(k + " ")
			}
		}
	}
	for _, a := range e.has {
		fmt.Fprint(&key, a.IsValid())
		for _, n := range t.spelt.nets {
			fmt.Fprint(&key, n.Contains(a))
		}
	}
	if e.pod != nil {
		t.keys[cmp.Or(e.has[0], e.has[1])] = key.String()
	}
	return key.String()
}

func (t *telling) spells(s string) bool {
	known, ok := t.known[s]
	if !ok {
		known = strings.Contains(t.text, s)
		t.known[s] = known
	}
	return known
}

// apart are ends, those together that are not told apart.
func (t *telling) apart(ends []end) [][]end {
	var all [][]end
	index := map[string]int{}
	for _, e := range ends {
		key := t.key(e)
		i, ok := index[key]
		if !ok {
			i = len(all)
			index[key] = i
			all = append(all, nil)
		}
		all[i] = append(all[i], e)
	}
	return all
}

// among is the world with the pods at both ends; others make no difference to a packet
// between these.
func among(w *oracle.World, from, to end) *oracle.World {
	pods, _ := object.NewSet(slices.Concat(from.pod, to.pod)) // a pod may send to itself
	return w.With(pods)
}

func judged(w *oracle.World, from, to end, f int, c cell) oracle.Verdict {
	p := oracle.Packet{From: oracle.End{Address: from.has[f]}, To: oracle.End{Address: to.has[f]}, Protocol: c.protocol, SourcePort: 40000}
	if p.Protocol == oracle.ICMP || p.Protocol == oracle.ICMPv6 {
		p.SourcePort, p.Type = 0, c.number
	} else {
		p.Port = c.number
	}
	return w.Judge(p)
}
