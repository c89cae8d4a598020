// Package variants sorts what somebody else's repository holds into clusters: what agrees with
// itself runs in one, and what says two things of one object, as overlays of dev and prod do,
// runs in several.
//
// Its invariant: no set that it returns holds two definitions of an object, and what
// contradicts nothing is in all of them.
//
// It must not know how anything was rendered, nor what policies do.
package variants

import (
	"path"
	"slices"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Source is what is deployed together: what one kustomization renders, or the files that none
// lists, whose Dir is empty.
type Source struct {
	Dir     string
	Objects []object.Object
}

// Cluster is what runs in one cluster.
type Cluster struct {
	Name string // of the variant; empty where there is one alone
	Set  object.Set
}

// Of sorts sources into clusters, in the order of their names. Those that contradict no other
// are in each of them. Of the rest, those with one name, such as the overlays/dev of several
// applications, are together as far as they agree. Within a source, definitions that differ
// are found.
func Of(sources []Source) ([]Cluster, diag.List) {
	var found diag.List
	sets := make([]object.Set, len(sources))
	for i, s := range sources {
		var differ diag.List
		sets[i], differ = object.Merge(s.Objects)
		found = append(found, differ...)
	}
	against := contradictions(sets)
	var common []object.Object
	var rest []int
	for i := range sources {
		if len(against[i]) == 0 {
			common = append(common, sets[i].All()...)
		} else {
			rest = append(rest, i)
		}
	}
	slices.SortStableFunc(rest, func(a, b int) int { return compareNames(sources[a].Dir, sources[b].Dir) })
	var classes [][]int
	for _, i := range rest {
		if c := slices.IndexFunc(classes, func(class []int) bool { return joins(i, class, sources, against) }); c >= 0 {
			classes[c] = append(classes[c], i)
		} else {
			classes = append(classes, []int{i})
		}
	}
	if len(classes) == 0 {
		set, _ := object.Merge(common) // which agree
		return []Cluster{{Set: set}}, found
	}
	var clusters []Cluster
	for _, class := range classes {
		objects := slices.Clone(common)
		for _, i := range class {
			objects = append(objects, sets[i].All()...)
		}
		set, _ := object.Merge(objects)
		clusters = append(clusters, Cluster{Name: nameOf(class, sources), Set: set})
	}
	return clusters, found
}

// contradictions has, for each set, those that say something else of an object that it holds.
func contradictions(sets []object.Set) []map[int]bool {
	type definition struct {
		set    int
		object object.Object
	}
	byID := map[object.ID][]definition{}
	for i, s := range sets {
		for _, o := range s.All() {
			byID[o.ID] = append(byID[o.ID], definition{i, o})
		}
	}
	against := make([]map[int]bool, len(sets))
	for i := range against {
		against[i] = map[int]bool{}
	}
	for _, all := range byID {
		for i, a := range all {
			for _, b := range all[:i] {
				if !against[a.set][b.set] && !a.object.Agrees(b.object) {
					against[a.set][b.set], against[b.set][a.set] = true, true
				}
			}
		}
	}
	return against
}

// joins reports whether a source has the name of those of a class, and agrees with them.
func joins(i int, class []int, sources []Source, against []map[int]bool) bool {
	return variant(sources[i].Dir) == variant(sources[class[0]].Dir) &&
		!slices.ContainsFunc(class, func(j int) bool { return against[i][j] })
}

// variant is what the overlays of one cluster have in common.
func variant(dir string) string { return path.Base(dir) }

func compareNames(a, b string) int {
	if va, vb := variant(a), variant(b); va != vb {
		return slices.Compare([]string{va}, []string{vb})
	}
	return slices.Compare([]string{a}, []string{b})
}

// nameOf is the name of a class: that of its members, or the directory of its only one.
func nameOf(class []int, sources []Source) string {
	if dir := sources[class[0]].Dir; len(class) == 1 {
		if dir == "" {
			return "files"
		}
		return dir
	}
	return variant(sources[class[0]].Dir)
}
