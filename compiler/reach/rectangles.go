package reach

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"portcullis.dev/policies/packet"
)

// Rectangle is the same traffic from each of some members to each of others, which the same
// line means.
type Rectangle struct {
	From, To []int // in order
	Family   Family
	Traffic  packet.Traffic
	load     Load
	Sources  []Source // the first means all of it; none where nobody looked
}

// Rectangles covers the traffic of pairs by few rectangles. Each is of one line: of those that
// mean a pair it is the one that means most, so that what one line says stays together.
func (r *Relation) Rectangles(pairs []Pair, traffic func(Pair) Load) []Rectangle {
	type piece struct {
		pair Pair
		meant
	}
	var pieces []piece
	count := map[string]int{}
	for _, p := range pairs {
		for _, part := range r.parts(p, traffic(p)) {
			if part.traffic.IsEmpty() {
				continue
			}
			if part.sources == nil {
				part.sources = r.decided(p, part.traffic)
			}
			pieces = append(pieces, piece{p, part})
			for _, s := range part.sources {
				count[s.key()]++
			}
		}
	}
	byLine := map[string]map[Pair]Load{}
	also := map[string][]Source{}
	var order []string
	for _, x := range pieces {
		main := mainOf(x.sources, count)
		key := main.key()
		if byLine[key] == nil {
			byLine[key] = map[Pair]Load{}
			order = append(order, key)
			if len(x.sources) > 0 {
				also[key] = []Source{main}
			}
		}
		byLine[key][x.pair] = byLine[key][x.pair].Union(x.traffic)
		for _, s := range x.sources {
			if !slices.Contains(also[key], s) {
				also[key] = append(also[key], s)
			}
		}
	}
	var all []Rectangle
	for _, key := range order {
		for _, of := range fewest(byLine[key]) {
			for _, one := range r.flavoured(of) {
				one.Sources = r.speaking(also[key], one)
				all = append(all, one)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Rectangle) int {
		return cmp.Or(slices.Compare(a.To, b.To), slices.Compare(a.From, b.From), strings.Compare(keyOf(a.Traffic), keyOf(b.Traffic)))
	})
	return all
}

// flavoured parts a rectangle by what each family of addresses has for itself. Ends that can
// meet in one family alone stand apart from those that can in both.
func (r *Relation) flavoured(of Rectangle) []Rectangle {
	type group struct{ can4, can6 bool }
	byFamily := map[group][]Pair{}
	for _, i := range of.From {
		for _, j := range of.To {
			can4, can6 := r.can([]int{i}, []int{j})
			byFamily[group{can4, can6}] = append(byFamily[group{can4, can6}], Pair{i, j})
		}
	}
	var all []Rectangle
	for _, g := range []group{{true, true}, {true, false}, {false, true}} {
		cells := map[Pair]Load{}
		for _, p := range byFamily[g] {
			cells[p] = of.load
		}
		for _, one := range fewest(cells) {
			for _, f := range one.load.flavours(g.can4, g.can6) {
				one.Family, one.Traffic = f.family, f.traffic
				all = append(all, one)
			}
		}
	}
	return all
}

// speaking selects the sources of a line's rectangles that mean something of this one.
func (r *Relation) speaking(all []Source, of Rectangle) []Source {
	if len(all) < 2 {
		return all
	}
	said := map[string]bool{}
	for _, i := range of.From {
		for _, j := range of.To {
			for _, m := range r.meant[Pair{i, j}] {
				if m.traffic.Overlaps(of.load) {
					for _, s := range m.sources {
						said[s.key()] = true
					}
				}
			}
		}
	}
	return append(all[:1:1], slices.DeleteFunc(slices.Clone(all[1:]), func(s Source) bool { return !said[s.key()] })...)
}

// key makes a key by which the sources of rectangles are told apart and counted.
func (s Source) key() string {
	return fmt.Sprint(s.Kind, "\x00", s.File, "\x00", s.Line, "\x00", s.Column, "\x00", s.Why)
}

// mainOf picks the source that means most of a rectangle; of equals the first.
func mainOf(all []Source, count map[string]int) Source {
	if len(all) == 0 {
		return Source{}
	}
	return slices.MinFunc(all, func(a, b Source) int {
		return cmp.Or(cmp.Compare(count[b.key()], count[a.key()]), a.compare(b))
	})
}

// keyOf makes a key of traffic, by which cells of a rectangle are found alike.
func keyOf(t packet.Traffic) string { return fmt.Sprint(t.Numbers().Ranges()) }

// keyOfLoad makes a key of both families' traffic, by which cells of a rectangle are found alike.
func keyOfLoad(l Load) string { return keyOf(l.V4) + keyOf(l.V6) }

// fewest joins cells into rectangles of senders with the same receivers, or receivers with the
// same senders, whichever makes fewer.
func fewest(cells map[Pair]Load) []Rectangle {
	bySender := joined(cells, false)
	if byReceiver := joined(cells, true); len(byReceiver) < len(bySender) {
		return byReceiver
	}
	return bySender
}

// joined joins cells with the same traffic into rectangles: first the receivers of each sender,
// then senders alike; turned, the other way round.
func joined(cells map[Pair]Load, turned bool) []Rectangle {
	type row struct {
		of      int
		traffic Load
		others  []int
	}
	rows := map[string]*row{}
	for p, t := range cells {
		own, other := p.From, p.To
		if turned {
			own, other = other, own
		}
		key := fmt.Sprint(own, " ", keyOfLoad(t))
		if rows[key] == nil {
			rows[key] = &row{of: own, traffic: t}
		}
		rows[key].others = append(rows[key].others, other)
	}
	byOthers := map[string]*Rectangle{}
	for _, r := range rows {
		slices.Sort(r.others)
		key := keyOfLoad(r.traffic) + fmt.Sprint(r.others)
		if byOthers[key] == nil {
			byOthers[key] = &Rectangle{To: r.others, load: r.traffic}
		}
		byOthers[key].From = append(byOthers[key].From, r.of)
	}
	all := make([]Rectangle, 0, len(byOthers))
	for _, r := range byOthers {
		slices.Sort(r.From)
		if turned {
			r.From, r.To = r.To, r.From
		}
		all = append(all, *r)
	}
	slices.SortFunc(all, func(a, b Rectangle) int {
		return cmp.Or(slices.Compare(a.From, b.From), slices.Compare(a.To, b.To), strings.Compare(keyOfLoad(a.load), keyOfLoad(b.load)))
	})
	return all
}
