package variants

import (
	"path"
	"slices"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Directories parts objects that stand in plain files. Where several directories define one object
// differently, or each hold one policy or workload, as those of two versions or of dev and prod do,
// each of them is a source, with what stands in the directories above and is there once; which
// directories these are is told below the one in which they lie. The rest is one source.
func Directories(objects []object.Object) []Source {
	alternatives := alternativesOf(objects)
	if len(alternatives) == 0 {
		return []Source{{Objects: slices.Clip(objects)}}
	}
	held := map[string][]object.Object{} // by the innermost alternative; empty for none
	for _, o := range objects {
		way := alternatives.way(path.Dir(o.File))
		at := ""
		if len(way) > 0 {
			at = way[0]
		}
		held[at] = append(held[at], o)
	}
	outer := map[string]bool{}
	for _, at := range diag.SortedKeys(held) {
		for _, above := range alternatives.above(at) {
			outer[above] = true
		}
	}
	all := []Source{{Objects: held[""]}}
	for _, at := range diag.SortedKeys(held) {
		if at == "" || outer[at] {
			continue
		}
		s := Source{Dir: dirOf(at), Objects: held[at]}
		for _, above := range alternatives.above(at) {
			s.Objects = append(s.Objects, held[above]...)
		}
		all = append(all, s)
	}
	return all
}

// alternatives are directories of which one at a time is deployed.
type alternatives map[string]bool

// itself is what stands behind the name of a directory for the files in it, without those below.
const itself = "/."

// dirOf returns the directory of an alternative.
func dirOf(alternative string) string {
	if n := len(alternative) - len(itself); n > 0 && alternative[n:] == itself {
		return alternative[:n]
	}
	return alternative
}

// alternativesOf finds the directories that hold what another beside them holds as well.
func alternativesOf(objects []object.Object) alternatives {
	byID := map[object.ID][]object.Object{}
	for _, o := range objects {
		byID[o.ID] = append(byID[o.ID], o)
	}
	found := alternatives{}
	for _, all := range byID {
		if len(all) == 1 || !isDeployed(all[0]) && !differ(all) {
			continue
		}
		below := map[string]map[string]bool{} // of each directory, those in it on the way to the object
		note := func(dir, child string) {
			if below[dir] == nil {
				below[dir] = map[string]bool{}
			}
			below[dir][child] = true
		}
		for _, o := range all {
			dir := path.Dir(o.File)
			note(dir, dir+itself)
			for ; dir != "." && dir != "/"; dir = path.Dir(dir) {
				note(path.Dir(dir), dir)
			}
		}
		for _, children := range below {
			for child := range children {
				if len(children) > 1 {
					found[child] = true
				}
			}
		}
	}
	return found
}

// differ reports whether objects of one ID in several directories disagree.
func differ(all []object.Object) bool {
	for _, o := range all[1:] {
		if o.Role != object.Addresses && !o.Agrees(all[0]) {
			return true
		}
	}
	return false
}

// way lists the alternative directories that the files of a directory belong to, the innermost
// first.
func (a alternatives) way(dir string) []string {
	var all []string
	if a[dir+itself] {
		all = append(all, dir+itself)
	}
	for ; dir != "." && dir != "/"; dir = path.Dir(dir) {
		if a[dir] {
			all = append(all, dir)
		}
	}
	return all
}

// above lists the alternative directories that another one lies in; the empty one lies in none.
func (a alternatives) above(at string) []string {
	if at == "" {
		return nil
	}
	way := a.way(dirOf(at))
	return way[slices.Index(way, at)+1:]
}
