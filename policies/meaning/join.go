package meaning

import (
	"encoding/binary"
	"slices"

	"portcullis.dev/policies/packet"
)

// Rectangle is traffic from every member of some classes to every member of others,
// in packets of those families that both can have. Its outcome is Allowed or, where
// it hangs on what is not known, Unknown.
type Rectangle struct {
	From, To packet.Numbers // classes
	Traffic  packet.Traffic
	Families Families
	Outcome  Outcome
}

// joiner puts the halves together. What a program sends to few classes is looked up
// at those; what one accepts from few is looked up there; and what many send and
// many accept is few different things.
type joiner struct {
	r *Relation
	// out are rectangles by what they have beside their sources, and from their sources.
	out   []Rectangle
	from  [][]packet.Range
	known map[string]int
	// finders find the segments of ingress programs that have many, by peer.
	finders map[int32]*finder
}

// join is the whole relation, as few rectangles.
func (r *Relation) join() []Rectangle {
	j := &joiner{r: r, known: map[string]int{}, finders: map[int32]*finder{}}
	var wide [2][]side
	for d := range r.programs {
		for i := range r.programs[d] {
			p := &r.programs[d][i]
			if p.classes.IsEmpty() {
				continue
			}
			for n := range p.segments {
				s := &p.segments[n]
				switch few := s.Peers.Count() <= r.narrow; {
				case s.Outcome == Denied:
				case !few:
					wide[d] = append(wide[d], side{own: p.classes, Segment: s})
				case Direction(d) == Egress:
					j.lookUp(p, s)
				}
			}
		}
	}
	j.lookBack(wide[Egress])
	j.cross(merge(wide[Egress]), merge(wide[Ingress]))
	for i := range j.out {
		j.out[i].From = packet.Join(j.from[i]...)
	}
	return tidy(r, j.out)
}

// side is what some classes may send to, or accept from, many.
type side struct {
	own packet.Numbers
	*Segment
}

func (j *joiner) add(from, to packet.Numbers, egress, ingress *Segment) {
	families := egress.Families & ingress.Families
	if families == 0 || from.IsEmpty() || to.IsEmpty() {
		return
	}
	traffic := egress.Traffic.Intersect(ingress.Traffic)
	if traffic.IsEmpty() {
		return
	}
	outcome := Allowed
	if egress.Outcome == Unknown || ingress.Outcome == Unknown {
		outcome = Unknown
	}
	k := key(to, traffic.Numbers(), families, outcome)
	n, ok := j.known[k]
	if !ok {
		n = len(j.out)
		j.known[k] = n
		j.out, j.from = append(j.out, Rectangle{To: to, Traffic: traffic, Families: families, Outcome: outcome}), append(j.from, nil)
	}
	j.from[n] = append(j.from[n], from.Ranges()...)
}

// lookUp joins what a program sends to few classes with whatever those accept.
func (j *joiner) lookUp(p *program, s *Segment) {
	j.r.grouped(s.Peers, Ingress, func(n int32, to packet.Numbers) {
		for _, accepted := range j.accepting(n, p.classes) {
			j.add(p.classes.Intersect(accepted.Peers), to, s, accepted)
		}
	})
}

// lookBack joins what programs accept from few classes with what those send to many.
func (j *joiner) lookBack(wide []side) {
	sending := map[int32][]*Segment{}
	for _, s := range wide {
		n, _ := s.own.Min()
		program := j.r.programOf[Egress][n]
		sending[program] = append(sending[program], s.Segment)
	}
	for i := range j.r.programs[Ingress] {
		p := &j.r.programs[Ingress][i]
		if p.classes.IsEmpty() {
			continue
		}
		for n := range p.segments {
			s := &p.segments[n]
			if s.Outcome == Denied || s.Peers.Count() > j.r.narrow {
				continue
			}
			j.r.grouped(s.Peers, Egress, func(n int32, from packet.Numbers) {
				for _, sent := range sending[n] {
					j.add(from, p.classes.Intersect(sent.Peers), sent, s)
				}
			})
		}
	}
}

// cross joins what many send with what many accept.
func (j *joiner) cross(egress, ingress []side) {
	for _, e := range egress {
		for _, i := range ingress {
			if e.Families&i.Families != 0 && e.Traffic.Overlaps(i.Traffic) && e.own.Overlaps(i.Peers) && i.own.Overlaps(e.Peers) {
				j.add(e.own.Intersect(i.Peers), i.own.Intersect(e.Peers), e.Segment, i.Segment)
			}
		}
	}
}

// merge joins the sides of programs that differ in nothing but their classes.
func merge(sides []side) []side {
	var merged []side
	var own [][]packet.Range
	known := map[string]int{}
	for _, s := range sides {
		k := key(s.Peers, s.Traffic.Numbers(), s.Families, s.Outcome)
		n, ok := known[k]
		if !ok {
			n = len(merged)
			known[k] = n
			merged, own = append(merged, s), append(own, nil)
		}
		own[n] = append(own[n], s.own.Ranges()...)
	}
	for i := range merged {
		merged[i].own = packet.Join(own[i]...)
	}
	return merged
}

// key tells apart what is not the same.
func key(a, b packet.Numbers, f Families, o Outcome) string {
	all := make([]byte, 0, 32)
	all = append(all, byte(f), byte(o))
	for _, set := range []packet.Numbers{a, b} {
		all = binary.AppendUvarint(all, uint64(len(set.Ranges())))
		for _, r := range set.Ranges() {
			all = binary.AppendUvarint(all, uint64(r.First))
			all = binary.AppendUvarint(all, uint64(r.Last-r.First))
		}
	}
	return string(all)
}

// finder finds the segments of one program that have to do with a class.
type finder struct {
	byPeer map[uint32][]*Segment
	wide   []*Segment
}

// accepting are the segments of an ingress program that may have to do with some
// classes.
func (j *joiner) accepting(n int32, from packet.Numbers) []*Segment {
	segments := j.r.programs[Ingress][n].segments
	const few = 16
	if len(segments) <= few || from.Count() > j.r.narrow {
		var all []*Segment
		for i := range segments {
			if s := &segments[i]; s.Outcome != Denied && s.Peers.Overlaps(from) {
				all = append(all, s)
			}
		}
		return all
	}
	f := j.finders[n]
	if f == nil {
		f = &finder{byPeer: map[uint32][]*Segment{}}
		for i := range segments {
			switch s := &segments[i]; {
			case s.Outcome == Denied:
			case s.Peers.Count() > j.r.narrow:
				f.wide = append(f.wide, s)
			default:
				for peer := range s.Peers.All() {
					f.byPeer[peer] = append(f.byPeer[peer], s)
				}
			}
		}
		j.finders[n] = f
	}
	all := slices.Clone(f.wide)
	seen := map[*Segment]bool{}
	for peer := range from.All() {
		for _, s := range f.byPeer[peer] {
			if !seen[s] {
				seen[s] = true
				all = append(all, s)
			}
		}
	}
	return all
}
