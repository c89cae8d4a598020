package packet_test

import (
	"math/bits"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"portcullis.dev/policies/packet"
)

// small is a set of numbers below 16, as bits: the judge of Numbers.
type small uint16

func (s small) numbers() packet.Numbers {
	var in []uint32
	for n := range uint32(16) {
		if s>>n&1 == 1 {
			in = append(in, n)
		}
	}
	return packet.NumbersOf(in...)
}

// Every operation on every pair of some sets is what it is on bits. The sets are all
// those whose ranges can lie in every way to each other's: of six neighbours, at both
// ends of the numbers.
func TestNumbersAreBits(t *testing.T) {
	t.Parallel()
	for a := range small(64) {
		for b := range small(64) {
			checkNumbers(t, a, b)
		}
	}
}

func checkNumbers(t interface{ Fatalf(string, ...any) }, a, b small) {
	x, y := a.numbers(), b.numbers()
	for _, c := range []struct {
		name string
		got  packet.Numbers
		want small
	}{
		{"union", x.Union(y), a | b}, {"intersection", x.Intersect(y), a & b}, {"difference", x.Subtract(y), a &^ b},
		{"complement", packet.Between(0, 15).Subtract(x), ^a},
		{"join", packet.Join(slices.Concat(y.Ranges(), x.Ranges())...), a | b},
	} {
		if !c.got.Equal(c.want.numbers()) {
			t.Fatalf("%s of %v and %v: %v", c.name, x, y, c.got)
		}
		if c.got.Count() != uint64(bits.OnesCount16(uint16(c.want))) || c.got.IsEmpty() != (c.want == 0) {
			t.Fatalf("%s of %v and %v: %d numbers", c.name, x, y, c.got.Count())
		}
		if least, ok := c.got.Min(); ok != (c.want != 0) || ok && int(least) != bits.TrailingZeros16(uint16(c.want)) {
			t.Fatalf("%s of %v and %v: the smallest is %d", c.name, x, y, least)
		}
		if got := slices.Collect(c.got.All()); len(got) != bits.OnesCount16(uint16(c.want)) || slices.ContainsFunc(got, func(n uint32) bool { return c.want>>n&1 == 0 }) {
			t.Fatalf("%s of %v and %v: %v", c.name, x, y, got)
		}
	}
	if x.Overlaps(y) != (a&b != 0) || x.Covers(y) != (b&^a == 0) || x.Equal(y) != (a == b) {
		t.Fatalf("%v and %v: overlaps %v, covers %v, equal %v", x, y, x.Overlaps(y), x.Covers(y), x.Equal(y))
	}
	for n := range uint32(17) {
		if x.Contains(n) != (n < 16 && a>>n&1 == 1) {
			t.Fatalf("%v contains %d: %v", x, n, x.Contains(n))
		}
	}
}

// The same with sets of many ranges, and operands of very different size.
func TestNumbersAreManyBits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		checkNumbers(t, small(rapid.Uint16().Draw(t, "a")), small(rapid.Uint16().Draw(t, "b")))
	})
}

// Numbers reach to the last one there is.
func TestNumbersToTheEnd(t *testing.T) {
	t.Parallel()
	const last = ^uint32(0)
	all := packet.Between(0, last)
	if all.Count() != 1<<32 || !all.Subtract(packet.Between(last, last)).Equal(packet.Between(0, last-1)) || !all.Subtract(all).IsEmpty() {
		t.Error("all numbers less the last are not the others")
	}
	if got := packet.Join(packet.Range{First: last, Last: last}, packet.Range{First: 0, Last: last - 1}, packet.Range{First: 9, Last: 8}); !got.Equal(all) {
		t.Errorf("the two parts join to %v", got)
	}
	if !packet.Between(8, 7).IsEmpty() || !packet.NumbersOf(3, 1, 2, 2).Equal(packet.Between(1, 3)) {
		t.Error("an empty range, or numbers in disorder")
	}
	for n := range packet.Between(last-1, last).All() {
		if n < last-1 {
			t.Errorf("%d is among the last two", n)
		}
		break
	}
}
