package relation

import (
	"iter"

	"portcullis.dev/policies/meaning"
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
	whole []tier // of a program as it was made

	// Of a part: the program that it is a part of, and what it has to do with. Its tiers are
	// worked out when somebody asks.
	of    *Program
	on    view
	tiers []*residualTier
}

// tier finds the policies that can select pods of one namespace without asking the others.
type tier struct {
	Tier
	everywhere  []placed
	byNamespace map[string][]placed
}

type placed struct {
	*Policy
	order int
}

// NewProgram prepares tiers for being asked. It numbers the rules.
func NewProgram(tiers []Tier) *Program {
	p := &Program{}
	number := 0
	for _, t := range tiers {
		made := tier{Tier: t, byNamespace: map[string][]placed{}}
		for i, policy := range t.Policies {
			for j := range policy.Rules {
				policy.Rules[j].number, policy.Rules[j].tier = number, len(p.whole)
				number++
			}
			if name, one := onlyNamespace(policy.Selects, Own); one {
				made.byNamespace[name] = append(made.byNamespace[name], placed{policy, i})
			} else {
				made.everywhere = append(made.everywhere, placed{policy, i})
			}
		}
		if len(t.Policies) > 0 {
			p.whole = append(p.whole, made)
		}
	}
	return p
}

// onlyNamespace is the one namespace that a conjunction demands of an end.
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

// among are the policies that can select pods of a namespace, in order; with an empty name
// all of them.
func (t *tier) among(namespace string) []*Policy {
	if namespace == "" {
		return t.Policies
	}
	own, everywhere := t.byNamespace[namespace], t.everywhere
	all := make([]*Policy, 0, len(own)+len(everywhere))
	for len(own)+len(everywhere) > 0 {
		if len(own) == 0 || len(everywhere) > 0 && everywhere[0].order < own[0].order {
			all, everywhere = append(all, everywhere[0].Policy), everywhere[1:]
		} else {
			all, own = append(all, own[0].Policy), own[1:]
		}
	}
	return all
}

// On is the program as far as a cube has to do with it: it says the same of every part of
// the cube, and sooner.
func (p *Program) On(c *Cube) *Program { return p.part(view{c, false}) }

func (p *Program) part(on view) *Program {
	return &Program{of: p, on: on, tiers: make([]*residualTier, p.count())}
}

func (p *Program) count() int {
	if p.of == nil {
		return len(p.whole)
	}
	return len(p.tiers)
}

// Rules are the rules of a part in their order, and when each may match: its policy selects
// the own end, and it asks for the packet.
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

// residualTier is a tier as far as a cube has to do with it.
type residualTier struct {
	pass     bool
	policies []residualPolicy
}

type residualPolicy struct {
	selects *Formula
	rules   ruleIndex
}

// tier is one of a part's tiers.
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

// specialize leaves out what holds nowhere on a cube.
func (t *tier) specialize(v view) *residualTier {
	own, namespace := Own, ""
	if v.mirrored {
		own = Peer
	}
	if class, one := v.places[own].single(); one {
		namespace = v.u.listed[class].Name
	}
	made := &residualTier{pass: t.Pass}
	for _, policy := range t.among(namespace) {
		selects, _ := v.formula(policy.Selects)
		if selects == no {
			continue
		}
		left := residualPolicy{selects: policy.Selects}
		if selects == yes {
			left.selects = True
		}
		var rules []*Rule
		for i := range policy.Rules {
			if a, _ := v.formula(policy.Rules[i].Match); a != no {
				rules = append(rules, &policy.Rules[i])
			}
		}
		left.rules = indexRules(rules, v.mirrored)
		made.policies = append(made.policies, left)
	}
	return made
}

// specialize leaves out more, on a smaller cube.
func (t *residualTier) specialize(v view) *residualTier {
	made := &residualTier{pass: t.pass}
	for i := range t.policies {
		policy := &t.policies[i]
		selects, _ := v.formula(policy.selects)
		if selects == no {
			continue
		}
		left := residualPolicy{selects: policy.selects}
		if selects == yes {
			left.selects = True
		}
		for _, rule := range policy.rules.among(v) {
			a, _ := v.formula(rule.Match)
			if a == no {
				continue
			}
			left.rules.all = append(left.rules.all, rule)
			if a == yes && left.selects == True {
				break // no later rule of the policy decides anything
			}
		}
		made.policies = append(made.policies, left)
	}
	return made
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

// verdicts is what may become of a cube's packets and, where that is more than one thing,
// a literal that is open. Where no tier decides, that is what ungoverned says.
func (p *Program) verdicts(v view, ungoverned Verdicts) (Verdicts, *literal) {
	var all Verdicts
	var undecided *literal
	for i := range p.tiers {
		got, l := p.tier(i).verdicts(v)
		if undecided == nil {
			undecided = l
		}
		all |= got &^ passes
		if got&passes == 0 {
			return all, undecided
		}
	}
	return all | ungoverned, undecided
}

func (t *residualTier) verdicts(v view) (all Verdicts, undecided *literal) {
	applies := no
	var selected *literal // that says whether a policy applies at all
	for i := range t.policies {
		policy := &t.policies[i]
		selects, l := v.formula(policy.selects)
		if selects == no {
			continue
		}
		applies = max(applies, selects)
		if selects == open && selected == nil {
			selected = l
		}
		for _, rule := range policy.rules.among(v) {
			a, of := v.formula(rule.Match)
			if a == no {
				continue
			}
			if selects == open {
				a, of = open, l
			}
			all |= verdictOf(rule.Action)
			if a == yes {
				return all, undecided
			}
			if undecided == nil {
				undecided = of
			}
		}
	}
	switch {
	case applies == no || t.pass:
		return all | passes, undecided
	case applies == yes:
		return all | Denies, undecided
	}
	if undecided == nil {
		undecided = selected
	}
	return all | Denies | passes, undecided
}

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
