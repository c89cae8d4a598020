// Package reach says who can reach whom in one cluster, as values: the relation between
// everybody whom policies may tell apart, its fewest rectangles (sources × destinations ×
// packets), and for each the lines that mean it.
//
// Its invariant: what is allowed, denied and not known of a pair is what policies/meaning says
// of every packet between the two; a rectangle holds no pair and no packet more than the
// relation does, and what its ends are called means exactly those to a question of explain.
//
// It must not know how a map is written, nor whether anything in it is good or bad.
package reach

import (
	"cmp"
	"net/netip"
	"slices"

	"portcullis.dev/compiler/explain"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

// World is one cluster, with the names that people have for its addresses.
type World struct {
	*explain.World
	Peers []Peer
	// At finds where an object's part is written, and Source the line at a place.
	Locate func(*explain.Place)
	Lines  func(file string, line int) string
}

// Peer is a name for addresses, with its @ where it has one.
type Peer struct {
	Name      string
	Addresses packet.Addresses
}

// Cuts returns the prefixes at which a relation is cut: those at which names of addresses part a world.
func (w *World) Cuts() []netip.Prefix {
	all := w.Meaning.Boundaries()
	for _, p := range w.Peers {
		all = append(all, p.Addresses.Prefixes()...)
	}
	return all
}

// Pair is two members by their places: a sender and a receiver.
type Pair struct{ From, To int }

// compare orders pairs of members by sender and then by receiver.
func (p Pair) compare(q Pair) int {
	return cmp.Or(cmp.Compare(p.From, q.From), cmp.Compare(p.To, q.To))
}

// Fate is what becomes of the traffic of a pair; the rest is denied.
type Fate struct{ Allowed, Unknown Load }

// Relation is what becomes of the traffic of all pairs.
type Relation struct {
	World   *World
	Members []explain.Member
	others  []*World

	cells  map[Pair]Fate // of pairs of which policies have a say, and something passes or may
	halves [2][]half     // of members, by direction
	meant  map[Pair][]meant
	alike  []bool // the members that are the same in a world beside; nil for none

	inNamespace, byName map[string][]int // pods, once asked for
	called              []Peer           // see peers; once asked for
}

// half is what policies are to one half of a member's traffic, once that is asked for.
type half struct{ known, governed, isolated bool }

// half asks whether policies have a say on one half of a member's traffic, and whether they drop what
// no rule allows.
func (r *Relation) half(i int, d meaning.Direction) half {
	h := &r.halves[d][i]
	if !h.known {
		h.governed, h.isolated = r.World.Governed(&r.Members[i], d)
		h.known = true
	}
	return *h
}

// MembersOf gathers everybody whom one of several worlds tells apart: pods by what they are
// and not by name, then addresses.
func MembersOf(worlds ...*World) []explain.Member {
	var pods []explain.Member
	var cuts []netip.Prefix
	for _, w := range worlds {
		pods = append(pods, w.Everybody()...)
		cuts = append(cuts, w.Cuts()...)
	}
	slices.SortStableFunc(pods, func(a, b explain.Member) int { return cmp.Compare(a.Key, b.Key) })
	pods = slices.CompactFunc(pods, func(a, b explain.Member) bool { return a.Key == b.Key })
	var common packet.Addresses // that no pod of any world has
	var all []explain.Member
	for i, w := range worlds {
		outside := w.Elsewhere(cuts)
		if i == len(worlds)-1 {
			all = outside
		}
		var of packet.Addresses
		for _, m := range outside {
			of = of.Union(m.Addresses)
		}
		if common = of; i > 0 {
			common = common.Intersect(of)
		}
	}
	all = slices.DeleteFunc(all, func(m explain.Member) bool { return !common.Covers(m.Addresses) })
	return append(pods, all...)
}

// Of works out the relation of a world between members. Namespaces that others list keep
// their names where this world does not.
func Of(w *World, members []explain.Member, others ...*World) *Relation {
	r := among(w, members, others...)
	r.fill()
	r.mean()
	return r
}

// among begins the relation of a world between members: who they are there.
func among(w *World, members []explain.Member, others ...*World) *Relation {
	r := &Relation{World: w, others: others, Members: make([]explain.Member, len(members)), cells: map[Pair]Fate{}}
	own := map[string]explain.Member{}
	for _, m := range w.Everybody() {
		own[m.Key] = m
	}
	for i, m := range members {
		if known, ours := own[m.Key]; ours && m.IsPod() {
			r.Members[i] = known
		} else {
			r.Members[i] = w.Adopted(m)
		}
	}
	r.halves = [2][]half{make([]half, len(members)), make([]half, len(members))}
	return r
}

// Passes reports whether the relation passes over a pair, since both ends are alike in a world
// beside.
func (r *Relation) Passes(p Pair) bool { return r.alike != nil && r.alike[p.From] && r.alike[p.To] }

// Alike reports whether a member is the same in a world beside, and governed by the same policies.
func (r *Relation) Alike(i int) bool { return r.alike != nil && r.alike[i] }

// fill walks every pair of which policies have a say and that no rule rules out.
func (r *Relation) fill() {
	sends, receives := r.World.Glance(r.Members, r.alike)
	from := make([][]int, len(r.Members)) // who is let in by name, turned round
	var open, openOther []int             // who is open to all, and of them who is not alike
	for j, s := range receives {
		if s.All {
			if open = append(open, j); r.alike != nil && !r.alike[j] {
				openOther = append(openOther, j)
			}
		}
		for _, i := range s.To {
			from[i] = append(from[i], j)
		}
	}
	stamp := make([]int, len(r.Members))
	for i := range r.Members {
		toAll := open
		if r.alike != nil && r.alike[i] {
			toAll = openOther
		}
		accepted := slices.Concat(from[i], toAll)
		for _, j := range accepted {
			stamp[j] = i + 1
		}
		candidates := accepted
		if !sends[i].All {
			candidates = sends[i].To
		}
		for _, j := range candidates {
			p := Pair{i, j}
			if stamp[j] != i+1 || !r.told(p) || r.Passes(p) {
				continue
			}
			if f := r.walked(p); !f.Allowed.IsEmpty() || !f.Unknown.IsEmpty() {
				r.cells[p] = f
			}
		}
	}
}

// told reports whether policies have a say on a pair, so that the relation knows its traffic.
func (r *Relation) told(p Pair) bool {
	return r.half(p.From, meaning.Egress).governed || r.half(p.To, meaning.Ingress).governed
}

// Held reports whether one end of a pair drops what no rule allows.
func (r *Relation) Held(p Pair) bool {
	return r.half(p.From, meaning.Egress).isolated || r.half(p.To, meaning.Ingress).isolated
}

// Isolated reports whether a member drops in a direction what no rule allows.
func (r *Relation) Isolated(i int, d meaning.Direction) bool { return r.half(i, d).isolated }

// walked works out what becomes of a pair's traffic in both families.
func (r *Relation) walked(p Pair) Fate {
	from, to := r.Members[p.From], r.Members[p.To]
	of4, of6 := r.World.Fates(from, to, 4), r.World.Fates(from, to, 6)
	return Fate{Load{of4[meaning.Allowed], of6[meaning.Allowed]}, Load{of4[meaning.Unknown], of6[meaning.Unknown]}}
}

// can reports in which families of addresses the members of two sets may meet.
func (r *Relation) can(from, to []int) (can4, can6 bool) {
	for _, family := range r.World.Meaning.Families() {
		able := true
		for _, of := range [][]int{from, to} {
			for _, i := range of {
				able = able && r.World.Can(r.Members[i], family)
			}
		}
		can4, can6 = can4 || able && family == 4, can6 || able && family == 6
	}
	return can4, can6
}

// At returns what becomes of the traffic of a pair. Between two ends of which no policy speaks, or
// that are alike in a world beside, it is worked out anew.
func (r *Relation) At(p Pair) Fate {
	if r.told(p) && !r.Passes(p) {
		return r.cells[p]
	}
	return r.walked(p)
}

// Pairs lists the pairs of which policies have a say and something passes or may, in order.
func (r *Relation) Pairs() []Pair {
	all := make([]Pair, 0, len(r.cells))
	for p := range r.cells {
		all = append(all, p)
	}
	slices.SortFunc(all, Pair.compare)
	return all
}

// Governed reports whether policies have a say on one half of a related member's traffic.
func (r *Relation) Governed(i int, d meaning.Direction) bool { return r.half(i, d).governed }

// Knows reports whether a workload or manifest of the relation has a name.
func (r *Relation) Knows(name string) bool {
	r.sort()
	return r.byName[name] != nil
}
