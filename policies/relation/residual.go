package relation

import (
	"iter"
	"slices"
)

// residualTier is a tier as far as a cube has to do with it.
type residualTier struct {
	pass     bool
	policies []residualPolicy
	index    policyIndex // of the policies
}

// among yields the policies of a residual tier that may select the own end of a view, in order,
// with some that do not.
func (t *residualTier) among(v view) iter.Seq[*residualPolicy] {
	return func(yield func(*residualPolicy) bool) {
		places, all := t.index.among(v)
		if !all {
			for _, i := range places {
				if !yield(&t.policies[i]) {
					return
				}
			}
			return
		}
		for i := range t.policies {
			if !yield(&t.policies[i]) {
				return
			}
		}
	}
}

type residualPolicy struct {
	selects *Formula
	rules   *ruleIndex
}

// newResidualTier makes a residual tier of the policies that are left on a cube, and indexes
// them.
func newResidualTier(pass bool, policies []residualPolicy) *residualTier {
	return &residualTier{pass: pass, policies: slices.Clone(policies), index: indexPolicies(policies)}
}

// specialize leaves out of a residual tier still more, on a smaller cube. What stays as it is, is
// shared.
func (t *residualTier) specialize(v view) *residualTier {
	kept, same := v.u.keptPolicies[:0], true
	for policy := range t.among(v) {
		if left, some := policy.specialize(v); some {
			kept, same = append(kept, left), same && left == *policy
		}
	}
	v.u.keptPolicies = kept
	if same && len(kept) == len(t.policies) {
		return t
	}
	return newResidualTier(t.pass, kept)
}

// specialize leaves out of a residual policy what holds nowhere on a cube; nothing is left of one
// that selects nobody there.
func (p residualPolicy) specialize(v view) (left residualPolicy, some bool) {
	selects, _ := v.formula(p.selects)
	if selects == no {
		return p, false
	}
	if selects == yes {
		p.selects = True
	}
	kept := v.u.keptRules[:0]
	for _, rule := range p.rules.among(v) {
		a, _ := v.formula(rule.Match)
		if a == no {
			continue
		}
		kept = append(kept, rule)
		if a == yes && selects == yes {
			break // no later rule of the policy decides anything
		}
	}
	v.u.keptRules = kept
	if len(kept) < len(p.rules.all) {
		p.rules = indexRules(slices.Clone(kept), v.mirrored)
	}
	return p, true
}

// verdicts tells what may become of a cube's packets that reach the residual tier and, where that
// is more than one thing, a literal that is open. What tiers above may do with others (above)
// need not be said again, so where something may happen already, a policy or a rule that adds
// nothing matters only if it decides about the whole cube. Once all of enough may happen, nothing
// matters.
func (t *residualTier) verdicts(v view, above, enough Verdicts) (all Verdicts, undecided *literal) {
	applies := no
	var selected *literal // that says whether a policy applies at all
	for policy := range t.among(v) {
		selects, l := yes, (*literal)(nil)
		if applies != no && policy.rules.verdicts&^(all|above) == 0 {
			if !v.holds(policy.selects) {
				continue
			}
		} else if selects, l = v.formula(policy.selects); selects == no {
			continue
		}
		applies = max(applies, selects)
		if selects == open && selected == nil {
			selected = l
		}
		for _, rule := range policy.rules.among(v) {
			if verdictOf(rule.Action)&^(all|above) == 0 {
				if selects == yes && v.holds(rule.Match) {
					return all | verdictOf(rule.Action), undecided
				}
			} else {
				a, of := v.formula(rule.Match)
				if a == no {
					continue
				}
				if selects == open {
					a, of = open, l
				}
				if undecided == nil {
					undecided = of
				}
				all |= verdictOf(rule.Action)
				if a == yes || (all|above)&enough == enough {
					return all, undecided
				}
			}
			if policy.rules.verdicts&^(all|above) != 0 || !policy.rules.tellsLabels(v) {
				continue
			}
			// Of what follows, only a rule that decides all of the cube matters now.
			if selects == yes && policy.rules.settles(v, rule, nil) {
				return all, undecided
			}
			break
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
