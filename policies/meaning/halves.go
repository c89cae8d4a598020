package meaning

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"portcullis.dev/policies/packet"
)

// Side is what the same policies, in the same order, do with some classes in one
// direction.
type Side struct {
	Classes  packet.Numbers
	Segments []Segment // of what is denied, one may hold more than it decides: see [Relation.Parts]
	r        *Relation
	last     int32 // the tier that decides last, if one does
	d        Direction
}

// Sides parts classes by what is done with them.
func (r *Relation) Sides(classes packet.Numbers, d Direction) iter.Seq[Side] {
	return func(yield func(Side) bool) {
		stopped := false
		r.grouped(classes, d, func(n int32, members packet.Numbers) {
			p := &r.programs[d][n]
			s := Side{Classes: members, Segments: p.segments, r: r, last: -1, d: d}
			if last := len(p.steps) - 1; last >= 0 {
				s.last = int32(r.policies[p.steps[last].policy].tier)
			}
			stopped = stopped || !yield(s)
		})
	}
}

// Parts are what a segment decides, exactly: disjoint, and like it in everything else.
func (r *Relation) Parts(s Segment) []Segment {
	var all []Segment
	for _, part := range r.less(region{s.Families, s.Peers, s.Traffic}, s.except) {
		s.Families, s.Peers, s.Traffic = part.families, part.peers, part.traffic
		s.except = nil
		all = append(all, s)
	}
	return all
}

// Rule is the rule that decides a segment, or may, with its policy; nil where none does.
func (s *Side) Rule(of *Segment) (*Policy, *Rule) {
	if of.by.kind != ByRule || of.by.rule == noRule {
		return nil, nil
	}
	p := s.r.policies[of.by.place].policy
	return p, &p.Rules[s.d][of.by.rule]
}

// Forgotten reports whether a segment is denied because nothing allows it: by the end of
// a tier below which no other would have its say.
func (s *Side) Forgotten(of *Segment) bool {
	return of.Outcome == Denied && of.by.kind == ByTierEnd && of.by.inTier == s.last
}

// Unlabelled are the classes of future pods without labels in the namespaces that
// somebody names, and Stranger is that of one in a namespace that nobody does.
func (r *Relation) Unlabelled() (known packet.Numbers, stranger uint32) {
	return r.unlabelled, r.stranger
}

// Doubles are the classes, of those that [Atoms.AddLookAlikes] adds, whose pods wear the
// labels of two others together.
func (r *Relation) Doubles() packet.Numbers { return r.doubles }

// grouped calls do with the programs of some classes, and the classes of each.
func (r *Relation) grouped(classes packet.Numbers, d Direction, do func(program int32, classes packet.Numbers)) {
	type at struct {
		program int32
		class   uint32
	}
	var all []at
	for n := range classes.All() {
		all = append(all, at{r.programOf[d][n], n})
	}
	slices.SortFunc(all, func(a, b at) int { return cmp.Or(cmp.Compare(a.program, b.program), cmp.Compare(a.class, b.class)) })
	for len(all) > 0 {
		program := all[0].program
		var own []packet.Range
		for len(all) > 0 && all[0].program == program {
			own, all = push(own, all[0].class), all[1:]
		}
		do(program, packet.Sorted(own))
	}
}

// AsksNamespaces reports whether a policy asks for labels of Namespaces beside those
// that hold their names: where no manifest describes a Namespace, those are not known.
func (r *Relation) AsksNamespaces() bool {
	for key := range r.vocabulary.keys {
		if rest, of := strings.CutPrefix(key, namespacePrefix); of && rest != labelName && rest != NameLabel {
			return true
		}
	}
	return false
}
