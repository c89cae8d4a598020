package govern

import (
	"slices"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
)

// severities are what the Platform says of rules, by code.
type severities = language.Mapping[language.Code, language.At[language.Severity]]

// severity returns what a finding counts as in an environment: the severity that the Platform
// gives its rule, or else the rule's own. An environment's own mapping replaces the Platform's.
func (g *Governance) severity(d diag.Diagnostic, environment string) diag.Severity {
	spec := g.repo.Platform.Spec
	var chosen *severities
	if spec.Checks != nil {
		chosen = spec.Checks.Severity
	}
	for _, e := range spec.Environments {
		if string(e.Key.Value) == environment && e.Value.Severity != nil {
			chosen = e.Value.Severity
		}
	}
	if chosen == nil {
		return d.Severity
	}
	for _, s := range *chosen {
		if string(s.Key.Value) == d.Rule.Code && !lowers(d.Rule, s.Value) {
			return diag.Severity(s.Value.Value)
		}
	}
	return d.Severity
}

// lowers reports whether a severity would take from a rule what nobody can.
func lowers(r *diag.Rule, to language.At[language.Severity]) bool {
	return r.Fixed() && diag.Severity(to.Value) < r.Severity
}

// checkSeverities finds codes that no rule has, and rules that cannot be lowered.
func (g *Governance) checkSeverities() diag.List {
	if g.rules == nil {
		return nil
	}
	spec := g.repo.Platform.Spec
	var written []severities
	if spec.Checks != nil && spec.Checks.Severity != nil {
		written = append(written, *spec.Checks.Severity)
	}
	for _, e := range spec.Environments {
		if e.Value.Severity != nil {
			written = append(written, *e.Value.Severity)
		}
	}
	var found diag.List
	for _, mapping := range written {
		for _, s := range mapping {
			switch r := g.rules[string(s.Key.Value)]; {
			case r == nil:
				found = append(found, g.unknown(s.Key, func(r *diag.Rule) bool { return !r.Fixed() }))
			case lowers(r, s.Value):
				found = append(found, fixedRule.At(s.Value.Span, "%s cannot be lowered to %s", r.Code, diag.Severity(s.Value.Value)).
					Because("%s", fixedReason).
					Suggest("remove the entry, and mend what the rule finds"))
			}
		}
	}
	return found
}

const fixedReason = "mistakes in the input (PC0xx, PC1xx) and failures of the proof (PC3xx) leave nothing that somebody could accept"

// unknown makes the finding of a severity for a code that no rule has. Of those that fit, one
// whose digits are the same in another order comes before one that differs in a digit.
func (g *Governance) unknown(code language.At[language.Code], fits func(*diag.Rule) bool) diag.Diagnostic {
	d := unknownCode.At(code.Span, "no rule has the code %s", code.Value)
	digits := func(code string) string {
		letters := []byte(code)
		slices.Sort(letters)
		return string(letters)
	}
	codes := slices.DeleteFunc(diag.SortedKeys(g.rules), func(c string) bool { return !fits(g.rules[c]) })
	near := diag.Nearest(string(code.Value), codes)
	if i := slices.IndexFunc(codes, func(c string) bool { return digits(c) == digits(string(code.Value)) }); i >= 0 {
		near = codes[i]
	}
	if near == "" {
		return d.Suggest("write the code as the finding shows it")
	}
	return d.Suggest("did you mean %s: %s?", near, g.rules[near].Title)
}
