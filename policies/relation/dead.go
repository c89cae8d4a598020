package relation

import (
	"slices"

	"portcullis.dev/policies/meaning"
)

// DecidedBy wants packets that a rule of the program decides, of which a dead rule has none: it
// matches them, no rule before it in its tier does, and every tier above passes them on. Which
// action the rule has is no part of it.
func (p *Program) DecidedBy(r *Rule) Wanted {
	return Wanted{Program: p, Verdict: reached, rule: r}
}

// Dead lists the rules of a program that decide no packet of any pod, in their order. Of
// each rule that could not be decided it calls undecided with the error; that rule is
// not listed.
func (s *Search) Dead(p *Program, d meaning.Direction, undecided func(*Rule, error)) []*Rule {
	settled := map[*Rule]bool{}
	for class := range s.Universe.Classes() {
		for _, all := range s.Universe.start {
			of := all.In(class)
			if of == nil {
				continue
			}
			part := p.On(of)
			for r, when := range part.Rules() {
				if settled[r] {
					continue
				}
				lives, err := s.Some(Question{Of: of, Where: when, Direction: d, Wanted: []Wanted{part.DecidedBy(r)}})
				if err != nil {
					undecided(r, err)
				}
				settled[r] = lives || err != nil
			}
		}
	}
	var dead []*Rule
	for _, t := range p.whole {
		for _, policy := range t.policies {
			for i := range policy.Rules {
				if r := &policy.Rules[i]; !settled[r] {
					dead = append(dead, r)
				}
			}
		}
	}
	return dead
}

// decidedBy tells what may become of a cube's packets on their way to a rule that may be dead:
// reached, or anything else; where both may be, with a literal that is open.
func (p *Program) decidedBy(v view, r *Rule) (Verdicts, *literal) {
	var undecided *literal
	for i := range r.tier {
		got, l := p.tier(i).verdicts(v, 0, reached)
		if got&passes == 0 {
			return elsewhere, nil
		}
		if got != passes && undecided == nil {
			undecided = l
		}
	}
	got, l := p.tier(r.tier).decidedBy(v, r)
	switch {
	case got == elsewhere:
		return elsewhere, nil
	case undecided == nil:
		return got, l
	}
	return reached | elsewhere, undecided
}

// decidedBy tells what may become of a cube's packets in the residual tier of a rule that may be
// dead: it is reached, or another decides first; where both may be, with a literal that is open.
func (t *residualTier) decidedBy(v view, r *Rule) (Verdicts, *literal) {
	var undecided *literal
	for policy := range t.among(v) {
		selects, l := yes, (*literal)(nil)
		if undecided != nil && !policy.rules.reaches(r) { // it matters if it decides about the whole cube
			if !v.holds(policy.selects) {
				continue
			}
		} else if selects, l = v.formula(policy.selects); selects == no {
			continue
		}
		for _, rule := range policy.rules.among(v) {
			if rule.number > r.number {
				return elsewhere, nil
			}
			if undecided != nil && rule != r { // likewise
				if selects == yes && v.holds(rule.Match) {
					return elsewhere, nil
				}
			} else {
				a, of := v.formula(rule.Match)
				if a != no && selects == open {
					a, of = open, l
				}
				switch {
				case rule == r && a == no, rule != r && a == yes:
					return elsewhere, nil
				case a == open && undecided == nil:
					undecided = of
				}
				switch {
				case rule == r && undecided == nil:
					return reached, nil
				case rule == r:
					return reached | elsewhere, undecided
				case a == no:
					continue
				}
			}
			if !policy.rules.tellsLabels(v) {
				continue
			}
			// Of the rules between, only one that decides all of the cube matters now.
			if selects == yes && policy.rules.settles(v, rule, r) {
				return elsewhere, nil
			}
			if !policy.rules.reaches(r) {
				break
			}
			if _, has := slices.BinarySearchFunc(policy.rules.all, r, byNumber); !has {
				return elsewhere, nil
			}
			if a, _ := v.formula(r.Match); a == no {
				return elsewhere, nil
			}
			return reached | elsewhere, undecided
		}
	}
	return elsewhere, nil
}
