package house

import (
	"cmp"
	"slices"
)

// Cut names few arrows of a knot without which none of more than goal files is left: what
// they carry is what to move, or to turn round. It looks for an order of the files in which
// arrows that run up carry few names, and keeps of those arrows what the goal allows. There
// may be a smaller set: to find the smallest is a hard problem.
func (p *Package) Cut(knot []string, goal int) []Arrow {
	arrows := p.Within(knot)
	o := ordering{arrows: arrows, files: rough(knot, arrows)}
	for o.improve() {
	}
	cut, kept := o.split()
	// The heaviest first, for those are what one is least ready to touch.
	slices.SortStableFunc(cut, func(a, b Arrow) int { return cmp.Compare(len(b.Names), len(a.Names)) })
	cut = slices.DeleteFunc(cut, func(a Arrow) bool {
		with := append(slices.Clip(kept), a)
		if largest(knot, with) > goal {
			return false
		}
		kept = with
		return true
	})
	slices.SortStableFunc(cut, func(a, b Arrow) int { return cmp.Compare(len(a.Names), len(b.Names)) })
	return cut
}

// ordering is files from those that use to those that are used.
type ordering struct {
	files  []string
	arrows []Arrow
}

// rough begins the order from which a knot is cut: files by how much more they take than they
// give.
func rough(files []string, arrows []Arrow) []string {
	balance := map[string]int{}
	for _, a := range arrows {
		balance[a.From] += len(a.Names)
		balance[a.To] -= len(a.Names)
	}
	sorted := slices.Sorted(slices.Values(files))
	slices.SortStableFunc(sorted, func(a, b string) int { return cmp.Compare(balance[b], balance[a]) })
	return sorted
}

// improve moves the one file that gains most to its best place, if any gains, so that fewer names
// are cut.
func (o *ordering) improve() bool {
	gain, from, to := 0, 0, 0
	for i := range o.files {
		for _, step := range []int{-1, 1} {
			sum := 0
			for j := i + step; j >= 0 && j < len(o.files); j += step {
				sum += step * (o.between(i, j) - o.between(j, i))
				if -sum > gain {
					gain, from, to = -sum, i, j
				}
			}
		}
	}
	if gain > 0 {
		moved := o.files[from]
		o.files = slices.Insert(slices.Delete(o.files, from, from+1), to, moved)
	}
	return gain > 0
}

// between weighs, for a cut, the arrow from one place of the order to another.
func (o *ordering) between(from, to int) int {
	for _, a := range o.arrows {
		if a.From == o.files[from] && a.To == o.files[to] {
			return len(a.Names)
		}
	}
	return 0
}

// split tells the arrows that run up in the order, and may be cut, from those that run down.
func (o *ordering) split() (up, down []Arrow) {
	for _, a := range o.arrows {
		if slices.Index(o.files, a.From) > slices.Index(o.files, a.To) {
			up = append(up, a)
		} else {
			down = append(down, a)
		}
	}
	return up, down
}
