package proof

import (
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/relation"
)

// known is what a plan asks for in either reading, and on either half.
type known struct {
	ends  map[pods]*relation.Formula // of workloads
	sets  map[string]packet.Addresses
	ports map[plan.Port]*relation.Formula
}

// newKnown makes what is known before anything is asked.
func newKnown() known {
	return known{map[pods]*relation.Formula{}, map[string]packet.Addresses{}, map[plan.Port]*relation.Formula{}}
}

// addresses makes the set of some blocks' addresses, once for all lines that name the same.
func (t *intended) addresses(blocks []plan.Block) packet.Addresses {
	var room [256]byte
	text := room[:0]
	for _, b := range blocks {
		text = append(b.CIDR.AppendTo(text), ' ')
		for _, except := range b.Except {
			text = except.AppendTo(append(text, '-'))
		}
	}
	of, known := t.sets[string(text)]
	if !known {
		of = packet.AddressesOf(plan.Ranges(blocks)...)
		t.sets[string(text)] = of
	}
	return of
}

// carried makes the formula of what a line's ports stand for, once for all lines of one port.
func (t *intended) carried(l *line) *relation.Formula {
	if l.only != nil {
		return t.u.Traffic(traffic(l.ports).Intersect(*l.only))
	}
	if len(l.ports) != 1 {
		return t.u.Traffic(traffic(l.ports))
	}
	f := t.ports[l.ports[0]]
	if f == nil {
		f = t.u.Traffic(traffic(l.ports))
		t.ports[l.ports[0]] = f
	}
	return f
}
