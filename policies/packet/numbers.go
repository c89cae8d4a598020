package packet

import (
	"cmp"
	"iter"
	"slices"
	"sort"
)

// Range is an inclusive range of numbers.
type Range struct{ First, Last uint32 }

// Numbers is a set of numbers as the fewest ranges, in order: small wherever what it
// leaves out is small. The zero Numbers is empty. It does not change; every
// operation makes a new one, or gives back one of its operands.
type Numbers struct{ ranges []Range }

// Between makes the set of the numbers from first to last; none if last comes before first.
func Between(first, last uint32) Numbers {
	if last < first {
		return Numbers{}
	}
	return Numbers{[]Range{{first, last}}}
}

// NumbersOf makes the set of some numbers, whatever their order.
func NumbersOf(numbers ...uint32) Numbers {
	if !slices.IsSorted(numbers) {
		numbers = slices.Clone(numbers)
		slices.Sort(numbers)
	}
	var ranges []Range
	for _, n := range numbers {
		ranges = extend(ranges, Range{n, n})
	}
	return Numbers{ranges}
}

// Join makes the set of the numbers in some ranges, whatever their order.
func Join(ranges ...Range) Numbers {
	byFirst := func(a, b Range) int { return cmp.Compare(a.First, b.First) }
	if !slices.IsSortedFunc(ranges, byFirst) {
		ranges = slices.Clone(ranges)
		slices.SortFunc(ranges, byFirst)
	}
	count, last := 0, int64(-2) // of ranges that do not touch the one before
	for _, r := range ranges {
		if r.First <= r.Last {
			if int64(r.First) > last+1 {
				count++
			}
			last = max(last, int64(r.Last))
		}
	}
	joined := make([]Range, 0, count)
	for _, r := range ranges {
		if r.First <= r.Last {
			joined = extend(joined, r)
		}
	}
	return Numbers{joined}
}

// extend adds to ranges of numbers one that begins at or after the beginning of the last one.
func extend(ranges []Range, r Range) []Range {
	if n := len(ranges); n > 0 && uint64(r.First) <= uint64(ranges[n-1].Last)+1 {
		ranges[n-1].Last = max(ranges[n-1].Last, r.Last)
		return ranges
	}
	return append(ranges, r)
}

// Ranges gives the ranges of the set of numbers: in order, disjoint, none touching the next. The
// caller must not change them.
func (s Numbers) Ranges() []Range { return s.ranges }

// IsEmpty reports whether there is no number in the set.
func (s Numbers) IsEmpty() bool { return len(s.ranges) == 0 }

// Count counts the numbers in the set.
func (s Numbers) Count() uint64 {
	var n uint64
	for _, r := range s.ranges {
		n += uint64(r.Last) - uint64(r.First) + 1
	}
	return n
}

// All yields the numbers of the set in order.
func (s Numbers) All() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for _, r := range s.ranges {
			for n := uint64(r.First); n <= uint64(r.Last); n++ {
				if !yield(uint32(n)) {
					return
				}
			}
		}
	}
}

// Min gives the smallest number of the set.
func (s Numbers) Min() (smallest uint32, ok bool) {
	if len(s.ranges) == 0 {
		return 0, false
	}
	return s.ranges[0].First, true
}

// from finds the first range of the set that ends at n or later.
func (s Numbers) from(n uint32) int {
	return sort.Search(len(s.ranges), func(i int) bool { return s.ranges[i].Last >= n })
}

// Contains reports whether n is in the set.
func (s Numbers) Contains(n uint32) bool {
	i := s.from(n)
	return i < len(s.ranges) && s.ranges[i].First <= n
}

// Equal reports whether both hold the same numbers.
func (s Numbers) Equal(o Numbers) bool { return slices.Equal(s.ranges, o.ranges) }

// apart reports at a glance that no number is in both sets.
func (s Numbers) apart(o Numbers) bool {
	n, m := len(s.ranges), len(o.ranges)
	return n == 0 || m == 0 || s.ranges[n-1].Last < o.ranges[0].First || o.ranges[m-1].Last < s.ranges[0].First
}

// Overlaps reports whether some number is in both sets.
func (s Numbers) Overlaps(o Numbers) bool {
	if s.apart(o) {
		return false
	}
	if len(o.ranges) < len(s.ranges) {
		s, o = o, s
	}
	for _, r := range s.ranges {
		if i := o.from(r.First); i < len(o.ranges) && o.ranges[i].First <= r.Last {
			return true
		}
	}
	return false
}

// Covers reports whether every number of the other set is in this one.
func (s Numbers) Covers(o Numbers) bool {
	for _, r := range o.ranges {
		if i := s.from(r.First); i == len(s.ranges) || r.First < s.ranges[i].First || s.ranges[i].Last < r.Last {
			return false
		}
	}
	return true
}

// Union makes the set of the numbers that are in either set.
func (s Numbers) Union(o Numbers) Numbers {
	switch {
	case s.Covers(o):
		return s
	case o.Covers(s):
		return o
	}
	joined := make([]Range, 0, len(s.ranges)+len(o.ranges))
	a, b := s.ranges, o.ranges
	for len(a) > 0 || len(b) > 0 {
		if len(b) == 0 || len(a) > 0 && a[0].First <= b[0].First {
			joined, a = extend(joined, a[0]), a[1:]
		} else {
			joined, b = extend(joined, b[0]), b[1:]
		}
	}
	return Numbers{joined}
}

// Intersect makes the set of the numbers that are in both sets.
func (s Numbers) Intersect(o Numbers) Numbers {
	if s.apart(o) {
		return Numbers{}
	}
	if len(o.ranges) < len(s.ranges) {
		s, o = o, s
	}
	switch {
	case len(s.ranges) == 1 && s.Covers(Numbers{[]Range{{o.ranges[0].First, o.ranges[len(o.ranges)-1].Last}}}):
		return o
	case o.Covers(s):
		return s
	}
	// A few ranges look for their like among the many, which need not all be read.
	both := make([]Range, 0, len(s.ranges))
	for _, r := range s.ranges {
		for i := o.from(r.First); i < len(o.ranges) && o.ranges[i].First <= r.Last; i++ {
			both = append(both, Range{max(r.First, o.ranges[i].First), min(r.Last, o.ranges[i].Last)})
		}
	}
	return Numbers{both}
}

// Subtract makes the set of the numbers that are in this set and not in the other.
func (s Numbers) Subtract(o Numbers) Numbers {
	if !s.Overlaps(o) {
		return s
	}
	rest := make([]Range, 0, len(s.ranges)+1)
	for _, r := range s.ranges {
		first, left := uint64(r.First), true
		for i := o.from(r.First); i < len(o.ranges) && o.ranges[i].First <= r.Last; i++ {
			if without := o.ranges[i]; uint64(without.First) > first {
				rest = append(rest, Range{uint32(first), without.First - 1})
			}
			first = uint64(o.ranges[i].Last) + 1
			left = first <= uint64(r.Last)
		}
		if left {
			rest = append(rest, Range{uint32(first), r.Last})
		}
	}
	return Numbers{rest}
}

// Sorted makes the set of the numbers in ranges that are in order and do not touch. The caller
// must not change them.
func Sorted(ranges []Range) Numbers { return Numbers{ranges} }
