package reach

import (
	"cmp"
	"reflect"
	"slices"

	"portcullis.dev/compiler/explain"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

// Compared works out the relations of two worlds between members, for whoever asks what differs. What
// becomes of traffic between two ends that are alike in both worlds is the same there: such pairs
// are in neither relation, and worked out where somebody asks for them.
func Compared(was, is *World, members []explain.Member) (old, changed *Relation) {
	old, changed = among(was, members, is), among(is, members, was)
	alike := alikeIn(old, changed)
	for _, r := range []*Relation{old, changed} {
		r.alike = alike
		r.fill()
		r.mean()
	}
	return old, changed
}

// alikeIn marks the members that are the same in two worlds, and on whose halves no policy has a say
// that differs, so that the same policies govern them; nil where policies of pods are not all that the
// worlds may differ in, or where most members differ, so that nothing is spared.
func alikeIn(old, changed *Relation) []bool {
	edited, comparable := Edited(old.World, changed.World)
	if !comparable {
		return nil
	}
	in := map[string][]*meaning.Policy{} // of which namespaces the edited ones are, of either world
	for _, w := range []*World{old.World, changed.World} {
		for _, p := range w.Meaning.Policies {
			if edited[p.ID] && p.Live() {
				in[p.ID.Namespace] = append(in[p.ID.Namespace], p)
			}
		}
	}
	all := make([]bool, len(old.Members))
	differing := 0
	for i := range all {
		a, b := &old.Members[i], &changed.Members[i]
		if all[i] = reflect.DeepEqual(a.Peer, b.Peer); all[i] && a.IsPod() {
			governs := func(p *meaning.Policy) bool { return meaning.MayHold(p.Selector(), a.Endpoint) }
			all[i] = !slices.ContainsFunc(in[""], governs) && !slices.ContainsFunc(in[a.Endpoint.Namespace], governs)
		}
		if !all[i] {
			differing++
		}
	}
	if 4*differing > len(all) {
		return nil
	}
	return all
}

// Edited finds the policies in which the objects of two worlds differ. The worlds are not
// comparable by them where anything else differs that has a say on traffic: what is known of the
// cluster, of pods and of addresses, policies that act on hosts, and those that nobody reads.
func Edited(was, is *World) (edited map[object.ID]bool, comparable bool) {
	a, b := was.Meaning, is.Meaning
	if len(a.Hosts)+len(b.Hosts) > 0 || !reflect.DeepEqual(a.Cluster, b.Cluster) || !reflect.DeepEqual(a.Unread, b.Unread) || !slices.Equal(a.Families(), b.Families()) {
		return nil, false
	}
	edited = map[object.ID]bool{}
	for x, y := range object.Beside(was.Set, is.Set) {
		if x == nil || y == nil || string(x.JSON) != string(y.JSON) {
			edited[cmp.Or(x, y).ID] = true
		}
	}
	understood := map[object.ID]bool{}
	for _, m := range []*meaning.Meaning{a, b} {
		for _, p := range m.Policies {
			if edited[p.ID] {
				understood[p.ID] = true
				if !p.IsOfPodsAlone() {
					return nil, false
				}
			}
		}
	}
	for _, u := range a.Unread {
		if edited[u.ID] {
			return nil, false
		}
	}
	return edited, len(understood) == len(edited)
}
