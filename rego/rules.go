package rego

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"portcullis.dev/policies/diag"
)

var (
	doesNotCompile = &diag.Rule{Code: "PC030", Severity: diag.Error,
		Title: "A rule does not compile",
		Why:   "A rule that does not compile judges nothing, and nothing found would look like nothing wrong.",
		Mend:  "Mend it where the caret stands. Rules may use Rego v1 and every builtin that is a cheap function of its arguments: no network, no environment, no clock, no random numbers."}
	noMetadata = &diag.Rule{Code: "PC031", Severity: diag.Error,
		Title: "A rule without METADATA",
		Why:   "The METADATA of a rule's package is its entry in every report and in waivers.",
		Mend:  "Write title, description and, under custom, code (PC900 to PC999 are yours), severity and remediation."}
	doesNotEvaluate = &diag.Rule{Code: "PC032", Severity: diag.Error,
		Title: "A rule fails while it is evaluated",
		Why:   "A rule that fails on a document has not judged it, whatever the other rules say.",
		Mend:  "Guard the expression that fails, or correct what the rule hands back."}
	unknownField = &diag.Rule{Code: "PC033", Severity: diag.Error,
		Title: "A rule reads a field that no document has",
		Why:   "In Rego a field that does not exist is undefined: a condition on it never holds and its negation always does, so that a misspelt rule passes everything or nothing.",
		Mend:  "Spell the field as in the schema of the documents."}
)

// Rules are the findings of the engine itself, about rules and their tests. What the
// rules find is declared by their METADATA: see [Engine.Rules].
var Rules = []*diag.Rule{doesNotCompile, noMetadata, doesNotEvaluate, unknownField, brokenTest, noTest}

// check is one package of rules.
type check struct {
	name   string // last part of the package's path
	rule   *diag.Rule
	module *module // that carries the METADATA
}

var (
	ownCode   = regexp.MustCompile(`^PC2[0-9]{2}$`)
	usersCode = regexp.MustCompile(`^PC9[0-9]{2}$`)
)

// checksOf makes the manifest of rules: one for each package of checks, from its
// METADATA. It is what an evaluation is held to, so every package is in it or in
// the findings.
func checksOf(modules []*module) ([]check, diag.List) {
	var found diag.List
	packages := map[string][]*module{}
	for _, m := range modules {
		if m.role == checkModule {
			packages[m.name] = append(packages[m.name], m)
		}
	}
	var checks []check
	codes := map[string]check{}
	for _, name := range diag.SortedKeys(packages) {
		c, problems := checkOf(name, packages[name])
		found = append(found, problems...)
		if c.rule == nil {
			continue
		}
		if first, taken := codes[c.rule.Code]; taken {
			found = append(found, noMetadata.At(c.module.head(), "code %s is that of package %s already, expected one of its own", c.rule.Code, first.name).
				Because("a code names one rule in reports and waivers"))
			continue
		}
		codes[c.rule.Code] = c
		checks = append(checks, c)
	}
	return checks, found
}

// checkOf makes the entry of the manifest for one package of checks, and reports one without an
// entry point or METADATA.
func checkOf(name string, modules []*module) (check, diag.List) {
	c := check{name: name, module: modules[0]}
	var annotations []*ast.Annotations
	entry := false
	for _, m := range modules {
		for _, a := range m.parsed.Annotations {
			if a.Scope == "package" {
				annotations = append(annotations, a)
				c.module = m
			}
		}
		entry = entry || slices.ContainsFunc(m.parsed.Rules, func(r *ast.Rule) bool {
			return r.Head.Name == "findings" && r.Head.RuleKind() == ast.MultiValue && len(r.Head.Reference) == 1
		})
	}
	var found diag.List
	if !entry {
		found = append(found, doesNotCompile.At(c.module.head(), "package %s has no rule %q, expected a set of findings", name, "findings contains").
			Because("it is the entry point: without it the package judges nothing").
			Suggest("Write: findings contains {\"message\": \"...\"} if { ... }"))
	}
	if len(annotations) != 1 {
		return check{}, append(found, noMetadata.At(c.module.head(), "package %s has %d METADATA blocks on its package clauses, expected one", name, len(annotations)).
			Suggest("%s", metadataExample))
	}
	rule, err := ruleOf(annotations[0], c.module.own)
	if err != nil {
		return check{}, append(found, noMetadata.At(c.module.span(annotations[0].Location), "METADATA of package %s: %v", name, err).
			Suggest("%s", metadataExample))
	}
	c.rule = rule
	return c, found
}

const metadataExample = `# METADATA
# title: What is wrong, in a few words
# description: Why it matters, in sentences.
# custom:
#   code: PC900
#   severity: error
#   remediation: How to mend it, in sentences.
package portcullis.checks.…`

// ruleOf reads a rule from METADATA. The error says what was expected.
func ruleOf(a *ast.Annotations, own bool) (*diag.Rule, error) {
	text := map[string]string{"title": a.Title, "description": a.Description}
	for _, key := range []string{"code", "severity", "remediation"} {
		value, written := a.Custom[key]
		s, isText := value.(string)
		if written && !isText {
			return nil, fmt.Errorf("custom.%s is %v, expected text", key, value)
		}
		text[key] = s
	}
	for _, key := range diag.SortedKeys(text) {
		text[key] = strings.Join(strings.Fields(text[key]), " ")
		if text[key] == "" {
			return nil, fmt.Errorf("%s is missing", key)
		}
	}
	codes, reserved := usersCode, "PC900 to PC999"
	if own {
		codes, reserved = ownCode, "PC200 to PC299"
	}
	if !codes.MatchString(text["code"]) {
		return nil, fmt.Errorf("code is %q, expected one of %s", text["code"], reserved)
	}
	severity, err := diag.ParseSeverity(text["severity"])
	if err != nil {
		return nil, err
	}
	rule := &diag.Rule{Code: text["code"], Title: text["title"], Why: text["description"], Mend: text["remediation"], Severity: severity}
	for _, r := range a.RelatedResources {
		rule.See = append(rule.See, r.Ref.String())
	}
	return rule, nil
}
