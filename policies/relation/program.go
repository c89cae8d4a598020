package relation

import (
	"iter"
	"slices"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

// Rule is a rule of a program. It decides packets between ends for which its policy selects
// the own end and Match holds.
type Rule struct {
	Action meaning.Action // Allow, Deny or Pass
	Match  *Formula
	// Policy and Of are the policy's rule that this is; nil in a program that no policies
	// are the source of.
	Policy *meaning.Policy
	Of     *meaning.Rule
	Source int // what else the maker of the program calls it

	number int // in the order of the program
	tier   int // the place of its tier
}

// Before reports whether the rule comes before another of its program.
func (r *Rule) Before(other *Rule) bool { return r.number < other.number }

// Policy is a list of rules in their order, and the pods that they are about.
type Policy struct {
	Selects *Formula // over the own end
	Rules   []Rule
	Policy  *meaning.Policy // or nil
}

// Tier is a list of policies in their order.
type Tier struct {
	Name string
	// Pass: packets that no rule decides go on to the next tier, and are not denied.
	Pass     bool
	Policies []*Policy
}

// Program is what a set of policies does in one direction: the tiers in their order.
// Packets that no tier decides are allowed (see [Wanted.Ungoverned]).
type Program struct {
	whole   []sortedTier       // of a program as it was made
	pods    *Program           // see ofPods; once asked for
	classes map[*Cube]*Program // its parts by class of namespaces, which all questions share

	// Of a part: the program that it is a part of, and what it has to do with. Its tiers are
	// worked out when somebody asks.
	of    *Program
	on    view
	tiers []*residualTier
}

// sortedTier finds the policies that can select pods of one namespace without asking the others.
type sortedTier struct {
	Name        string
	Pass        bool      // see [Tier]
	policies    []indexed // in their order
	everywhere  []int32   // the places of those that demand no namespace
	byNamespace map[string][]int32
}

// indexed is a policy with the rules of it that may match.
type indexed struct {
	*Policy
	rules *ruleIndex
}

// NewProgram makes a program of tiers, ready to be asked. It numbers the rules.
func NewProgram(tiers []Tier) *Program {
	p := &Program{}
	number := 0
	for _, t := range tiers {
		made := sortedTier{Name: t.Name, Pass: t.Pass, policies: make([]indexed, 0, len(t.Policies)), byNamespace: map[string][]int32{}}
		for _, policy := range t.Policies {
			rules := make([]*Rule, len(policy.Rules))
			for j := range policy.Rules {
				policy.Rules[j].number, policy.Rules[j].tier = number, len(p.whole)
				rules[j] = &policy.Rules[j]
				number++
			}
			made.add(indexed{policy, indexRules(rules, false)})
		}
		if len(t.Policies) > 0 {
			p.whole = append(p.whole, made)
		}
	}
	return p
}

// add files a policy of a tier under the one namespace that it demands, or among those for
// everywhere.
func (t *sortedTier) add(p indexed) {
	at := int32(len(t.policies))
	t.policies = append(t.policies, p)
	if name, one := onlyNamespace(p.Selects, Own); one {
		t.byNamespace[name] = append(t.byNamespace[name], at)
	} else {
		t.everywhere = append(t.everywhere, at)
	}
}

// ofPods leaves out of a tier the rules that demand of the own end addresses which no pod has.
func (t sortedTier) ofPods(addresses packet.Addresses) sortedTier {
	foreign := func(r *Rule) bool {
		for l := range demands(r.Match) {
			if l.kind == ofAddress && l.end == Own && !l.addresses.Overlaps(addresses) {
				return true
			}
		}
		return false
	}
	t.policies = slices.Clone(t.policies)
	for i := range t.policies {
		if p := &t.policies[i]; slices.ContainsFunc(p.rules.all, foreign) {
			p.rules = indexRules(slices.DeleteFunc(slices.Clone(p.rules.all), foreign), false)
		}
	}
	return t
}

// onlyNamespace finds the one namespace that a conjunction demands of an end, by which a tier
// files its policies.
func onlyNamespace(f *Formula, end End) (name string, one bool) {
	terms := []*Formula{f}
	if f.op == conjunction {
		terms = f.kids
	}
	for _, t := range terms {
		if t.op == elementary && t.sign && t.lit.kind == ofNamespace && t.lit.end == end && len(t.lit.test.Values) == 1 && t.lit.isOneOf() {
			return t.lit.test.Values[0], true
		}
	}
	return "", false
}

// among yields the policies of a tier that can select pods of a namespace, in order; with an empty
// name all of them.
func (t *sortedTier) among(namespace string) iter.Seq[indexed] {
	return func(yield func(indexed) bool) {
		if namespace == "" {
			slices.Values(t.policies)(yield)
			return
		}
		own, everywhere := t.byNamespace[namespace], t.everywhere
		for len(own)+len(everywhere) > 0 {
			next := &own
			if len(own) == 0 || len(everywhere) > 0 && everywhere[0] < own[0] {
				next = &everywhere
			}
			if !yield(t.policies[(*next)[0]]) {
				return
			}
			*next = (*next)[1:]
		}
	}
}

// On reduces the program to what a cube has to do with: it says the same of every part of the
// cube, and sooner.
func (p *Program) On(c *Cube) *Program {
	if p.of == nil && c.class != nil {
		p = p.ofClass(c.class)
	}
	return p.part(view{c, false})
}

// ofClass reduces the program, once, to the part for all packets of a class of namespaces.
func (p *Program) ofClass(c *Cube) *Program {
	if p.classes[c] == nil {
		if p.pods == nil {
			p.pods, p.classes = p.ofPods(c.u.pods), map[*Cube]*Program{}
		}
		p.classes[c] = p.pods.part(view{c, false})
	}
	return p.classes[c]
}

// ofPods leaves out of the whole program rules that demand of the own end addresses which no pod
// has: what a plan lets out to many ranges would be asked of every class.
func (p *Program) ofPods(addresses packet.Addresses) *Program {
	made := &Program{}
	for i := range p.whole {
		made.whole = append(made.whole, p.whole[i].ofPods(addresses))
	}
	return made
}

// part makes a part of the program, whose tiers are worked out when somebody asks.
func (p *Program) part(on view) *Program {
	return &Program{of: p, on: on, tiers: make([]*residualTier, p.count())}
}

// count counts the tiers of the program, or of the part.
func (p *Program) count() int {
	if p.of == nil {
		return len(p.whole)
	}
	return len(p.tiers)
}

// Rules yields the rules of a part of a program in their order, and when each may match: its
// policy selects the own end, and it asks for the packet.
func (p *Program) Rules() iter.Seq2[*Rule, *Formula] {
	return func(yield func(*Rule, *Formula) bool) {
		for i := range p.tiers {
			t := p.tier(i)
			for j := range t.policies {
				for _, r := range t.policies[j].rules.all {
					if !yield(r, And(t.policies[j].selects, r.Match)) {
						return
					}
				}
			}
		}
	}
}

// Among yields the rules of a whole program that may decide packets of pods in a listed namespace, in
// their order, with some that do not: what a part for that namespace has is among them, and nothing is
// worked out.
func (p *Program) Among(namespace string) iter.Seq[*Rule] {
	return func(yield func(*Rule) bool) {
		for i := range p.whole {
			for policy := range p.whole[i].among(namespace) {
				for _, r := range policy.rules.all {
					if !yield(r) {
						return
					}
				}
			}
		}
	}
}

// SelectedBelow asks, of a part of a program, whether a policy of a tier below a rule's selects
// the own end.
func (p *Program) SelectedBelow(r *Rule) *Formula {
	var selects []*Formula
	for i := r.tier + 1; i < len(p.tiers); i++ {
		for _, policy := range p.tier(i).policies {
			selects = append(selects, policy.selects)
		}
	}
	return Or(selects...)
}

// tier gives one of the tiers of a part, which it works out when first asked.
func (p *Program) tier(i int) *residualTier {
	if p.tiers[i] == nil {
		if p.of.of == nil {
			p.tiers[i] = p.of.whole[i].specialize(p.on)
		} else {
			p.tiers[i] = p.of.tier(i).specialize(p.on)
		}
	}
	return p.tiers[i]
}

// specialize leaves out of a whole program's tier what holds nowhere on a cube.
func (t *sortedTier) specialize(v view) *residualTier {
	own, namespace := Own, ""
	if v.mirrored {
		own = Peer
	}
	if class, one := v.places[own].single(); one {
		namespace = v.u.listed[class].Name
	}
	kept := v.u.keptPolicies[:0]
	for policy := range t.among(namespace) {
		if left, some := (residualPolicy{policy.Selects, policy.rules}).specialize(v); some {
			kept = append(kept, left)
		}
	}
	v.u.keptPolicies = kept
	return newResidualTier(t.Pass, kept)
}

// Verdicts is a set of what may become of packets.
type Verdicts uint8

// The verdicts.
const (
	Allows Verdicts = 1 << iota
	Denies
	passes    // to the next tier
	reached   // the rule that was asked about decides
	elsewhere // it does not
)

// verdicts tells what may become of a cube's packets in a program and, where that is more than
// one thing, a literal that is open. Where no tier decides, that is what ungoverned says.
func (p *Program) verdicts(v view, ungoverned Verdicts) (Verdicts, *literal) {
	var all Verdicts
	var undecided *literal
	for i := range p.tiers {
		got, l := p.tier(i).verdicts(v, all, Allows|Denies)
		if undecided == nil {
			undecided = l
		}
		all |= got &^ passes
		if got&passes == 0 || all == Allows|Denies {
			return all, undecided
		}
	}
	return all | ungoverned, undecided
}

// verdictOf tells the verdict to which a rule's action leads in a program.
func verdictOf(a meaning.Action) Verdicts {
	switch a {
	case meaning.Allow:
		return Allows
	case meaning.Deny:
		return Denies
	default:
		return passes
	}
}
