// Package rego runs the product's checks, and the user's own, over documents of
// facts: documents in, findings out. It runs the tests of the user's checks as well.
//
// Its invariant: silence means that every rule was evaluated on every document
// and found nothing. A rule that does not compile, reads a field that does not
// exist, fails, or hands back something else than findings is a finding itself
// (PC030 to PC033). METADATA is the only registry of rules.
//
// It must not know what policies, intents or manifests are: the documents' schema
// is all it knows of them.
package rego

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"portcullis.dev/policies/diag"
)

// Options say what is evaluated beside the embedded checks.
type Options struct {
	// Modules are the user's rules, by path as in [diag.Span]'s File. They come from
	// the one directory that the user names. Files whose names end in _test.rego are
	// tests of rules and not rules: see [Engine.Test].
	Modules map[string][]byte
}

// Engine holds compiled rules. It is safe for use by many goroutines.
type Engine struct {
	modules  map[string]*module // by file
	checks   []check            // by name
	compiler *ast.Compiler
	query    rego.PreparedEvalQuery            // for all that the product's own checks find
	apart    map[string]rego.PreparedEvalQuery // for what each of the user's does, by its name
	schema   *shape
	fitting  *fitting // to the schema
	reads    reads
	users    bool              // some of the rules are the user's
	tests    map[string][]byte // of rules, the user's
	limits   limits
	spent    *spending
}

// Prepare compiles the embedded checks and the user's rules. What is wrong with
// the user's rules is in the list, and then there is no Engine. The error is for
// what no user can mend.
func Prepare(ctx context.Context, options Options) (*Engine, diag.List, error) {
	if len(options.Modules) > 0 {
		return newEngine(ctx, options)
	}
	shared, err := embeddedEngine()
	if err != nil {
		return nil, nil, err
	}
	e := *shared
	return &e, nil, nil
}

// embeddedEngine holds the product's own checks alone, which are the same in every run of
// a process.
var embeddedEngine = sync.OnceValues(func() (*Engine, error) {
	e, found, err := newEngine(context.Background(), Options{})
	if err == nil && found.Failed() {
		err = fmt.Errorf("the embedded checks are broken: %w", found.Err())
	}
	return e, err
})

// newEngine compiles the embedded checks and the user's rules into an Engine, and prepares the
// queries.
func newEngine(ctx context.Context, options Options) (*Engine, diag.List, error) {
	schema, err := documentSchema()
	if err != nil {
		return nil, nil, err
	}
	capabilities := capabilities()
	own, err := embeddedModules()
	if err != nil {
		return nil, nil, err
	}
	modules := slices.Clone(own)
	users, found := parseUsers(options.Modules, modules, capabilities)
	modules = append(modules, users...)
	checks, problems := checksOf(modules)
	if found = append(found, problems...); found.Failed() {
		return nil, found.Sorted(), nil
	}
	e := &Engine{modules: map[string]*module{}, checks: checks, schema: schema, fitting: &fitting{}, users: len(users) > 0, limits: defaultLimits, spent: &spending{byRule: map[string]time.Duration{}}}
	e.tests = maps.Clone(options.Modules)
	maps.DeleteFunc(e.tests, func(file string, _ []byte) bool { return !IsTest(file) })
	for _, m := range modules {
		e.modules[m.file] = m
	}
	e.reads = readsOf(modules)
	if len(users) == 0 {
		e.compiler, found = e.compile(capabilities, nil, proven...)
	} else if found, err = e.compileStrictly(capabilities); err != nil {
		return nil, nil, err
	}
	if found.Failed() {
		return nil, found.Sorted(), nil
	}
	if e.query, err = e.prepare(ctx, everyCheck(checks)); err != nil {
		return nil, nil, err
	}
	e.apart = map[string]rego.PreparedEvalQuery{}
	for _, c := range checks {
		if c.module.own {
			continue
		}
		if e.apart[c.name], err = e.prepare(ctx, "found := "+c.findings()); err != nil {
			return nil, nil, err
		}
	}
	return e, nil, nil
}

// Rules lists the rules that the engine evaluates in every Check, by code.
func (e *Engine) Rules() []*diag.Rule {
	rules := make([]*diag.Rule, len(e.checks))
	for i, c := range e.checks {
		rules[i] = c.rule
	}
	slices.SortFunc(rules, func(a, b *diag.Rule) int { return strings.Compare(a.Code, b.Code) })
	return rules
}

// proven are the stages of OPA's compiler that only refuse, or that pay for
// themselves on larger documents than ours. The embedded checks pass them, and the
// schema and the vocabulary too, in this package's tests, so that a run without
// rules of the user's does not pay for them again.
var proven = []ast.StageID{
	ast.StageCheckUnusedImports, ast.StageCheckKeywordOverrides, ast.StageCheckDuplicateImports,
	ast.StageCheckVoidCalls, ast.StageCheckRuleConflicts, ast.StageCheckUndefinedFuncs,
	ast.StageCheckSafetyRuleHeads, ast.StageCheckRecursion, ast.StageCheckTypes,
	ast.StageCheckUnsafeBuiltins, ast.StageCheckDeprecatedBuiltins, ast.StageBuildRequiredCapabilities,
	ast.StageBuildComprehensionIndices, // serves joins over many thousand values
}

// compile makes a compiler of copies of the engine's modules, and findings of its complaints. A
// schema, if there is one, types the input.
func (e *Engine) compile(capabilities *ast.Capabilities, schemas *ast.SchemaSet, skip ...ast.StageID) (*ast.Compiler, diag.List) {
	compiler, failed := e.compileOnce(capabilities, schemas, skip...)
	var found diag.List
	for _, err := range failed {
		found = append(found, compileFinding(e.modules, err))
	}
	return compiler, found
}

// compileOnce makes a compiler of copies of the engine's modules, beside its complaints as OPA
// has them.
func (e *Engine) compileOnce(capabilities *ast.Capabilities, schemas *ast.SchemaSet, skip ...ast.StageID) (*ast.Compiler, ast.Errors) {
	parsed := make(map[string]*ast.Module, len(e.modules))
	for file, m := range e.modules {
		parsed[file] = m.parsed
	}
	compiler := newCompiler(capabilities).WithSchemas(schemas).WithSkipStages(skip...)
	compiler.Compile(parsed)
	return compiler, compiler.Errors
}

// newCompiler makes a compiler of OPA's that is as strict as there is, and finds every mistake.
func newCompiler(capabilities *ast.Capabilities) *ast.Compiler {
	return ast.NewCompiler().WithCapabilities(capabilities).WithDefaultRegoVersion(ast.RegoV1).WithStrict(true).SetErrorLimit(0)
}

// compileFinding makes a finding of what OPA's compiler complains about.
func compileFinding(modules map[string]*module, err *ast.Error) diag.Diagnostic {
	span := diag.Span{}
	if m := moduleAt(modules, err.Location); m != nil {
		span = m.span(err.Location)
	}
	return doesNotCompile.At(span, "%s", oneLine(err.Message))
}

// compileStrictly compiles with the schema and holds every module to the
// vocabulary of the documents. OPA's own type errors about unknown fields are
// left to the vocabulary, which finds them all and knows the nearest name.
func (e *Engine) compileStrictly(capabilities *ast.Capabilities) (diag.List, error) {
	schemas, err := schemaSet()
	if err != nil {
		return nil, err
	}
	typed, failed := e.compileOnce(capabilities, schemas)
	if len(failed) == 0 {
		e.compiler = typed
		return e.vocabulary(typed, e.modules, isRule), nil
	}
	untyped, found := e.compile(capabilities, nil)
	if found.Failed() {
		return found, nil
	}
	found = e.vocabulary(untyped, e.modules, isRule)
	misspelt := map[string]bool{}
	for _, d := range found {
		misspelt[fmt.Sprint(d.Span.File, d.Span.Start.Line)] = true
	}
	for _, err := range failed {
		if d := compileFinding(e.modules, err); !misspelt[fmt.Sprint(d.Span.File, d.Span.Start.Line)] {
			found = append(found, d)
		}
	}
	return found, nil
}

// everyCheck writes one query for all findings of the product's own checks, under the names of
// their packages, so that what is missing from the answer was not evaluated.
func everyCheck(checks []check) string {
	var entries []string
	for _, c := range checks {
		if c.module.own {
			entries = append(entries, fmt.Sprintf("%q: %s", c.name, c.findings()))
		}
	}
	return "found := {" + strings.Join(entries, ", ") + "}"
}

// findings writes the path in data of the check's entry point.
func (c check) findings() string { return fmt.Sprintf("data.portcullis.checks[%q].findings", c.name) }

// prepare prepares a query over the compiled rules, in which a builtin that fails is an error.
func (e *Engine) prepare(ctx context.Context, query string) (rego.PreparedEvalQuery, error) {
	return rego.New(rego.Compiler(e.compiler), rego.Query(query), rego.StrictBuiltinErrors(true)).PrepareForEval(ctx)
}

// oneLine makes one clause of a message that OPA may have laid out in lines.
func oneLine(message string) string { return strings.Join(strings.Fields(message), " ") }
