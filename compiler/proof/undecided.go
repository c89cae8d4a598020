package proof

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/relation"
	"portcullis.dev/policies/selector"
)

// notDecided makes the finding of a question that is undecided, for it took too much: about the
// rule that opens something, if it is one.
func (p *prover) notDecided(r *relation.Rule, d meaning.Direction, err error) diag.Diagnostic {
	if r == nil || r.Policy == nil {
		return p.undecidable(undecided.At(p.plan.Platform, "what the %s of pods that no policy governs lets through is not decided", d), err)
	}
	of := undecided.On(diag.Subject{Object: r.Policy.ID, Pointer: r.Of.Pointer}, "what this rule of a policy for %s lets through is not decided", r.Policy.Selector())
	return p.undecidable(of, err)
}

// undecidable adds to the finding of what is undecided which selectors ask it, and what to do
// about it.
func (p *prover) undecidable(d diag.Diagnostic, err error) diag.Diagnostic {
	var of *relation.LabelError
	if errors.As(err, &of) {
		d.Related = append(d.Related, p.asking(of.Label)...)
	}
	return d.Because("%s; a question may take %d, and one about a single label %d", err, relation.MostSteps, selector.MostStates).
		Suggest("ask fewer things of one label in one selector, or write the policy as several")
}

// asking points at the first places where rendered policies ask for parts of a label's values,
// which leaves questions undecided.
func (p *prover) asking(label string) []diag.Related {
	const most = 3
	var all []diag.Related
	note := func(of *meaning.Policy, pointer string, s *selector.Selector) {
		if s != nil && len(all) < most && asksParts(s.Root(), label) {
			all = append(all, diag.Related{Subject: diag.Subject{Object: of.ID, Pointer: pointer}, Message: fmt.Sprintf("%s asks: %s", of.ID, s)})
		}
	}
	for _, of := range p.m.Policies {
		s := of.Selector()
		note(of, "", &s)
		for _, rules := range of.Rules {
			for i := range rules {
				for _, e := range []*meaning.Entity{&rules[i].Source, &rules[i].Destination} {
					note(of, rules[i].Pointer, e.Selector)
					note(of, rules[i].Pointer, e.NotSelector)
				}
			}
		}
	}
	return all
}

// asksParts reports whether a selector asks what a label's value begins with, ends with or
// contains, which is hard to decide.
func asksParts(n *selector.Node, label string) bool {
	if slices.Contains([]selector.Operator{selector.OpContains, selector.OpStartsWith, selector.OpEndsWith}, n.Op) {
		return n.Key == label || strings.HasSuffix(n.Key, "."+label)
	}
	return slices.ContainsFunc(n.Kids, func(kid selector.Node) bool { return asksParts(&kid, label) })
}
