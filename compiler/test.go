package compiler

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/proof"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/policies/diag"
)

// Test compiles a repository as Build does, and reports how each test came out: those
// of the intents and the Platform in every environment, and those of the user's own
// rules, with the lines that they reach. Of other findings it reports those that nobody
// can accept, or that leave something unjudged, and the rest is for Check.
func (o Options) Test(ctx context.Context, files []language.File, before diag.List) (diag.Report, error) {
	built, err := o.Build(ctx, files, before)
	if err != nil {
		return diag.Report{}, err
	}
	report := built.Report
	report.Survey = nil     // it is about the tests
	if built.plans != nil { // else any finding may be what stands in the way of the tests
		report.Findings = slices.DeleteFunc(slices.Clone(report.Findings), func(d diag.Diagnostic) bool { return !d.Rule.Fixed() })
		report.Rules = slices.DeleteFunc(slices.Clone(report.Rules), func(r *diag.Rule) bool { return !r.Fixed() })
	}
	var tests []diag.Test
	if !report.Findings.Unjudgeable() {
		tests = testsOf(built.plans, report.Findings)
	}
	if built.engine != nil {
		rules, err := built.engine.Test(ctx)
		if err != nil {
			return diag.Report{}, err
		}
		tests = append(tests, rules.Tests...)
		slices.SortStableFunc(tests, func(a, b diag.Test) int { return a.Span.Compare(b.Span) })
		report.Coverage = rules.Coverage
		report.Findings = append(report.Findings, rules.Found...)
	}
	if !slices.ContainsFunc(tests, func(t diag.Test) bool { return t.Outcome != diag.Skipped }) && !report.Findings.Failed() {
		report.Findings = append(report.Findings, sources.NothingToJudge.At(diag.Span{File: language.PlatformFile}, "no test in %s", count(len(files), "file")).
			Because("a green answer about nothing would be worse than none").
			Suggest(`write tests into an intent or into %s, such as
spec:
  tests: ["shop/frontend -> shop/backend:8080 allow", "shop/backend -> shop/frontend deny"]`, language.PlatformFile))
	}
	report.Tests = tests
	report.Findings = diag.NewReport(report.Findings, nil, nil).Findings
	return report, nil
}

// testsOf says how the tests of judged plans came out, by place. A line may stand for
// many tests: it passes if none fails.
func testsOf(plans []*plan.Plan, found diag.List) []diag.Test {
	type ending struct {
		at      diag.Span
		outcome diag.Outcome
	}
	text := map[diag.Span]string{}
	in := map[ending][]string{}
	for _, p := range plans {
		outcomes := map[diag.Span]diag.Outcome{}
		for _, t := range p.Tests {
			text[t.Span] = t.Text
			if o := outcomes[t.Span]; o == "" || o == diag.Paused {
				outcomes[t.Span] = outcomeOf(p, t, found)
			}
		}
		for at, outcome := range outcomes {
			e := ending{at, outcome}
			in[e] = append(in[e], p.Environment)
		}
	}
	var tests []diag.Test
	for e, environments := range in {
		t := diag.Test{Name: text[e.at], Outcome: e.outcome, Span: e.at}
		if len(environments) < len(plans) {
			t.Environments = environments
		}
		tests = append(tests, t)
	}
	slices.SortFunc(tests, func(a, b diag.Test) int {
		return cmp.Or(a.Span.Compare(b.Span), cmp.Compare(a.Outcome, b.Outcome))
	})
	return tests
}

// outcomeOf tells how one test came out in a plan: paused, failed or passed.
func outcomeOf(p *plan.Plan, t plan.Test, found diag.List) diag.Outcome {
	against := func(d diag.Diagnostic) bool {
		return d.Span == t.Span && slices.Contains(proof.Rules, d.Rule) &&
			(len(d.Environments) == 0 || slices.Contains(d.Environments, p.Environment))
	}
	switch {
	case proof.Paused(p, t):
		return diag.Paused
	case slices.ContainsFunc(found, against):
		return diag.Failed
	default:
		return diag.Passed
	}
}

// count writes how many files hold no test, with the plural of their name.
func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
