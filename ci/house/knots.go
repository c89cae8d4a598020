package house

import (
	"cmp"
	"slices"
)

// Knots lists the sets of two files and more that lead to each other, the largest first; the
// files of each are sorted.
func (p *Package) Knots() [][]string { return knots(p.files, p.arrows) }

// Largest counts the files in the package's largest knot; a file alone is one.
func (p *Package) Largest() int { return largest(p.files, p.arrows) }

// largest counts the files in the largest knot that some arrows make.
func largest(files []string, arrows []Arrow) int {
	if all := knots(files, arrows); len(all) > 0 {
		return len(all[0])
	}
	return min(1, len(files))
}

// knots finds the strongly connected components by Tarjan's algorithm.
func knots(files []string, arrows []Arrow) [][]string {
	t := tarjan{next: map[string][]string{}, index: map[string]int{}, low: map[string]int{}, open: map[string]bool{}}
	for _, a := range arrows {
		t.next[a.From] = append(t.next[a.From], a.To)
	}
	for _, f := range files {
		if t.index[f] == 0 {
			t.visit(f)
		}
	}
	slices.SortFunc(t.found, func(a, b []string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a[0], b[0]))
	})
	return t.found
}

type tarjan struct {
	next       map[string][]string
	index, low map[string]int // from one on, in the order of the visits
	stack      []string
	open       map[string]bool // on the stack
	found      [][]string
}

// visit follows the arrows of a file, and closes a knot where none leads back further.
func (t *tarjan) visit(file string) {
	t.index[file] = len(t.index) + 1
	t.low[file] = t.index[file]
	t.stack = append(t.stack, file)
	t.open[file] = true
	for _, to := range t.next[file] {
		if t.index[to] == 0 {
			t.visit(to)
			t.low[file] = min(t.low[file], t.low[to])
		} else if t.open[to] {
			t.low[file] = min(t.low[file], t.index[to])
		}
	}
	if t.low[file] < t.index[file] {
		return
	}
	at := slices.Index(t.stack, file)
	knot := slices.Sorted(slices.Values(t.stack[at:]))
	t.stack = t.stack[:at]
	for _, f := range knot {
		t.open[f] = false
	}
	if len(knot) > 1 {
		t.found = append(t.found, knot)
	}
}

// Within lists the arrows between files of a knot.
func (p *Package) Within(knot []string) []Arrow {
	var all []Arrow
	for _, a := range p.arrows {
		if slices.Contains(knot, a.From) && slices.Contains(knot, a.To) {
			all = append(all, a)
		}
	}
	return all
}

// Cycle finds a shortest way through a knot of files back to where it began, arrow by arrow; of
// several, one with the fewest names.
func (p *Package) Cycle(knot []string) []Arrow {
	arrows := p.Within(knot)
	var best []Arrow
	for _, first := range arrows {
		if way := wayBack(arrows, first); best == nil || cmp.Or(cmp.Compare(len(way), len(best)), cmp.Compare(weight(way), weight(best))) < 0 {
			best = way
		}
	}
	return best
}

// wayBack finds a shortest way in a knot of files that begins with an arrow and ends where it
// began.
func wayBack(arrows []Arrow, first Arrow) []Arrow {
	ways := [][]Arrow{{first}}
	seen := map[string]bool{first.To: true}
	for i := 0; i < len(ways); i++ {
		way := ways[i]
		at := way[len(way)-1].To
		if at == first.From {
			return way
		}
		for _, a := range arrows {
			if a.From == at && !seen[a.To] {
				seen[a.To] = true
				ways = append(ways, append(slices.Clip(way), a))
			}
		}
	}
	return nil // not in a knot: no way leads back
}

// weight counts what has to move for the arrows of a knot to go: every name that they carry.
func weight(arrows []Arrow) int {
	n := 0
	for _, a := range arrows {
		n += len(a.Names)
	}
	return n
}
