package meaning

import (
	"net/netip"
	"slices"
	"sort"
	"strings"

	"go4.org/netipx"

	"portcullis.dev/policies/packet"
)

// places parts the addresses of one family so that every set of addresses that
// anybody asks about holds a place as a whole, or nothing of it. Ranges that the same
// sets hold are one place.
type places struct {
	starts []netip.Addr // of elementary ranges, in order; the first is the family's first
	place  []uint32     // of the elementary range
	count  uint32
}

// questions are the sets of addresses that anybody asks about, each once.
type questions struct {
	sets  []packet.Addresses
	known map[string]int
	// in are, for each family and set, the places of the set.
	in [2][]packet.Numbers
}

func (q *questions) ask(set packet.Addresses) int {
	var key strings.Builder
	for _, r := range set.IPSet().Ranges() {
		from, to := r.From().As16(), r.To().As16()
		key.Write(from[:])
		key.Write(to[:])
	}
	if n, ok := q.known[key.String()]; ok {
		return n
	}
	n := len(q.sets)
	q.sets = append(q.sets, set)
	q.known[key.String()] = n
	return n
}

// part finds the places of one family and what sets they lie in.
func (q *questions) part(f int) *places {
	of := familyNumbers[f]
	first := everything(of).Addr()
	p := &places{starts: []netip.Addr{first}}
	each := func(set packet.Addresses, do func(netipx.IPRange)) {
		for _, r := range set.IPSet().Ranges() {
			if family(r.From()) == of {
				do(r)
			}
		}
	}
	for _, set := range q.sets {
		each(set, func(r netipx.IPRange) {
			p.starts = append(p.starts, r.From())
			if next := r.To().Next(); next.IsValid() {
				p.starts = append(p.starts, next)
			}
		})
	}
	slices.SortFunc(p.starts, netip.Addr.Compare)
	p.starts = slices.Compact(p.starts)
	// Ranges begin alike, and every set in turn tells those that it holds from those
	// that it does not.
	likes := make([]int, len(p.starts))
	next := 1
	for _, set := range q.sets {
		moved := map[int]int{}
		each(set, func(r netipx.IPRange) {
			for i := p.at(r.From()); i < len(p.starts) && p.starts[i].Compare(r.To()) <= 0; i++ {
				to, ok := moved[likes[i]]
				if !ok {
					to = next
					next++
					moved[likes[i]] = to
				}
				likes[i] = to
			}
		})
	}
	numbers := map[int]uint32{}
	for _, like := range likes {
		n, ok := numbers[like]
		if !ok {
			n = p.count
			numbers[like] = n
			p.count++
		}
		p.place = append(p.place, n)
	}
	for _, set := range q.sets {
		var in []uint32
		each(set, func(r netipx.IPRange) {
			for i := p.at(r.From()); i < len(p.starts) && p.starts[i].Compare(r.To()) <= 0; i++ {
				in = append(in, p.place[i])
			}
		})
		q.in[f] = append(q.in[f], packet.NumbersOf(in...))
	}
	return p
}

// at is the elementary range of an address.
func (p *places) at(a netip.Addr) int {
	return sort.Search(len(p.starts), func(i int) bool { return p.starts[i].Compare(a) > 0 }) - 1
}

// of is the place of an address.
func (p *places) of(a netip.Addr) uint32 { return p.place[p.at(a)] }

// ranges are the addresses of every place.
func (p *places) ranges(family int) [][]netipx.IPRange {
	all := make([][]netipx.IPRange, p.count)
	last := netipx.PrefixLastIP(everything(family))
	for i, from := range p.starts {
		to := last
		if i+1 < len(p.starts) {
			to = p.starts[i+1].Prev()
		}
		all[p.place[i]] = append(all[p.place[i]], netipx.IPRangeFrom(from, to))
	}
	return all
}
