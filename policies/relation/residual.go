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

// specialize leaves out of a policy what holds nowhere on a cube; nothing is left of one that
// selects nobody there.
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
