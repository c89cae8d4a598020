package delta

import (
	"slices"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/reach"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/packet"
)

// denying is a part of what a guardrail or a quarantine denies.
type denying struct {
	from, to, unless []bool // of each member
	either           bool   // an end in from suffices
	traffic          packet.Traffic
}

// denies reports whether a guardrail or quarantine denies traffic from one member to another.
func (d *denying) denies(i, j int) bool {
	if d.either {
		return d.from[i] || d.from[j]
	}
	return d.from[i] && d.to[j] && !d.unless[i] && !d.unless[j]
}

// denialsOf gathers what the guardrails and quarantines of a side deny, by name.
func denialsOf(r *reach.Relation) (of map[string][]denying, at map[string]diag.Span, order []string) {
	of, at = map[string][]denying{}, map[string]diag.Span{}
	add := func(name string, d denying, span diag.Span) {
		if of[name] == nil {
			order = append(order, name)
			at[name] = span
		}
		of[name] = append(of[name], d)
	}
	nobody := make([]bool, len(r.Members)) // which several share, and nobody changes
	for i := range r.World.Plan.Guardrails {
		g := &r.World.Plan.Guardrails[i]
		d := denying{from: membersOf(r, g.From), to: membersOf(r, g.To), unless: slices.Clone(nobody), traffic: packet.Anything()}
		if len(g.Ports) > 0 {
			d.traffic = plan.PacketsOn(g.Ports)
		}
		for k := range g.Unless {
			for i, is := range membersOf(r, &g.Unless[k]) {
				d.unless[i] = d.unless[i] || is
			}
		}
		add("guardrail "+g.Name, d, g.Span)
	}
	for i := range r.World.Plan.Quarantine {
		q := &r.World.Plan.Quarantine[i]
		add("quarantine of "+q.End.Name, denying{from: membersOf(r, &q.End), to: nobody, unless: nobody, either: true, traffic: packet.Anything()}, q.Span)
	}
	return of, at, order
}

// denials compares what guardrails and quarantines deny, each by itself. Members that all of
// them treat alike are looked at once.
func (c *comparison) denials(e string, old, changed *reach.Relation) {
	was, before, first := denialsOf(old)
	is, now, second := denialsOf(changed)
	kinds := map[string]bool{}
	var one []int // of each kind
	for i := range old.Members {
		var key []byte // a digit of three bits for each denial
		for _, side := range []struct {
			of    map[string][]denying
			order []string
		}{{was, first}, {is, second}} {
			for _, name := range side.order {
				for _, d := range side.of[name] {
					digit := byte('0')
					for bit, is := range [3]bool{d.from[i], d.to[i], d.unless[i]} {
						if is {
							digit += 1 << bit
						}
					}
					key = append(key, digit)
				}
			}
		}
		if !kinds[string(key)] {
			kinds[string(key)] = true
			one = append(one, i)
		}
	}
	traffic := func(of []denying, i, j int) packet.Traffic {
		var all packet.Traffic
		for k := range of {
			if of[k].denies(i, j) {
				all = all.Union(of[k].traffic)
			}
		}
		return all
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(first, second)))) {
		less, more := false, false
		for _, i := range one {
			for _, j := range one {
				a, b := traffic(was[name], i, j), traffic(is[name], i, j)
				less, more = less || !b.Covers(a), more || !a.Covers(b)
			}
		}
		at := now[name]
		text := "denies other packets"
		switch {
		case is[name] == nil:
			at, text = diag.Span{}, "is gone, was "+before[name].String()
		case was[name] == nil:
			text = "is new"
		}
		if less {
			c.note("guardrail-loosened", name, text, e, at)
		}
		if more {
			c.note("guardrail-tightened", name, text, e, at)
		}
	}
	common := func(order, other []string) []string {
		return slices.DeleteFunc(slices.Clone(order), func(name string) bool { return !slices.Contains(other, name) })
	}
	if a, b := common(first, second), common(second, first); !slices.Equal(a, b) {
		c.note("", "guardrails", "stand in another order; each denies what it denied", e, now[b[0]])
	}
}
