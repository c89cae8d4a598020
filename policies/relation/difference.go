package relation

import (
	"slices"

	"portcullis.dev/policies/meaning"
)

// Comparison asks for packets that one program allows and another denies, for each rule
// that allows some.
type Comparison struct {
	Direction meaning.Direction
	Allowing  *Program
	Denying   *Program
	// Classes are those of the own end's namespace that are compared; nil for all.
	Classes []int
	// Where narrows the comparison, and Undecided the question about packets that no policy
	// of the allowing program decides; nil does not.
	Where, Undecided *Formula
	// Patterns is what becomes of packets that no policy decides, of pods in namespaces of a
	// closed pattern. Of all others they are allowed.
	Patterns Verdicts
	Rather   []Wanted // see [Question.Rather]
}

// Difference is a packet that one program allows and another denies.
type Difference struct {
	Rule    *Rule // that decides it; nil where no policy does
	Witness *Witness
}

// Compare calls found with a difference for each rule, class of the own end's namespace and
// kind of peer for which there is one, until found says that it is enough, or with the error
// of what cannot be decided; the rule is then the one in question. Rules for which skip says
// so are not asked about.
func (s *Search) Compare(c Comparison, skip func(*Rule) bool, found func(Difference, error) (enough bool)) {
	for class := range s.Universe.Classes() {
		if c.Classes != nil && !slices.Contains(c.Classes, class) {
			continue
		}
		for _, all := range s.Universe.start {
			of := all.In(class)
			if of == nil {
				continue
			}
			ungoverned := Allows
			if s.Universe.isClosedPattern(class) {
				ungoverned = c.Patterns
			}
			allowing, denying := c.Allowing.On(of), c.Denying.On(of)
			ask := func(r *Rule, where *Formula) (enough bool) {
				by := Wanted{Program: allowing, Verdict: Allows, Ungoverned: ungoverned}
				if r != nil {
					by = allowing.DecidedBy(r)
				}
				q := Question{Of: of, Where: where, Direction: c.Direction, Rather: c.Rather, Wanted: []Wanted{
					by, {Program: denying, Verdict: Denies, Ungoverned: ungoverned},
				}}
				if c.Where != nil {
					q.Where = And(where, c.Where)
				}
				w, err := s.Witness(q)
				return (w != nil || err != nil) && found(Difference{r, w}, err)
			}
			for _, a := range allowing.allowances() {
				if (skip == nil || !skip(a.rule)) && ask(a.rule, a.when) {
					return
				}
			}
			if ungoverned != Allows || skip != nil && skip(nil) {
				continue
			}
			undecided := allowing.mayDecideNothing()
			if c.Undecided != nil {
				undecided = And(c.Undecided, undecided)
			}
			if ask(nil, undecided) {
				return
			}
		}
	}
}

// isClosedPattern reports whether a class of namespaces is that of a closed pattern, of which a
// comparison takes another verdict where no policy decides.
func (u *Universe) isClosedPattern(class int) bool {
	if class < len(u.listed) {
		return false
	}
	n := u.regions[class-len(u.listed)].pattern
	return n != nil && n.Closed
}

// allowance is a rule that allows, and when it may.
type allowance struct {
	rule *Rule
	when *Formula
}

// allowances lists the rules of a part that allow, each with when it may, for a comparison to ask
// about.
func (p *Program) allowances() []allowance {
	var all []allowance
	for r, when := range p.Rules() {
		if r.Action == meaning.Allow {
			all = append(all, allowance{r, when})
		}
	}
	return all
}

// mayDecideNothing makes the formula that holds of every packet which no tier of a part decides:
// each tier that ends in a denial has no policy for its end, or a rule that passes it on.
func (p *Program) mayDecideNothing() *Formula {
	var all []*Formula
	for i := range p.tiers {
		t := p.tier(i)
		if t.pass {
			continue
		}
		var selects, passing []*Formula
		for j := range t.policies {
			policy := &t.policies[j]
			selects = append(selects, policy.selects)
			for _, r := range policy.rules.all {
				if r.Action == meaning.Pass {
					passing = append(passing, And(policy.selects, r.Match))
				}
			}
		}
		all = append(all, Or(Not(Or(selects...)), Or(passing...)))
	}
	return And(all...)
}
