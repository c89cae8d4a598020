package compiler

import (
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
	before *oracle.World
	alone  map[object.ID]*lone
}

// lone is a policy without the others.
type lone struct {
	before *oracle.World
	spelt  edges
	pods   [][]end // that neither it nor a mutant of it tells apart
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

func compare(r rendering) *comparison {
	c := &comparison{universe: universeOf(r.plan, r.set, r.world), set: r.set, alone: map[object.ID]*lone{}}
	c.before = c.oracle(r.set.All())
	// Network sets are asked for by their labels, by whatever policy.
	nets := edges{}.with(without(r.set.All(), func(o object.Object) bool { return !strings.HasSuffix(o.ID.Kind, "NetworkSet") })...)
	for _, o := range r.set.All() {
		if !isPolicy(o) {
			continue
		}
		l := &lone{before: c.oracle(without(r.set.All(), isPolicy), o), spelt: nets.with(o)}
		l.pods = grouped(c.pods, string(o.JSON)+astray, l.spelt.nets)
		c.alone[o.ID] = l
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
	i := slices.IndexFunc(c.set.All(), func(o object.Object) bool { return o.ID == m.was.ID })
	objects := slices.Concat(c.set.All()[:i:i], m.now, c.set.All()[i+1:])
	s := search{
		comparison: c, mutant: m, objects: objects,
		moved: m.was.ID.Kind == "Tier" || isPolicy(m.was) && position(m.was) != position(m.now...),
	}
	all := c.edges.with(m.now...)
	s.outside = c.outside(all)
	for f := range s.cells {
		s.cells[f] = all.cells(f)
	}
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
	cells   [2][]cell // by family
	after   *oracle.World
}

// policy looks for a witness among the packets of which a policy makes something else.
func (s *search) policy(was object.Object, now []object.Object) (witness, bool) {
	l := s.alone[was.ID]
	after := s.oracle(without(s.objects, isPolicy), now...)
	spelt := l.spelt.with(s.mutant.now...)
	groups := slices.Concat(l.pods, grouped(s.outside, "", spelt.nets))
	tier, _ := was.Value("/spec/tier")
	inDefault := was.APIVersion == object.KubernetesAPI || tier == "default"
	for _, own := range l.pods {
		if was.ID.Namespace != "" && own[0].Namespace != was.ID.Namespace {
			continue // it governs the pods of its namespace
		}
		for _, ingress := range []bool{false, true} {
			if inDefault && !governs(l.before, own[0], s.families[0], ingress) && !governs(after, own[0], s.families[0], ingress) {
				continue
			}
			for _, other := range groups {
				from, to := own, other
				if ingress {
					from, to = other, own
				}
				before, after := among(l.before, from[0], to[0]), among(after, from[0], to[0])
				for _, f := range s.families {
					if !other[0].has[f].IsValid() {
						continue
					}
					cells := spelt.cells(f)
					for i, c := range cells {
						old, now := made(before, from[0], to[0], f, c, ingress), made(after, from[0], to[0], f, c, ingress)
						if old == now && !(s.moved && old.byRule) {
							continue
						}
						if w, ok := s.whole(from, to, f, c, cells[i+1:]); ok {
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

// whole asks both worlds about all packets between two groups from a cell on, up to
// the next one that the policy tells apart.
func (s *search) whole(from, to []end, f int, first cell, next []cell) (witness, bool) {
	// A policy in a namespace decides there alone; what is elsewhere stays as it was.
	namespace := ""
	if isPolicy(s.mutant.was) {
		namespace = s.mutant.was.ID.Namespace
	}
	if s.after == nil {
		s.after = s.oracle(without(s.objects, func(o object.Object) bool {
			return namespace != "" && o.ID.Namespace != "" && o.ID.Namespace != namespace
		}))
	}
	start, _ := slices.BinarySearchFunc(s.cells[f], first, compareCells)
	cells := s.cells[f][start:]
	end := slices.IndexFunc(cells, func(c cell) bool {
		return c.protocol != first.protocol || len(next) > 0 && compareCells(c, next[0]) >= 0
	})
	if end >= 0 {
		cells = cells[:end]
	}
	for _, x := range from {
		for _, y := range to {
			before, after := among(s.before, x, y), among(s.after, x, y)
			for _, c := range cells {
				was, now := judged(before, x, y, f, c), judged(after, x, y, f, c)
				if namespace != "" && x.Namespace != namespace {
					now.Egress = was.Egress
				}
				if namespace != "" && y.Namespace != namespace {
					now.Ingress = was.Ingress
				}
				if was.Outcome() != now.Outcome() || x.held && was.Egress.Outcome != now.Egress.Outcome || y.held && was.Ingress.Outcome != now.Ingress.Outcome {
					return witness{x, y, f, c, was, now}, true
				}
			}
		}
	}
	return witness{}, false
}

// grouped are ends that a text with some blocks does not tell apart: a selector knows
// the labels and the values that it spells. Nor do blocks that are twice as large tell
// pods apart, whose addresses are all of one block.
func grouped(ends []end, text string, nets []netip.Prefix) [][]end {
	var all [][]end
	index := map[string]int{}
	spells := map[string]bool{}
	spelt := func(s string) bool {
		known, ok := spells[s]
		if !ok {
			known = strings.Contains(text, s)
			spells[s] = known
		}
		return known
	}
	for _, e := range ends {
		var key strings.Builder
		for _, labels := range []map[string]string{{"": e.Namespace}, e.NamespaceLabels, e.Labels} {
			key.WriteByte('\n')
			for _, k := range diag.SortedKeys(labels) {
				switch value := labels[k]; {
				case !spelt(k):
				case spelt(value):
					fmt.Fprintf(&key, "%s=%s ", k, value)
				default:
					fmt.Fprintf(&key, "%s ", k)
				}
			}
		}
		for _, a := range e.has {
			fmt.Fprint(&key, a.IsValid())
			for _, n := range nets {
				fmt.Fprint(&key, n.Contains(a))
			}
		}
		i, ok := index[key.String()]
		if !ok {
			i = len(all)
			index[key.String()] = i
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
