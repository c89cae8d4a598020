package explain

import (
	"cmp"
	"fmt"
	"slices"

	"portcullis.dev/policies/packet"
)

// pairing collects traffic between pairs of ends, by their places.
type pairing struct {
	rows []row // in the order of their senders
}

// row is what one end may send, by traffic in the order of its first receiver.
type row struct {
	from  int
	cells []rectangle
	known map[string]int
}

// rectangle is the same traffic from some ends to others.
type rectangle struct {
	from, to []int
	traffic  packet.Traffic
}

// add adds the traffic from one end to another to the row of its sender, beside receivers of the
// same traffic.
func (p *pairing) add(from, to int, t packet.Traffic) {
	if n := len(p.rows); n == 0 || p.rows[n-1].from != from {
		p.rows = append(p.rows, row{from: from, known: map[string]int{}})
	}
	r := &p.rows[len(p.rows)-1]
	key := fmt.Sprint(t.Numbers().Ranges())
	at, known := r.known[key]
	if !known {
		at = len(r.cells)
		r.known[key] = at
		r.cells = append(r.cells, rectangle{traffic: t})
	}
	r.cells[at].to = append(r.cells[at].to, to)
}

// rectangles joins senders with the same receivers and the same traffic, so that as few rectangles
// as possible are left.
func (p *pairing) rectangles() []rectangle {
	var all []rectangle
	known := map[string]int{}
	for _, r := range p.rows {
		for key, n := range r.known {
			c := r.cells[n]
			key += fmt.Sprint(c.to)
			at, some := known[key]
			if !some {
				at = len(all)
				known[key] = at
				all = append(all, c)
			}
			all[at].from = append(all[at].from, r.from)
		}
	}
	slices.SortFunc(all, func(a, b rectangle) int {
		return cmp.Or(slices.Compare(a.from, b.from), slices.Compare(a.to, b.to),
			slices.CompareFunc(a.traffic.Numbers().Ranges(), b.traffic.Numbers().Ranges(), func(a, b packet.Range) int { return cmp.Compare(a.First, b.First) }))
	})
	return all
}
