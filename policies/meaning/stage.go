package meaning

import (
	"slices"

	"portcullis.dev/policies/selector"
)

// tierIndex finds the policies of a tier that can apply to an endpoint without
// asking those of other namespaces.
type tierIndex struct {
	global      labelIndex
	byNamespace map[string]*labelIndex
}

// indexOf files the policies of each tier by namespace and by label, so that the stages of an
// endpoint are found among few.
func indexOf(tiers []*Tier) []tierIndex {
	index := make([]tierIndex, len(tiers))
	for i, t := range tiers {
		var global []int
		byNamespace := map[string][]int{}
		for j, p := range t.Policies {
			switch ns := p.ID.Namespace; {
			case !p.Live():
			case ns == "":
				global = append(global, j)
			default:
				byNamespace[ns] = append(byNamespace[ns], j)
			}
		}
		index[i] = tierIndex{global: *labelIndexOf(t.Policies, global), byNamespace: map[string]*labelIndex{}}
		for ns, own := range byNamespace {
			index[i].byNamespace[ns] = labelIndexOf(t.Policies, own)
		}
	}
	return index
}

// labelIndex finds those of some policies that can select an endpoint, without asking
// all that ask for another value of a label. The numbers are places in Tier.Policies.
type labelIndex struct {
	keys   []string                    // by which policies are found
	byPair map[string]map[string][]int // key → value → policies
	others []int                       // which may select endpoints whatever their labels
}

// labelIndexOf files each policy under the label that the fewest of the others ask for.
func labelIndexOf(policies []*Policy, places []int) *labelIndex {
	index := &labelIndex{byPair: map[string]map[string][]int{}}
	asked := map[[2]string]int{}
	required := make([][]selector.Node, len(places))
	for i, j := range places {
		required[i] = policies[j].selector.Required()
		for _, n := range required[i] {
			for _, value := range n.Values {
				asked[[2]string{n.Key, value}]++
			}
		}
	}
	for i, j := range places {
		best, fewest := -1, 0
		for k, n := range required[i] {
			sum := 0
			for _, value := range n.Values {
				sum += asked[[2]string{n.Key, value}]
			}
			if best < 0 || sum < fewest {
				best, fewest = k, sum
			}
		}
		if best < 0 {
			index.others = append(index.others, j)
			continue
		}
		n := required[i][best]
		if index.byPair[n.Key] == nil {
			index.byPair[n.Key] = map[string][]int{}
			index.keys = append(index.keys, n.Key)
		}
		for _, value := range n.Values {
			index.byPair[n.Key][value] = append(index.byPair[n.Key][value], j)
		}
	}
	return index
}

// candidates adds the policies of a tier that the index says can select what has the labels.
func (x *labelIndex) candidates(places []int, l selector.Labels) []int {
	places = append(places, x.others...)
	e, isPod := l.(*Endpoint)
	for _, key := range x.keys {
		if isPod && e.unknown(key) { // any of them may select it
			for _, some := range x.byPair[key] {
				places = append(places, some...)
			}
			continue
		}
		if value, ok := l.Label(key); ok {
			places = append(places, x.byPair[key][value]...)
		}
	}
	return places
}

// stage is a tier and those of its policies that apply to one endpoint in one
// direction; never none.
type stage struct {
	tier     *Tier
	policies []*Policy
	perhaps  []bool // by policy: it depends on labels that nobody knows; nil: none does
}

// mayApply reports whether a policy of the stage only may apply.
func (s stage) mayApply(i int) bool { return s.perhaps != nil && s.perhaps[i] }

// mayBeSkipped reports whether no policy of the stage applies for certain.
func (s stage) mayBeSkipped() bool { return s.perhaps != nil && !slices.Contains(s.perhaps, false) }

// stages finds the tiers that a packet of the endpoint goes through, in order. A tier without a
// policy that applies is left out, its end included.
func (m *Meaning) stages(l selector.Labels, namespace string, d Direction) []stage {
	var stages []stage
	for i, t := range m.Tiers {
		candidates := m.index[i].global.candidates(nil, l)
		if own := m.index[i].byNamespace[namespace]; namespace != "" && own != nil {
			candidates = own.candidates(candidates, l)
		}
		slices.Sort(candidates)
		var s stage
		for _, j := range candidates {
			p := t.Policies[j]
			if !p.Governs[d] {
				continue
			}
			applies := holds(&p.selector, l)
			if applies == no {
				continue
			}
			if applies == maybe && s.perhaps == nil {
				s.perhaps = make([]bool, len(s.policies), len(candidates))
			}
			s.policies = append(s.policies, p)
			if s.perhaps != nil {
				s.perhaps = append(s.perhaps, applies == maybe)
			}
		}
		if len(s.policies) > 0 {
			s.tier = t
			stages = append(stages, s)
		}
	}
	return stages
}

// certain takes of stages that every policy applies, also those that only may.
func certain(stages []stage) []stage {
	all := slices.Clone(stages)
	for i := range all {
		all[i].perhaps = nil
	}
	return all
}
