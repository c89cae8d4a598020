package diag

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// mergeNumbers makes one finding of those that say the same of different environments but for
// numbers: 98% here and 100% there. What is found twice in one environment is two things.
func mergeNumbers(sorted List) List {
	type masked struct {
		Diagnostic
		index int
	}
	var all []masked
	for i, d := range sorted {
		counted := len(numbersIn(d.Message))+len(numbersIn(d.Why)) > 0
		if len(d.Environments) > 0 && counted && d.Among == nil && !strings.Contains(d.Message+d.Why, marked) {
			d.Message, d.Why = mask(d.Message), mask(d.Why)
			all = append(all, masked{d, i})
		}
	}
	slices.SortStableFunc(all, func(a, b masked) int { return a.compareFinding(b.Diagnostic) })
	var gone []int
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].compareFinding(all[0].Diagnostic) == 0 {
			n++
		}
		var alike []int
		for _, m := range all[:n] {
			alike = append(alike, m.index)
		}
		all = all[n:]
		slices.Sort(alike)
		if n > 1 && disjoint(sorted, alike) {
			sorted[alike[0]] = merged(sorted, alike)
			gone = append(gone, alike[1:]...)
		}
	}
	if len(gone) == 0 {
		return sorted
	}
	slices.Sort(gone)
	kept := sorted[:0]
	for i, d := range sorted {
		if _, is := slices.BinarySearch(gone, i); !is {
			kept = append(kept, d)
		}
	}
	slices.SortStableFunc(kept, Diagnostic.compare) // the messages are others now
	return kept
}

// disjoint reports whether no environment has two of the findings that differ in numbers alone.
func disjoint(l List, indices []int) bool {
	seen := map[string]bool{}
	for _, i := range indices {
		for _, e := range l[i].Environments {
			if seen[e] {
				return false
			}
			seen[e] = true
		}
	}
	return true
}

// merged makes one finding of those that differ in numbers alone.
func merged(l List, indices []int) Diagnostic {
	d := l[indices[0]]
	var messages, whys []string
	for n, i := range indices {
		messages, whys = append(messages, l[i].Message), append(whys, l[i].Why)
		if n > 0 {
			d.Environments = union(d.Environments, l[i].Environments)
		}
	}
	d.Message, d.Why = withAll(messages), withAll(whys)
	return d
}

// withAll writes a text that says all numbers in which some texts differ.
func withAll(texts []string) string {
	var spans [][]stretch
	for _, t := range texts {
		spans = append(spans, numbersIn(t))
	}
	var b strings.Builder
	end := 0
	for n, at := range spans[0] {
		var values []string
		for i, t := range texts {
			values = append(values, t[spans[i][n].from:spans[i][n].to])
		}
		b.WriteString(texts[0][end:at.from])
		b.WriteString(alternatives(values))
		end = at.to
	}
	b.WriteString(texts[0][end:])
	return b.String()
}

// alternatives writes numbers as a sentence has them: 98 or 100, and of many the least and the
// greatest.
func alternatives(values []string) string {
	slices.SortFunc(values, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	values = slices.Compact(values)
	switch last := len(values) - 1; {
	case last == 0:
		return values[0]
	case last < 3:
		return strings.Join(values[:last], ", ") + " or " + values[last]
	default:
		return fmt.Sprintf("%s…%s", values[0], values[last])
	}
}

// stretch is a part of a text, in bytes.
type stretch struct{ from, to int }

// marked stands for a number.
const marked = "\x00"

// mask leaves out of a text what its numbers are.
func mask(text string) string {
	var b strings.Builder
	end := 0
	for _, n := range numbersIn(text) {
		b.WriteString(text[end:n.from] + marked)
		end = n.to
	}
	return b.String() + text[end:]
}

// numbersIn finds the numbers in a text that count something. Digits of names, addresses,
// versions and lists of ports are no numbers: what differs in them is something else.
func numbersIn(text string) []stretch {
	var all []stretch
	for i := 0; i < len(text); i++ {
		if !isDigit(text[i]) {
			continue
		}
		from := i
		for i < len(text) && isDigit(text[i]) {
			i++
		}
		before, _ := utf8.DecodeLastRuneInString(text[:from])
		if from > 0 && !strings.ContainsRune(" (…", before) {
			continue
		}
		if rest := text[i:]; rest == "" || strings.ContainsRune(" %)", rune(rest[0])) || joins(rest[0]) && (len(rest) == 1 || rest[1] == ' ') {
			all = append(all, stretch{from, i})
		}
	}
	return all
}

// isDigit reports whether a byte is a digit of a number.
func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// joins reports whether a byte behind a number ends a part of a sentence where a space follows.
func joins(b byte) bool { return strings.IndexByte(",.;:", b) >= 0 }
