package relation

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"
	"strconv"
)

// ruleIndex is a list of rules in their order. Where there are many, those that demand
// values of a variable that a cube may know are found by it: a label or the namespace, or
// the addresses of an end.
type ruleIndex struct {
	all      []*Rule
	verdicts Verdicts // of all rules
	*lookup           // nil where there are few
}

// lookup finds rules of an index by what they demand.
type lookup struct {
	variable int32
	byValue  map[string][]*Rule // of a label or the namespace; nil where no variable tells them apart
	ranges   []ruleRange        // of addresses, by their beginning
	rest     []*Rule            // that demand none

	byLabel map[int32][]*Rule // by a label that they demand: of theirs the one that the fewest demand; nil where few are told apart
	bare    []*Rule           // that demand no label
}

// ruleRange is a range of addresses that a rule asks for.
type ruleRange struct {
	from, to netip.Addr
	furthest netip.Addr // the last address of this range and of those before
	rule     *Rule
}

// manyRules is from how many rules on an index is worth its making.
const manyRules = 12

// indexRules makes an index of rules by the variable of which most of them demand a value, and of
// which they demand the most different ones.
func indexRules(rules []*Rule, mirrored bool) *ruleIndex {
	x := &ruleIndex{all: rules}
	for _, r := range rules {
		x.verdicts |= verdictOf(r.Action)
	}
	if len(rules) < manyRules || mirrored {
		return x
	}
	x.lookup = &lookup{}
	x.fileByLabel()
	demanded := map[int32]map[string]bool{} // distinct demands, by variable
	for _, r := range rules {
		for l := range demands(r.Match) {
			if demanded[l.variable] == nil {
				demanded[l.variable] = map[string]bool{}
			}
			if l.kind == ofAddress {
				demanded[l.variable][strconv.Itoa(l.number)] = true
			}
			for _, value := range l.test.Values {
				demanded[l.variable][value] = true
			}
		}
	}
	best, most := int32(-1), 2
	for variable, of := range demanded {
		if len(of) > most || len(of) == most && variable < best {
			best, most = variable, len(of)
		}
	}
	if best < 0 {
		return x
	}
	x.variable, x.byValue = best, map[string][]*Rule{}
	for _, r := range rules {
		if !x.add(r) {
			x.rest = append(x.rest, r)
		}
	}
	slices.SortStableFunc(x.ranges, func(a, b ruleRange) int { return a.from.Compare(b.from) })
	for i := range x.ranges {
		x.ranges[i].furthest = x.ranges[i].to
		if i > 0 && x.ranges[i-1].furthest.Compare(x.ranges[i].to) > 0 {
			x.ranges[i].furthest = x.ranges[i-1].furthest
		}
	}
	return x
}

// fileByLabel files the rules of the index by the rarest label that each demands, for
// [ruleIndex.settling].
func (x *ruleIndex) fileByLabel() {
	asked := map[int32]int{}
	for _, r := range x.all {
		for l := range demands(r.Match) {
			if l.kind == ofLabel {
				asked[l.variable]++
			}
		}
	}
	if len(asked) < manyRules {
		return
	}
	x.byLabel = map[int32][]*Rule{}
	for _, r := range x.all {
		rarest := int32(-1)
		for l := range demands(r.Match) {
			if l.kind == ofLabel && (rarest < 0 || asked[l.variable] < asked[rarest]) {
				rarest = l.variable
			}
		}
		if rarest < 0 {
			x.bare = append(x.bare, r)
		} else {
			x.byLabel[rarest] = append(x.byLabel[rarest], r)
		}
	}
}

// tellsLabels reports whether the index finds rules by the labels of which a cube knows
// something.
func (x *ruleIndex) tellsLabels(v view) bool {
	return x.lookup != nil && x.byLabel != nil && !v.mirrored
}

// settling finds in the index the rules after another that may match the whole of a cube, in
// order, with some that do not: a rule that demands a value of a label does so only where
// something is known of the label.
func (x *ruleIndex) settling(v view, after *Rule) []*Rule {
	all := slices.Clone(following(x.bare, after))
	for i := range v.constraints {
		all = append(all, following(x.byLabel[v.constraints[i].variable], after)...)
	}
	slices.SortFunc(all, byNumber)
	return all
}

// settles reports whether a rule of the index after one, and before another unless that is nil,
// matches the whole of a cube.
func (x *ruleIndex) settles(v view, after, before *Rule) bool {
	return slices.ContainsFunc(x.settling(v, after), func(r *Rule) bool {
		if before != nil && r.number >= before.number {
			return false
		}
		a, _ := v.formula(r.Match)
		return a == yes
	})
}

// reaches reports whether the indexed rules go on to where a rule is, or would be.
func (x *ruleIndex) reaches(r *Rule) bool {
	return len(x.all) > 0 && x.all[len(x.all)-1].number >= r.number
}

// following cuts off a sorted list what comes before a rule and the rule itself, which need not
// be in it.
func following(rules []*Rule, after *Rule) []*Rule {
	first, found := slices.BinarySearchFunc(rules, after, byNumber)
	if found {
		first++
	}
	return rules[first:]
}

// add files a rule in the index under what it demands of the variable; false if that is nothing.
func (x *ruleIndex) add(r *Rule) bool {
	for l := range demands(r.Match) {
		if l.variable != x.variable {
			continue
		}
		for _, value := range l.test.Values {
			x.byValue[value] = append(x.byValue[value], r)
		}
		if l.kind == ofAddress {
			for _, of := range l.addresses.IPSet().Ranges() {
				x.ranges = append(x.ranges, ruleRange{from: of.From(), to: of.To(), rule: r})
			}
		}
		return true
	}
	return false
}

// demands yields the literals of a conjunction by which it can be indexed: those that name the
// values which a label, the namespace or an address may have.
func demands(f *Formula) iter.Seq[*literal] {
	return func(yield func(*literal) bool) {
		if f.op != conjunction {
			if l := f.demand(); l != nil {
				yield(l)
			}
			return
		}
		for _, kid := range f.kids {
			if l := kid.demand(); l != nil && !yield(l) {
				return
			}
		}
	}
}

// demand picks the literal of an elementary formula by which it can be indexed; nil where it
// names no values.
func (f *Formula) demand() *literal {
	if f.op != elementary || !f.sign {
		return nil
	}
	if l := f.lit; l.kind == ofAddress || (l.kind == ofNamespace || l.kind == ofLabel) && l.isOneOf() {
		return l
	}
	return nil
}

// among finds in the index the rules that may match on a cube, in order, with some that do not.
func (x *ruleIndex) among(v view) []*Rule {
	if x.lookup == nil || x.byValue == nil || v.mirrored {
		return x.all
	}
	own, known := x.demanding(v)
	switch rest := x.rest; {
	case !known:
		return x.all
	case len(rest) == 0:
		return own
	case len(own) == 0:
		return rest
	default:
		all := slices.Concat(own, rest)
		slices.SortFunc(all, byNumber)
		return all
	}
}

// byNumber compares rules by their order in the program.
func byNumber(a, b *Rule) int { return cmp.Compare(a.number, b.number) }

// demanding looks up the rules that demand what the cube has, if that is little enough to look
// them up.
func (x *ruleIndex) demanding(v view) (rules []*Rule, known bool) {
	if len(x.ranges) == 0 {
		value, one := v.value(x.variable)
		return x.byValue[value], one
	}
	const few = 4
	asked := v.known(x.variable).addresses.IPSet().Ranges()
	if len(asked) > few {
		return nil, false
	}
	for _, of := range asked {
		after, _ := slices.BinarySearchFunc(x.ranges, of.To(), func(r ruleRange, a netip.Addr) int {
			if r.from.Compare(a) <= 0 {
				return -1
			}
			return 1
		})
		for i := after - 1; i >= 0 && x.ranges[i].furthest.Compare(of.From()) >= 0; i-- {
			if x.ranges[i].to.Compare(of.From()) >= 0 {
				rules = append(rules, x.ranges[i].rule)
			}
		}
	}
	slices.SortFunc(rules, byNumber)
	return slices.Compact(rules), true
}

// policyIndex finds policies by the value that they demand of the label of which most do.
type policyIndex struct {
	variable int32
	byValue  map[string][]int // nil: there is no such label
	rest     []int            // that demand none
}

// indexPolicies makes an index of policies by the label of which most of them demand a value.
func indexPolicies(policies []residualPolicy) policyIndex {
	if len(policies) < manyRules {
		return policyIndex{}
	}
	asked := map[int32]int{}
	for i := range policies {
		for l := range demands(policies[i].selects) {
			if l.kind == ofLabel {
				asked[l.variable]++
			}
		}
	}
	best, most := int32(-1), manyRules
	for variable, times := range asked {
		if times > most || times == most && (best < 0 || variable < best) {
			best, most = variable, times
		}
	}
	if best < 0 {
		return policyIndex{}
	}
	x := policyIndex{variable: best, byValue: map[string][]int{}}
	for i := range policies {
		var of *literal
		for l := range demands(policies[i].selects) {
			if l.variable == best && l.kind == ofLabel {
				of = l
				break
			}
		}
		if of == nil {
			x.rest = append(x.rest, i)
			continue
		}
		for _, value := range of.test.Values {
			x.byValue[value] = append(x.byValue[value], i)
		}
	}
	return x
}

// among finds in the index the places of the policies that may select an end of a view, in order,
// with some that do not; all reports that it is every policy, and then no places are named.
func (x *policyIndex) among(v view) (places []int, all bool) {
	if x.byValue == nil || v.mirrored {
		return nil, true
	}
	value, one := v.value(x.variable)
	if !one {
		return nil, true
	}
	own, rest := x.byValue[value], x.rest
	switch {
	case len(own) == 0:
		return rest, false
	case len(rest) == 0:
		return own, false
	}
	places = slices.Concat(own, rest)
	slices.Sort(places)
	return places, false
}
