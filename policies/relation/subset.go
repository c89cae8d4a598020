package relation

import (
	"iter"
	"math/bits"
	"slices"

	"portcullis.dev/policies/selector"
)

// subset is a set of listed namespaces. The zero subset is empty. It does not change.
type subset struct {
	one  int // the place of the only member, plus 1
	many []uint64
}

// only makes the subset of one listed namespace.
func only(i int) subset { return subset{one: i + 1} }

// everyOne makes the subset of all listed namespaces.
func everyOne(count int) subset {
	s := subset{many: make([]uint64, (count+63)/64)}
	for i := range count {
		s.many[i/64] |= 1 << (i % 64)
	}
	return s.settled()
}

// settled brings the subset into its simplest form.
func (s subset) settled() subset {
	count, last := 0, -1
	for i, word := range s.many {
		if count += bits.OnesCount64(word); count > 1 {
			return s
		}
		if word != 0 {
			last = i*64 + bits.TrailingZeros64(word)
		}
	}
	return only(last)
}

// isEmpty reports whether the subset has no member.
func (s subset) isEmpty() bool { return s.one == 0 && s.many == nil }

// single tells the only member of the subset, if it has one.
func (s subset) single() (int, bool) { return s.one - 1, s.one > 0 }

// has reports whether a listed namespace is in the subset.
func (s subset) has(i int) bool {
	if s.many != nil {
		return s.many[i/64]>>(i%64)&1 == 1
	}
	return s.one == i+1
}

// all yields the members of the subset in order.
func (s subset) all() iter.Seq[int] {
	return func(yield func(int) bool) {
		if s.one > 0 {
			yield(s.one - 1)
		}
		for i, word := range s.many {
			for ; word != 0; word &= word - 1 {
				if !yield(i*64 + bits.TrailingZeros64(word)) {
					return
				}
			}
		}
	}
}

// intersect keeps of the subset the members whose bits are set.
func (s subset) intersect(many []uint64) subset {
	n := subset{many: make([]uint64, len(s.many))}
	for i := range s.many {
		n.many[i] = s.many[i] & many[i]
	}
	return n.settled()
}

// where keeps of the subset the listed namespaces for which a question may have that answer.
func (s subset) where(u *Universe, l *literal, holds bool) subset {
	other, at := yes, 0
	if holds {
		other, at = no, 1
	}
	switch one, single := s.single(); {
	case s.isEmpty():
		return s
	case single:
		if a, known := u.known(l, &u.listed[one]); known && a == other {
			return subset{}
		}
		return s
	case l.kind == ofNamespace && holds && len(l.test.Values) == 1 && l.test.Op == selector.OpIn: // the most frequent question
		if i, listed := u.index[l.test.Values[0]]; listed && s.has(i) {
			return only(i)
		}
		return subset{}
	}
	return s.intersect(l.among(u, at))
}

// knowing keeps of the subset the listed namespaces of which the label with a key is known.
func (s subset) knowing(u *Universe, key string) subset {
	if !u.named[key] {
		return subset{}
	}
	if one, single := s.single(); single {
		if u.listed[one].Free {
			return subset{}
		}
		return s
	}
	if s.many == nil || len(u.free) == 0 {
		return s
	}
	known := make([]uint64, len(s.many))
	for i := range known {
		known[i] = ^uint64(0)
	}
	for _, i := range u.free {
		known[i/64] &^= 1 << (i % 64)
	}
	return s.intersect(known)
}

// hasFree reports whether nothing is known of the label of some member of the subset.
func (s subset) hasFree(u *Universe, key string) bool {
	return !s.isEmpty() && (!u.named[key] || slices.ContainsFunc(u.free, s.has))
}

// among works out, as the bits of a subset, the listed namespaces for which a question may be
// false (0), or may be true (1).
func (l *literal) among(u *Universe, at int) []uint64 {
	if l.members[at] != nil {
		return l.members[at]
	}
	other := yes
	if at == 1 {
		other = no
	}
	l.members[at] = make([]uint64, (len(u.listed)+63)/64)
	for i := range u.listed {
		if a, known := u.known(l, &u.listed[i]); !known || a != other {
			l.members[at][i/64] |= 1 << (i % 64)
		}
	}
	return l.members[at]
}

// answers says whether a question may be true of a member of the subset, and whether it may be
// false, as far as what is listed tells: of a label that is free neither.
func (s subset) answers(u *Universe, l *literal) (mayHold, mayFail bool) {
	if key := u.variables[l.variable].name; l.kind == ofNamespaceLabel && len(u.free) > 0 && u.named[key] {
		s = s.knowing(u, key)
	}
	switch one, single := s.single(); {
	case s.isEmpty():
		return false, false
	case single:
		a, known := u.known(l, &u.listed[one])
		return known && a == yes, known && a == no
	case l.kind == ofNamespaceLabel && !u.named[u.variables[l.variable].name]:
		return false, false
	case l.kind == ofNamespace && len(l.test.Values) == 1 && l.test.Op == selector.OpIn:
		i, listed := u.index[l.test.Values[0]]
		return listed && s.has(i), true
	}
	return s.overlaps(l.among(u, 1)), s.overlaps(l.among(u, 0))
}

// overlaps reports whether the bit of any member of the subset is set.
func (s subset) overlaps(many []uint64) bool {
	for i, word := range s.many {
		if word&many[i] != 0 {
			return true
		}
	}
	return false
}
