package rego

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"

	"portcullis.dev/policies/diag"
)

var (
	brokenTest = &diag.Rule{Code: "PC310", Severity: diag.Error,
		Title: "A test of a rule that does not hold",
		Why:   "A test in Rego holds where it is true. This one is false or undefined, or its evaluation fails.",
		Mend:  "Either the rule does something else than the test expects, or the test asks for what nobody wants any more: correct the one that is wrong. A failed test cannot be waived."}
	noTest = &diag.Rule{Code: "PC311", Severity: diag.Warning,
		Title: "A rule that no test reaches",
		Why:   "A rule that has never been seen to find anything may find nothing.",
		Mend:  "Write a test that expects a finding and one that expects none, in a file beside the rule whose name ends in _test.rego."}
)

// Tested is how the tests of the user's rules came out.
type Tested struct {
	Tests    []diag.Test     // by place
	Coverage []diag.Coverage // of the files with the user's rules, in order
	Found    diag.List       // tests that fail, or are no tests; rules without one
}

// Test runs the tests that the user wrote for rules, under the limits that rules have.
// Where they do not compile, or together need too much, that alone is said.
func (e *Engine) Test(ctx context.Context) (Tested, error) {
	if !e.users && len(e.tests) == 0 {
		return Tested{}, nil
	}
	modules, found := e.testModules()
	if found.Failed() {
		return Tested{Found: found.Sorted()}, nil
	}
	run, stop := e.limits.watched(ctx)
	defer stop()
	compiler := newCompiler(capabilities())
	results, coverage, err := e.runTests(run, compiler, modules, "")
	var refused ast.Errors
	switch _, ranOut := exhaustion(run); {
	case errors.As(err, &refused):
		for _, mistake := range refused {
			found = append(found, compileFinding(modules, mistake))
		}
		return Tested{Found: found.Sorted()}, nil
	case ctx.Err() != nil:
		return Tested{}, ctx.Err()
	case err != nil:
		return Tested{}, err
	case ranOut:
		found, err := e.blameTests(ctx, modules, results)
		return Tested{Found: found.Sorted()}, err
	}
	if found = e.vocabulary(compiler, modules, IsTest); found.Failed() {
		return Tested{Found: found.Sorted()}, nil
	}
	var t Tested
	for _, r := range results {
		test := diag.Test{Name: e.limits.clip(nameOf(r)), Outcome: diag.Passed, Span: headOf(r)}
		switch {
		case r.Skip:
			test.Outcome = diag.Skipped
		case !r.Pass():
			test.Outcome = diag.Failed
			t.Found = append(t.Found, e.failedTest(r, modules, coverage))
		}
		t.Tests = append(t.Tests, test)
	}
	t.Coverage = e.coverage(coverage)
	t.Found = append(t.Found, e.untested(t.Coverage)...).Sorted()
	return t, nil
}

// testModules gathers the engine's modules together with the user's tests.
func (e *Engine) testModules() (map[string]*module, diag.List) {
	all := maps.Clone(e.modules)
	var found diag.List
	for _, file := range diag.SortedKeys(e.tests) {
		m := &module{file: file}
		var err error
		m.parsed, err = parse(file, e.tests[file], capabilities())
		switch {
		case err != nil:
			found = append(found, m.broken(err)...)
		case m.parsed == nil:
			found = append(found, doesNotCompile.At(diag.Span{File: file}, "the file holds no package, expected tests"))
		default:
			all[file] = m
		}
	}
	return all, found
}

// runTests runs the tests in the modules whose full names match, and returns their
// results by place. It compiles them; the compiler's complaints are an ast.Errors.
func (e *Engine) runTests(ctx context.Context, compiler *ast.Compiler, modules map[string]*module, names string) ([]*tester.Result, cover.Report, error) {
	parsed := make(map[string]*ast.Module, len(modules))
	for file, m := range modules {
		parsed[file] = m.parsed
	}
	tracer := cover.New()
	answers, err := tester.NewRunner().
		SetCompiler(compiler).
		SetModules(parsed).
		Filter(names).
		SetCoverageQueryTracer(tracer).
		SetCoverageRuns(nil). // they tell why a line is missed, at three times the price
		SetTimeout(e.limits.time).
		RaiseBuiltinErrors(true). // as a run of the rules does
		RunTests(ctx, nil)
	if err != nil {
		return nil, cover.Report{}, err
	}
	var results []*tester.Result
	for r := range answers {
		results = append(results, r)
	}
	slices.SortFunc(results, func(a, b *tester.Result) int { return headOf(a).Compare(headOf(b)) })
	return results, tracer.Report(parsed), nil
}

// headOf finds the first line of a test.
func headOf(r *tester.Result) diag.Span { return spanOf(r.Location.File, r.Location) }

// numbered is what OPA adds to the name of a test that is not the only one of its name.
var numbered = regexp.MustCompile(`#[0-9]+`)

// nameOf names a test as it is written.
func nameOf(r *tester.Result) string {
	return strings.TrimPrefix(r.Package, "data.") + "." + numbered.ReplaceAllString(r.Name, "")
}

// failedTest says why a test does not hold and, where it is known, how far it comes.
func (e *Engine) failedTest(r *tester.Result, modules map[string]*module, coverage cover.Report) diag.Diagnostic {
	name := e.limits.clip(nameOf(r))
	if topdown.IsCancel(r.Error) {
		return brokenTest.At(headOf(r), "%s takes longer than %v", name, e.limits.time).Suggest("%s", exhaustedHint)
	}
	if r.Error != nil {
		return e.failingTest(r, modules)
	}
	d := brokenTest.At(headOf(r), "%s is false or undefined, expected true", name)
	if cases := failedCases(r); len(cases) > 0 {
		d = brokenTest.At(headOf(r), "%s is not true of %s", name, e.limits.clip(strings.Join(cases, ", ")))
	}
	if at, ok := furthest(r, coverage); ok {
		d = d.See(at, "it comes this far")
	}
	return d.Suggest("mend the rule, or the test")
}

// failingTest says where the evaluation of a test fails.
func (e *Engine) failingTest(r *tester.Result, modules map[string]*module) diag.Diagnostic {
	message := r.Error.Error()
	var raised *topdown.Error
	var at *ast.Location
	if errors.As(r.Error, &raised) {
		message, at = raised.Message, raised.Location
	}
	d := brokenTest.At(headOf(r), "%s fails: %s", e.limits.clip(nameOf(r)), e.limits.clip(oneLine(message))).
		Because("what is not evaluated to its end is not true").
		Suggest("guard the expression that fails, or mend the test")
	if m := moduleAt(modules, at); m != nil {
		d = d.See(m.span(at), "it fails here")
	}
	return d
}

// failedCases lists the cases of which a test of several fails.
func failedCases(r *tester.Result) []string {
	const most = 5
	var names []string
	for _, name := range diag.SortedKeys(r.SubResults) {
		if r.SubResults[name].Fail {
			names = append(names, name)
		}
	}
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("and %d more", len(names)-most))
	}
	return names
}

// furthest finds where the last line of a test's body begins, as written, of which something was
// evaluated: what stands before it holds.
func furthest(r *tester.Result, coverage cover.Report) (at diag.Span, ok bool) {
	lastRow, _ := r.Location.End()
	file := coverage.Files[r.Location.File]
	if file == nil {
		return diag.Span{}, false
	}
	for _, c := range file.Covered { // in order
		if c.Start.Row > max(r.Location.Row, int(at.Start.Line)) && c.End.Row <= lastRow {
			at, ok = diag.Span{File: r.Location.File, Start: diag.At(c.Start.Row, c.Start.Col), End: diag.At(c.End.Row, c.End.Col)}, true
		}
	}
	return at, ok
}

// coverage tells which lines of the user's rules the tests evaluate, and which not.
func (e *Engine) coverage(report cover.Report) []diag.Coverage {
	var all []diag.Coverage
	for _, file := range diag.SortedKeys(e.modules) {
		if e.modules[file].own {
			continue
		}
		c := diag.Coverage{File: file, Missed: linesOf(report.Files[file].NotCovered)}
		for _, line := range linesOf(report.Files[file].Covered) {
			if _, missed := slices.BinarySearch(c.Missed, line); !missed {
				c.Covered = append(c.Covered, line)
			}
		}
		all = append(all, c)
	}
	return all
}

// linesOf lists the lines that ranges of a test's coverage hold.
func linesOf(ranges []cover.Range) []int {
	lines := map[int]bool{}
	for _, r := range ranges {
		for line := r.Start.Row; line <= r.End.Row; line++ {
			lines[line] = true
		}
	}
	return slices.Sorted(maps.Keys(lines))
}

// untested finds the user's rules of which no test evaluates a line.
func (e *Engine) untested(coverage []diag.Coverage) diag.List {
	tested := map[string]bool{}
	for _, c := range coverage {
		if m := e.modules[c.File]; m.role == checkModule && len(c.Covered) > 0 {
			tested[m.name] = true
		}
	}
	var found diag.List
	for _, c := range e.checks {
		if !c.module.own && !tested[c.name] {
			found = append(found, noTest.At(c.module.head(), "no test reaches rule %s", c.rule.Code).
				Because("a rule that has never been seen to find anything may find nothing").
				Suggest(testExample, strings.TrimSuffix(path.Base(c.module.file), ".rego"), c.name))
		}
	}
	return found
}

const testExample = `Write tests into a file beside it, %s_test.rego:
package portcullis.checks.%[2]s_test

import data.portcullis.checks.%[2]s

test_it_finds_something if count(%[2]s.findings) == 1 with input as {"scope": "namespace"}`

// blameTests finds out which of the tests that were under way ran out of something, by
// running each alone.
func (e *Engine) blameTests(ctx context.Context, modules map[string]*module, results []*tester.Result) (diag.List, error) {
	for _, r := range results {
		if !topdown.IsCancel(r.Error) {
			continue
		}
		alone, stop := e.limits.watched(ctx)
		_, _, err := e.runTests(alone, newCompiler(capabilities()), modules, "^"+regexp.QuoteMeta(r.Package+"."+r.Name)+"$")
		cause, ranOut := exhaustion(alone)
		stop()
		if err = cmp.Or(ctx.Err(), err); err != nil {
			return nil, err
		}
		if ranOut {
			return diag.List{brokenTest.At(headOf(r), "%s %s", e.limits.clip(nameOf(r)), cause).Suggest("%s", exhaustedHint)}, nil
		}
	}
	return diag.List{brokenTest.At(diag.Span{}, "the tests of rules cannot be evaluated: together they need too much").
		Because("a test that was not evaluated has shown nothing").Suggest("%s", exhaustedHint)}, nil
}

// IsTest reports whether a file holds tests of rules, as OPA names them.
func IsTest(file string) bool { return strings.HasSuffix(file, "_test.rego") }
