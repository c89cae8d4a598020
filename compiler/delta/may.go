package delta

import (
	"slices"

	"portcullis.dev/compiler/explain"
	"portcullis.dev/compiler/reach"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/relation"
)

// mayCome adds to the compared members pods that may come, that nobody knows and of which some
// half is treated otherwise: for each rule and namespace that make such a difference one. Where no
// rule makes any, nothing that may ever come is treated otherwise, and the members at hand say all
// there is. Where a search takes too many steps, or more pods make a difference than are looked
// at, whole is false: what else may come is not known.
func mayCome(was, is *reach.World, members []explain.Member) (all []explain.Member, whole bool) {
	if samePolicies(was.Set, is.Set) {
		return members, true
	}
	whole = true
	u := is.Universe()
	search := relation.Search{Universe: u}
	touched := touchedBy(was, is)
	old, changed := u.RelationOf(deciding(was.Meaning, touched)), u.RelationOf(deciding(is.Meaning, touched))
	classes := classesOf(u, touched)
	known := map[string]bool{}
	for _, m := range members {
		known[m.Key] = true
	}
	var more []explain.Member
	const most = 200
	for _, d := range []meaning.Direction{meaning.Ingress, meaning.Egress} {
		for _, two := range [][2]*relation.Relation{{changed, old}, {old, changed}} {
			search.Compare(relation.Comparison{Direction: d, Allowing: two[0].Programs[d], Denying: two[1].Programs[d], Classes: classes, Patterns: relation.Allows}, nil,
				func(x relation.Difference, err error) bool {
					if err != nil || x.Witness == nil {
						whole = whole && err == nil
						return false
					}
					for _, p := range []meaning.Peer{x.Witness.Own(), x.Witness.Peer()} {
						if p.Endpoint == nil {
							continue
						}
						if m := is.Come(p.Endpoint); !known[m.Key] {
							known[m.Key] = true
							more = append(more, m)
						}
					}
					whole = whole && len(more) < most
					return len(more) >= most
				})
		}
	}
	slices.SortFunc(more, func(a, b explain.Member) int {
		if a.Key < b.Key {
			return -1
		}
		return 1
	})
	return slices.Concat(more, members), whole
}

// touchedBy lists the namespaces whose pods alone may come to be treated otherwise, for no other has a
// policy on its half that differs; nil where that may be any.
func touchedBy(was, is *reach.World) map[string]bool {
	edited, comparable := reach.Edited(was, is)
	if !comparable {
		return nil
	}
	touched := map[string]bool{}
	for id := range edited {
		if id.Namespace == "" {
			return nil
		}
		touched[id.Namespace] = true
	}
	return touched
}

// deciding leaves of what policies mean those that have a say on a half of a pod that may come in
// some namespaces, or all where none are named.
func deciding(m *meaning.Meaning, namespaces map[string]bool) *meaning.Meaning {
	if namespaces == nil {
		return m
	}
	some := *m
	some.Tiers = make([]*meaning.Tier, len(m.Tiers))
	for i, t := range m.Tiers {
		of := *t
		of.Policies = slices.DeleteFunc(slices.Clone(t.Policies), func(p *meaning.Policy) bool {
			return p.ID.Namespace != "" && !namespaces[p.ID.Namespace]
		})
		some.Tiers[i] = &of
	}
	return &some
}

// classesOf looks up the classes of namespaces in which pods that may come are treated otherwise;
// nil for all.
func classesOf(u *relation.Universe, namespaces map[string]bool) []int {
	var classes []int
	for name := range namespaces {
		class, known := u.Class(name)
		if !known {
			return nil
		}
		classes = append(classes, class)
	}
	slices.Sort(classes)
	return classes
}

// samePolicies reports whether everything that decides traffic is the same on both sides, to the
// byte, so that nothing that may come is treated otherwise.
func samePolicies(a, b object.Set) bool {
	return slices.EqualFunc(a.All(), b.All(), func(a, b object.Object) bool { return a.ID == b.ID && string(a.JSON) == string(b.JSON) })
}
