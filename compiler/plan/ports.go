package plan

import (
	"cmp"
	"slices"
	"strings"
)

// Everything is the port list of a line that says any.
var Everything = []Port{{Protocol: Any, First: 0, Last: 65535}}

// NormalPorts sorts ports by protocol and number and merges those that touch. Any
// swallows all others.
func NormalPorts(ports []Port) []Port {
	if slices.ContainsFunc(ports, func(p Port) bool { return p.Protocol == Any }) {
		return slices.Clone(Everything)
	}
	sorted := slices.Clone(ports)
	slices.SortFunc(sorted, comparePorts)
	merged := sorted[:0]
	for _, p := range sorted {
		if n := len(merged); n > 0 && merged[n-1].Protocol == p.Protocol && int(p.First) <= int(merged[n-1].Last)+1 {
			merged[n-1].Last = max(merged[n-1].Last, p.Last)
			continue
		}
		merged = append(merged, p)
	}
	return merged
}

func comparePorts(a, b Port) int {
	return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.First, b.First), cmp.Compare(a.Last, b.Last))
}

// ComparePorts orders normal port lists.
func ComparePorts(a, b []Port) int { return slices.CompareFunc(a, b, comparePorts) }

// SubtractPorts is what of ports the others leave.
func SubtractPorts(ports, others []Port) []Port {
	rest := NormalPorts(ports)
	for _, o := range NormalPorts(others) {
		if o.Protocol == Any {
			return nil
		}
		var next []Port
		for _, p := range rest {
			if p.Protocol != o.Protocol || o.Last < p.First || p.Last < o.First {
				next = append(next, p)
				continue
			}
			if p.First < o.First {
				next = append(next, Port{p.Protocol, p.First, o.First - 1})
			}
			if o.Last < p.Last {
				next = append(next, Port{p.Protocol, o.Last + 1, p.Last})
			}
		}
		rest = next
	}
	return rest
}

// IntersectPorts is what both lists have.
func IntersectPorts(a, b []Port) []Port {
	a, b = NormalPorts(a), NormalPorts(b)
	if len(a) == 1 && a[0].Protocol == Any {
		return b
	}
	if len(b) == 1 && b[0].Protocol == Any {
		return a
	}
	return SubtractPorts(a, SubtractPorts(a, b))
}

// FormatPorts writes a port list in the language's spelling.
func FormatPorts(ports []Port) string {
	words := make([]string, len(ports))
	for i, p := range ports {
		words[i] = p.String()
	}
	return strings.Join(words, ", ")
}
