package meaning

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"portcullis.dev/policies/packet"
)

// Rectangles are everything that is allowed or may be: disjoint, and as few as
// merging makes them. The caller must not change the list.
func (r *Relation) Rectangles() []Rectangle { return r.rectangles }

// Half is everything that ends may send (Egress) or accept (Ingress), or perhaps may,
// as far as their own half is concerned: a rectangle for each rule that lets something
// through and, where a profile does, for it. Ends that no policy can govern are not
// there.
func (r *Relation) Half(d Direction) []Rectangle {
	var all []Rectangle
	for i := range r.programs[d] {
		own := r.programs[d][i].classes.Intersect(r.governed)
		if own.IsEmpty() {
			continue
		}
		for _, s := range r.programs[d][i].segments {
			if s.Outcome == Denied {
				continue
			}
			x := Rectangle{From: own, To: s.Peers, Traffic: s.Traffic, Families: s.Families, Outcome: s.Outcome}
			if d == Ingress {
				x.From, x.To = x.To, x.From
			}
			if x, possible := r.valid(x); possible {
				all = append(all, x)
			}
		}
	}
	return all
}

// Merge joins rectangles that differ in one of their sets alone, leaves out what cannot
// be, and puts the rest into an order.
func (r *Relation) Merge(all []Rectangle) []Rectangle { return tidy(r, all) }

// valid leaves out of a rectangle what cannot be: packets of a family that one of the
// ends does not have. Not ok says that nothing is left.
func (r *Relation) valid(x Rectangle) (Rectangle, bool) {
	var can Families
	var from, to packet.Numbers
	for _, of := range familyNumbers {
		bit := familyBit(of)
		if !x.Families.Has(of) {
			continue
		}
		f, t := x.From.Intersect(r.withFamily(bit)), x.To.Intersect(r.withFamily(bit))
		if !f.IsEmpty() && !t.IsEmpty() {
			can |= bit
			from, to = from.Union(f), to.Union(t)
		}
	}
	x.From, x.To, x.Families = from, to, can
	return x, can != 0 && !x.Traffic.IsEmpty()
}

// tidy merges rectangles and puts them into an order.
func tidy(r *Relation, all []Rectangle) []Rectangle {
	var valid []Rectangle
	for _, x := range all {
		if v, ok := r.valid(x); ok {
			valid = append(valid, v)
		}
	}
	for before := len(valid) + 1; len(valid) < before; {
		before = len(valid)
		valid = mergeBy(valid, func(x Rectangle) string { return key(x.To, x.Traffic.Numbers(), x.Families, x.Outcome) },
			func(x *Rectangle) *packet.Numbers { return &x.From })
		valid = mergeBy(valid, func(x Rectangle) string { return key(x.From, x.Traffic.Numbers(), x.Families, x.Outcome) },
			func(x *Rectangle) *packet.Numbers { return &x.To })
	}
	valid = mergeTraffic(valid)
	slices.SortFunc(valid, func(a, b Rectangle) int {
		return cmp.Or(compareNumbers(a.From, b.From), compareNumbers(a.To, b.To),
			compareNumbers(a.Traffic.Numbers(), b.Traffic.Numbers()), cmp.Compare(a.Families, b.Families), cmp.Compare(a.Outcome, b.Outcome))
	})
	return valid
}

// mergeBy joins the rectangles that differ in one of their sets alone.
func mergeBy(all []Rectangle, key func(Rectangle) string, set func(*Rectangle) *packet.Numbers) []Rectangle {
	var merged []Rectangle
	var parts [][]packet.Range
	known := map[string]int{}
	for _, x := range all {
		k := key(x)
		n, ok := known[k]
		if !ok {
			n = len(merged)
			known[k] = n
			merged, parts = append(merged, x), append(parts, nil)
		}
		parts[n] = append(parts[n], set(&x).Ranges()...)
	}
	for i := range merged {
		*set(&merged[i]) = packet.Join(parts[i]...)
	}
	return merged
}

// mergeTraffic joins the rectangles that differ in their traffic alone.
func mergeTraffic(all []Rectangle) []Rectangle {
	var merged []Rectangle
	known := map[string]int{}
	for _, x := range all {
		k := key(x.From, x.To, x.Families, x.Outcome)
		n, ok := known[k]
		if !ok {
			known[k] = len(merged)
			merged = append(merged, x)
			continue
		}
		merged[n].Traffic = merged[n].Traffic.Union(x.Traffic)
	}
	return merged
}

func compareNumbers(a, b packet.Numbers) int {
	return slices.CompareFunc(a.Ranges(), b.Ranges(), func(a, b packet.Range) int {
		return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Last, b.Last))
	})
}

// Witness is one packet of the rectangle: of IPv4 if there is one, between ends that
// manifests describe if there are some, on the smallest port.
func (r *Relation) Witness(x Rectangle) Packet {
	for _, of := range familyNumbers {
		if !x.Families.Has(of) {
			continue
		}
		from, some := r.witness(x.From, of)
		to, others := r.witness(x.To, of)
		if !some || !others {
			continue
		}
		h, _ := x.Traffic.Witness()
		return Packet{From: from, To: to, Protocol: h.Protocol, Port: h.Port, Type: h.Type, Code: h.Code, Family: of}
	}
	return Packet{}
}

// witness is a member of some classes that can have an address of the family.
func (r *Relation) witness(classes packet.Numbers, of int) (Peer, bool) {
	classes = classes.Intersect(r.withFamily(familyBit(of)))
	first, ok := classes.Min()
	for n := range classes.All() {
		if !r.classes[n].Future {
			first = n
			break
		}
	}
	if !ok {
		return Peer{}, false
	}
	return r.classes[first].Peer(of), true
}

// Names are classes for people: the first three names, and how many more there are.
// Addresses are one, however policies divide them, and the first: they are the most.
func (r *Relation) Names(classes packet.Numbers) string {
	const most = 3
	var addresses packet.Addresses
	var names []string
	for n := range classes.All() {
		if c := &r.classes[n]; c.Kind == OfAddresses {
			addresses = addresses.Union(c.Addresses)
		} else if name := c.String(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if !addresses.IsEmpty() {
		text := strings.SplitN(addresses.String(), ", ", most+1)
		if len(text) > most {
			text[most] = "…"
		}
		names = slices.Insert(names, 0, strings.Join(text, ", "))
	}
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("%d more", len(names)-most))
	}
	return strings.Join(names, ", ")
}
