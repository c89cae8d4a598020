// Package variants sorts what somebody else's repository holds into clusters: what is there once
// runs in each, and what is deployed several times, as overlays of dev and prod are, runs in
// several.
//
// Its invariant: no set that it returns holds two definitions of an object, a source that shares
// no policy and no workload with another and contradicts none is in all of them, no policy of
// one deployment is in a set with another deployment of the same, and none that names no namespace
// is in a set with a stranger that names none.
//
// It must not know how anything was rendered, nor what policies do.
package variants

import (
	"path"
	"slices"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Source is what is deployed together: what one kustomization renders, or files that none lists,
// whose Dir is empty, or a directory that Directories told apart.
type Source struct {
	Dir     string
	Cluster string // to which somebody deploys it; empty where nobody says
	Objects []object.Object
}

// Cluster is what runs in one cluster.
type Cluster struct {
	Name    string // of the variant; empty where there is one alone
	Set     object.Set
	Assumed string // a sentence about objects whose namespace nobody says; empty where that changes nothing
}

// Of sorts sources into clusters, in the order of their names. Those of which somebody says to
// which cluster they are deployed run there, apart from those of other clusters. Two others that
// hold one policy or workload are two deployments of it, also where they agree: an overlay without
// policies would borrow those of another. Of these, and of those of one cluster where they
// contradict each other nevertheless, those that stand against none of the rest are in each, and
// those with one name, such as the overlays/dev of several applications, are together as far as
// they can be. Objects that name no namespace, and that nothing ties to a policy that names none
// either, are not where that is applied. Within a source, definitions that differ are found.
func Of(sources []Source) ([]Cluster, diag.List) {
	var found diag.List
	unplaced := unplacedIn(sources)
	sources = unplaced.parted(sources)
	s := sorting{sources: sources, sets: make([]object.Set, len(sources))}
	for i, source := range sources {
		var differ diag.List
		s.sets[i], differ = object.Merge(source.Objects)
		found = append(found, differ...)
	}
	s.against = s.apart()
	byCluster, byGroup := map[string][]int{}, map[string][]int{}
	var common, strangers []int
	for i, source := range sources {
		group, any := unplaced.governed(source)
		switch {
		case source.Cluster != "" || len(s.against[i]) > 0:
			byCluster[source.Cluster] = append(byCluster[source.Cluster], i)
		case group != "":
			byGroup[group] = append(byGroup[group], i)
		case any:
			strangers = append(strangers, i)
		default:
			common = append(common, i)
		}
	}
	s.estrange(unplaced)
	var classes []class
	for _, name := range diag.SortedKeys(byCluster) {
		classes = append(classes, s.classes(name, byCluster[name])...)
	}
	for _, name := range diag.SortedKeys(byGroup) {
		classes = s.joined(classes, class{name, byGroup[name]}, func(i int) bool {
			group, _ := unplaced.governed(sources[i])
			return group == name
		})
	}
	if len(strangers) > 0 {
		name := "other directories"
		if len(strangers) == 1 && sources[strangers[0]].Dir != "" {
			name = sources[strangers[0]].Dir
		}
		classes = s.joined(classes, class{name, strangers}, func(int) bool { return true })
	}
	if len(classes) == 0 {
		return []Cluster{{Set: s.merged(common)}}, found // which agree
	}
	var clusters []Cluster
	for _, c := range classes {
		clusters = append(clusters, Cluster{Name: c.name, Set: s.merged(common, c.members), Assumed: unplaced.assumption()})
	}
	if len(clusters) == 1 && byCluster[""] == nil {
		clusters[0].Name = ""
	}
	return clusters, found
}

// estrange sets apart the sources of which no more is known than that each is applied to some
// namespace, and one has a policy for that.
func (s *sorting) estrange(u unplaced) {
	for i, a := range s.sources {
		group, any := u.governed(a)
		if group == "" {
			continue
		}
		for j, b := range s.sources {
			if other, also := u.governed(b); any && also && other != group {
				s.against[i][j], s.against[j][i] = true, true
			}
		}
	}
}

// joined adds sources to each class that has one of their kind, and none that stands against them.
// Those that find no class are one more.
func (s *sorting) joined(classes []class, more class, kind func(int) bool) []class {
	found := false
	for i, c := range classes {
		if slices.ContainsFunc(c.members, kind) && !slices.ContainsFunc(c.members, func(j int) bool { return s.against[more.members[0]][j] }) {
			found = true
			classes[i].members = slices.Concat(more.members, c.members)
		}
	}
	if found {
		return classes
	}
	return append(classes, more)
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

// merged joins what some sources of one variant hold, which agree.
func (s *sorting) merged(of ...[]int) object.Set {
	var objects []object.Object
	for _, i := range slices.Concat(of...) {
		objects = append(objects, s.sets[i].All()...)
	}
	set, _ := object.Merge(objects)
	return set
}

// apart collects, for each source, those that do not run with it: they say something else of an
// object that it holds, or nobody says that they are deployed to one cluster, and both hold a
// policy or a workload.
func (s *sorting) apart() []map[int]bool {
	type definition struct {
		source int
		object object.Object
	}
	byID := map[object.ID][]definition{}
	for i, set := range s.sets {
		for _, o := range set.All() {
			byID[o.ID] = append(byID[o.ID], definition{i, o})
		}
	}
	against := make([]map[int]bool, len(s.sets))
	for i := range against {
		against[i] = map[int]bool{}
	}
	for _, all := range byID {
		for i, a := range all {
			for _, b := range all[:i] {
				together := s.sources[a.source].Cluster != "" && s.sources[a.source].Cluster == s.sources[b.source].Cluster
				if !against[a.source][b.source] && (!together && isDeployed(a.object) || !a.object.Agrees(b.object)) {
					against[a.source][b.source], against[b.source][a.source] = true, true
				}
			}
		}
	}
	return against
}

// isDeployed reports whether two who hold an object are two deployments. Namespaces, definitions
// and Services of one cluster are written down by each that needs them.
func isDeployed(o object.Object) bool {
	return o.Role == object.Policy || o.Role == object.Unmodelled || o.PodTemplate() != nil
}

// joins reports whether a source has the name of those of a class, and can run with them.
func joins(i int, class []int, sources []Source, against []map[int]bool) bool {
	return variant(sources[i].Dir) == variant(sources[class[0]].Dir) &&
		!slices.ContainsFunc(class, func(j int) bool { return against[i][j] })
}

// variant returns the name that the overlays of one cluster have in common, the last element of
// their directories.
func variant(dir string) string { return path.Base(dir) }

// compareNames orders variants by their common name, and then by directory.
func compareNames(a, b string) int {
	if va, vb := variant(a), variant(b); va != vb {
		return slices.Compare([]string{va}, []string{vb})
	}
	return slices.Compare([]string{a}, []string{b})
}

// nameOf names a class of sources that run together: by its members' common name, or the directory
// of its only one.
func nameOf(class []int, sources []Source) string {
	if dir := sources[class[0]].Dir; len(class) == 1 {
		if dir == "" {
			return "files"
		}
		return dir
	}
	return variant(sources[class[0]].Dir)
}
