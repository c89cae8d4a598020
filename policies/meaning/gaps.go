package meaning

import (
	"slices"

	"portcullis.dev/policies/packet"
)

// Gap is traffic on which what is meant and what is allowed differ.
type Gap struct {
	Flow int // of the flows asked about; -1 for traffic that none of them means
	Rectangle
	Witness Packet  // one packet of the rectangle
	Verdict Verdict // of the witness, with the way it takes
}

// Excess is what is allowed, or may be, beyond flows.
func (r *Relation) Excess(flows []Flow) []Gap {
	meant := make([]Rectangle, 0, len(flows))
	for _, f := range flows {
		meant = append(meant, r.meant(f)...)
	}
	cover := r.Cover(tidy(r, meant))
	var left []Rectangle
	for _, x := range r.rectangles {
		left = append(left, cover.Less(x)...)
	}
	var gaps []Gap
	for _, x := range tidy(r, left) {
		gaps = append(gaps, r.gap(-1, x))
	}
	return gaps
}

// Missing is what flows mean and what is not allowed for certain. Between ends that
// no policy governs nothing is missing.
func (r *Relation) Missing(flows []Flow) []Gap {
	cover := r.Cover(certain(r.rectangles))
	var gaps []Gap
	for i, f := range flows {
		var left []Rectangle
		for _, x := range r.meant(f) {
			sent, accepted := x, x
			sent.From = x.From.Intersect(r.governed)
			accepted.From, accepted.To = x.From.Subtract(r.governed), x.To.Intersect(r.governed)
			left = append(append(left, cover.Less(sent)...), cover.Less(accepted)...)
		}
		for _, x := range tidy(r, left) {
			gaps = append(gaps, r.gap(i, x))
		}
	}
	return gaps
}

// Overlap is what is allowed, or may be, of flows: traffic that must not be.
func (r *Relation) Overlap(flows []Flow) []Gap {
	cover := r.Cover(r.rectangles)
	var gaps []Gap
	for i, f := range flows {
		var common []Rectangle
		for _, x := range r.meant(f) {
			common = append(common, cover.Common(x)...)
		}
		for _, c := range tidy(r, common) {
			gaps = append(gaps, r.gap(i, c))
		}
	}
	return gaps
}

// meant are the rectangles of a flow. Families part it where its ends are not the
// same in both.
func (r *Relation) meant(f Flow) []Rectangle {
	var all []Rectangle
	for _, of := range familyNumbers {
		x := Rectangle{From: r.End(f.From, of), To: r.End(f.To, of), Traffic: f.Traffic, Families: familyBit(of) & r.families}
		if last := len(all) - 1; last >= 0 && all[last].From.Equal(x.From) && all[last].To.Equal(x.To) {
			all[last].Families |= x.Families
		} else {
			all = append(all, x)
		}
	}
	return tidy(r, all)
}

// Gap shows one packet of a rectangle, and what becomes of it.
func (r *Relation) Gap(x Rectangle) Gap { return r.gap(-1, x) }

func (r *Relation) gap(flow int, x Rectangle) Gap {
	g := Gap{Flow: flow, Rectangle: x, Witness: r.Witness(x)}
	g.Verdict = r.m.Walk(g.Witness)
	g.Outcome = g.Verdict.Outcome()
	return g
}

// certain are the rectangles that are allowed for certain.
func certain(all []Rectangle) []Rectangle {
	return slices.DeleteFunc(slices.Clone(all), func(x Rectangle) bool { return x.Outcome != Allowed })
}

func intersect(x, y Rectangle) Rectangle {
	return Rectangle{
		From: x.From.Intersect(y.From), To: x.To.Intersect(y.To), Traffic: x.Traffic.Intersect(y.Traffic), Families: x.Families & y.Families,
	}
}

func (x *Rectangle) isEmpty() bool {
	return x.Families == 0 || x.From.IsEmpty() || x.To.IsEmpty() || x.Traffic.IsEmpty()
}

// Cover holds what rectangles have beside others. It is asked by one goroutine at a
// time.
type Cover struct {
	r       *Relation
	all     []Rectangle
	by      [2]map[uint32][]int32 // by class, for rectangles that are narrow there
	wide    [2][]int32
	seen    []int32 // when a rectangle was last found
	current int32
}

// Cover prepares rectangles to be asked about.
func (r *Relation) Cover(all []Rectangle) *Cover {
	c := &Cover{r: r, all: all, by: [2]map[uint32][]int32{{}, {}}, seen: make([]int32, len(all))}
	for i := range all {
		for d, set := range sides(&all[i]) {
			if set.Count() > r.narrow {
				c.wide[d] = append(c.wide[d], int32(i))
				continue
			}
			for n := range set.All() {
				c.by[d][n] = append(c.by[d][n], int32(i))
			}
		}
	}
	return c
}

func sides(x *Rectangle) [2]packet.Numbers { return [2]packet.Numbers{x.From, x.To} }

// touching are the rectangles that have something in common with one, in order. They
// are found by the classes on that side of it where there are fewer to look at.
func (c *Cover) touching(x Rectangle) []Rectangle {
	d := 0
	if c.candidates(1, x.To) < c.candidates(0, x.From) {
		d = 1
	}
	c.current++
	var found []int32
	add := func(candidates []int32) {
		for _, i := range candidates {
			if c.seen[i] == c.current {
				continue
			}
			c.seen[i] = c.current
			if y := &c.all[i]; x.Families&y.Families != 0 && x.From.Overlaps(y.From) && x.To.Overlaps(y.To) && x.Traffic.Overlaps(y.Traffic) {
				found = append(found, i)
			}
		}
	}
	for n := range sides(&x)[d].All() {
		add(c.by[d][n])
	}
	add(c.wide[d])
	slices.Sort(found)
	all := make([]Rectangle, len(found))
	for n, i := range found {
		all[n] = c.all[i]
	}
	return all
}

// candidates is how many rectangles have to be looked at, to find those that touch
// classes on one side.
func (c *Cover) candidates(d int, classes packet.Numbers) uint64 {
	all := classes.Count() + uint64(len(c.wide[d]))
	if classes.Count() > c.r.narrow {
		return all + uint64(len(c.all)) // they are not worth counting
	}
	for n := range classes.All() {
		all += uint64(len(c.by[d][n]))
	}
	return all
}

// Less is what the rectangles leave of one, in parts that do not overlap.
func (c *Cover) Less(x Rectangle) []Rectangle {
	left := []Rectangle{x}
	for _, y := range c.touching(x) {
		var next []Rectangle
		for _, part := range left {
			next = append(next, minus(part, y)...)
		}
		left = next
	}
	return left
}

// Common is what each of the rectangles has in common with one, and its outcome.
func (c *Cover) Common(x Rectangle) []Rectangle {
	all := c.touching(x)
	for i, y := range all {
		all[i] = intersect(x, y)
		all[i].Outcome = y.Outcome
	}
	return all
}

// minus is a rectangle without another: its other sources, its other destinations,
// its other traffic, and its other families.
func minus(x, y Rectangle) []Rectangle {
	if common := intersect(x, y); common.isEmpty() {
		return []Rectangle{x}
	}
	var left []Rectangle
	add := func(part Rectangle) {
		if !part.isEmpty() {
			left = append(left, part)
		}
	}
	part := x
	part.From = x.From.Subtract(y.From)
	add(part)
	part.From, part.To = x.From.Intersect(y.From), x.To.Subtract(y.To)
	add(part)
	part.To, part.Traffic = x.To.Intersect(y.To), x.Traffic.Subtract(y.Traffic)
	add(part)
	part.Traffic, part.Families = x.Traffic.Intersect(y.Traffic), x.Families&^y.Families
	add(part)
	return left
}
