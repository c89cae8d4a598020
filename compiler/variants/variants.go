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
	Cluster string // to which somebody deploys it; empty where nobody says
	Objects []object.Object
}

// Cluster is what runs in one cluster.
type Cluster struct {
	Name string // of the variant; empty where there is one alone
	Set  object.Set
}

// Of sorts sources into clusters, in the order of their names. Those of which somebody says to
// which cluster they are deployed run there, apart from those of other clusters. Of the others,
// and of those of one cluster where they contradict each other nevertheless, those that contradict
// none of the rest are in each of them, and those with one name, such as the overlays/dev of
// several applications, are together as far as they agree. Within a source, definitions that
// differ are found.
func Of(sources []Source) ([]Cluster, diag.List) {
	var found diag.List
	s := sorting{sources: sources, sets: make([]object.Set, len(sources))}
	for i, source := range sources {
		var differ diag.List
		s.sets[i], differ = object.Merge(source.Objects)
		found = append(found, differ...)
	}
	s.against = contradictions(s.sets)
	byCluster := map[string][]int{}
	var common []int
	for i, source := range sources {
		if source.Cluster == "" && len(s.against[i]) == 0 {
			common = append(common, i)
			continue
		}
		byCluster[source.Cluster] = append(byCluster[source.Cluster], i)
	}
	var classes []class
	for _, name := range diag.SortedKeys(byCluster) {
		classes = append(classes, s.classes(name, byCluster[name])...)
	}
	if len(classes) == 0 {
		return []Cluster{{Set: s.merged(common)}}, found // which agree
	}
	var clusters []Cluster
	for _, c := range classes {
		clusters = append(clusters, Cluster{Name: c.name, Set: s.merged(common, c.members)})
	}
	if len(clusters) == 1 && byCluster[""] == nil {
		clusters[0].Name = ""
	}
	return clusters, found
}

// sorting is what is known of sources while they are sorted.
type sorting struct {
	sources []Source
	sets    []object.Set
	against []map[int]bool
}

// class is sources that run together.
type class struct {
	name    string
	members []int
}

// classes parts the sources of one cluster, or those of which nobody says where they run, into
// what agrees.
func (s *sorting) classes(cluster string, of []int) []class {
	var shared, rest []int
	for _, i := range of {
		if cluster != "" && !slices.ContainsFunc(of, func(j int) bool { return s.against[i][j] }) {
			shared = append(shared, i)
		} else {
			rest = append(rest, i)
		}
	}
	if len(rest) == 0 {
		return []class{{cluster, shared}}
	}
	slices.SortStableFunc(rest, func(a, b int) int { return compareNames(s.sources[a].Dir, s.sources[b].Dir) })
	var parts [][]int
	for _, i := range rest {
		if c := slices.IndexFunc(parts, func(part []int) bool { return joins(i, part, s.sources, s.against) }); c >= 0 {
			parts[c] = append(parts[c], i)
		} else {
			parts = append(parts, []int{i})
		}
	}
	var all []class
	for _, part := range parts {
		name := nameOf(part, s.sources)
		if cluster != "" {
			name = cluster + ": " + name
		}
		all = append(all, class{name, slices.Concat(shared, part)})
	}
	return all
}

// merged is what some sources hold, which agree.
func (s *sorting) merged(of ...[]int) object.Set {
	var objects []object.Object
	for _, i := range slices.Concat(of...) {
		objects = append(objects, s.sets[i].All()...)
	}
	set, _ := object.Merge(objects)
	return set
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
