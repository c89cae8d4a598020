package rego

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"

	"portcullis.dev/policies/diag"
)

// finding is what a rule hands back. Every field but the message may be left out.
type finding struct {
	Subject  diag.Subject      `json:"subject"`
	Severity string            `json:"severity"` // the rule's own, or a lower one
	Message  string            `json:"message"`
	Why      string            `json:"why"`
	Hint     string            `json:"hint"`
	Evidence map[string]string `json:"evidence"`
	Related  []related         `json:"related"`
	// Names are what the finding is about, where others may be alike: the message has
	// {names} where they stand. Paste is YAML that mends it, for them.
	Names []string `json:"names"`
	Paste string   `json:"paste"`
}

// listed is how many names a message lists before it counts the rest.
const listed = 3

// related is a second place that explains a finding.
type related struct {
	Object  diag.ObjectID `json:"object"`
	Pointer string        `json:"pointer"`
	Message string        `json:"message"`
}

// Check evaluates every rule on every document, each alone, and returns the
// findings sorted. A document is JSON ([]byte or json.RawMessage) or a value that
// marshals to it, as the schema of documents says.
//
// What a rule fails on is a finding (PC032), and so is running into the context's
// deadline or into the limits for rules of the user's; then nothing else is said of
// the documents. The error is for documents that are none, and for a cancelled context.
func (e *Engine) Check(ctx context.Context, documents iter.Seq[any]) (diag.List, error) {
	return e.CheckEach(ctx, documents, func(int) {})
}

// CheckEach checks documents as Check does, and names those, by their places, in which nothing was
// found.
func (e *Engine) CheckEach(ctx context.Context, documents iter.Seq[any], clean func(place int)) (diag.List, error) {
	answers, kept := e.checkAll(ctx, documents)
	for i, a := range answers {
		if a.err != nil {
			return nil, fmt.Errorf("document %d: %w", i, a.err)
		}
	}
	if e.users {
		if found, err := e.checkUsers(ctx, kept, answers); found != nil || err != nil {
			return found, err
		}
	}
	var all diag.List
	more := surplus{}
	for i, a := range answers {
		if len(a.found)+len(a.more) == 0 {
			clean(i)
		}
		all = append(all, a.found...)
		for rule, n := range a.more {
			more[rule] += n
		}
	}
	return e.capped(all.Sorted(), more).Sorted(), nil
}

// answer is what the rules have to say of one document.
type answer struct {
	found diag.List
	more  surplus
	err   error // the document is none, or the context was cancelled
}

// checkAll lets the product's own rules judge documents side by side, while the next ones are
// made. The documents are kept for rules of the user's alone.
func (e *Engine) checkAll(ctx context.Context, documents iter.Seq[any]) (answers []*answer, kept []any) {
	type task struct {
		document any
		answer   *answer
	}
	tasks := make(chan task)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			c := newConverter()
			for t := range tasks {
				*t.answer = e.checkOne(ctx, c, t.document)
			}
		})
	}
	for document := range documents {
		if e.users {
			kept = append(kept, document)
		}
		answers = append(answers, &answer{})
		tasks <- task{document, answers[len(answers)-1]}
	}
	close(tasks)
	workers.Wait()
	return answers, kept
}

// checkOne lets the product's own rules judge one document, all in one evaluation.
func (e *Engine) checkOne(ctx context.Context, c *converter, document any) answer {
	input, err := e.reads.valueOf(c, document)
	if err != nil {
		return answer{err: err}
	}
	if c.nulls || !e.fitting.fits(e.schema, document) {
		if err := e.schema.accepts(input); err != nil {
			return answer{err: err}
		}
	}
	results, err := e.evaluate(ctx, e.query, input)
	if err != nil {
		return e.checkApart(ctx, input, err)
	}
	byName, _ := results.(map[string]any)
	a := answer{more: surplus{}}
	for _, c := range e.checks {
		if c.module.own {
			e.take(&a, c, byName[c.name])
		}
	}
	return a
}

// checkApart evaluates rule by rule after they failed together: it finds out which
// of them failed, and what the others have to say.
func (e *Engine) checkApart(ctx context.Context, input ast.Value, together error) answer {
	a := answer{more: surplus{}}
	for _, c := range e.checks {
		if !c.module.own {
			continue
		}
		if ctx.Err() != nil {
			return e.interrupted(ctx)
		}
		query, err := e.prepare(ctx, "found := "+c.findings())
		if err != nil {
			return answer{err: err}
		}
		value, err := e.evaluate(ctx, query, input)
		switch {
		case ctx.Err() != nil:
			return e.interrupted(ctx)
		case err != nil:
			a.found = append(a.found, e.failure(c, err))
		default:
			e.take(&a, c, value)
		}
	}
	if !a.found.Unjudgeable() { // they fail together alone: still a failure
		a.found = append(a.found, doesNotEvaluate.At(diag.Span{}, "the rules cannot be evaluated: %s", e.limits.clip(oneLine(together.Error()))))
	}
	return a
}

// checkUsers evaluates the user's rules one after the other, each by itself, so that it is
// known which of them runs out of something, and adds what they find to the answers. Then
// nothing else is said of the documents.
func (e *Engine) checkUsers(ctx context.Context, documents []any, answers []*answer) (diag.List, error) {
	run, stop := e.limits.watched(ctx)
	defer stop()
	e.spent.Lock()
	defer e.spent.Unlock()
	run, stopTime := e.limits.timed(run, len(documents), e.spent.all)
	defer stopTime()
	spent, start := e.spent.byRule, time.Now()
	defer func() {
		e.spent.all += max(0, time.Since(start)-time.Duration(len(documents))*e.limits.each)
	}()
	converter := newConverter()
	for i, document := range documents {
		input, err := e.reads.valueOf(converter, document)
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", i, err)
		}
		for _, c := range e.checks {
			if c.module.own {
				continue
			}
			start := time.Now()
			value, err := e.evaluate(run, e.apart[c.name], input)
			spent[c.name] += time.Since(start)
			var together outOfTime
			switch cause, over := exhaustion(run); {
			case over:
				return diag.List{e.failure(c, cause).Suggest("%s", exhaustedHint)}, nil
			case errors.As(context.Cause(run), &together):
				slowest := slices.MaxFunc(e.checks, func(a, b check) int { return cmp.Compare(spent[a.name], spent[b.name]) })
				return diag.List{e.failure(slowest, together).Suggest("%s", exhaustedHint)}, nil
			case ctx.Err() != nil:
				return e.outOfTime(ctx.Err())
			case err != nil:
				answers[i].found = append(answers[i].found, e.failure(c, err))
			default:
				e.take(answers[i], c, value)
			}
		}
	}
	return nil, nil
}

// interrupted makes the answer after the context has ended: the end of the time that the caller
// allows, or the caller's change of mind.
func (e *Engine) interrupted(ctx context.Context) answer {
	found, err := e.outOfTime(ctx.Err())
	return answer{found: found, err: err}
}

// outOfTime makes the finding that the rules did not end before the deadline; a context that was
// cancelled is an error.
func (e *Engine) outOfTime(err error) (diag.List, error) {
	if !errors.Is(err, context.DeadlineExceeded) {
		return nil, err
	}
	return diag.List{doesNotEvaluate.At(diag.Span{}, "the rules did not come to an end before the deadline").
		Because("a rule that was not evaluated has judged nothing").
		Suggest("Look for a rule that enumerates pairs or large ranges, or allow more time.")}, nil
}

// evaluate returns the value that the query binds to found, or nil if it is
// undefined.
func (e *Engine) evaluate(ctx context.Context, query rego.PreparedEvalQuery, input ast.Value) (any, error) {
	results, err := query.Eval(ctx, rego.EvalParsedInput(input))
	if err != nil || len(results) == 0 {
		return nil, err
	}
	return results[0].Bindings["found"], nil
}

// take turns a rule's answer into diagnostics. An answer that is undefined or of
// another shape is a failure of the rule.
func (e *Engine) take(a *answer, c check, value any) {
	set, ok := value.([]any)
	if !ok {
		a.found = append(a.found, e.failure(c, errors.New("it is undefined, expected a set of findings")))
		return
	}
	if n := len(set); !c.module.own && n > e.limits.findings {
		set = set[:e.limits.findings]
		a.more[c.rule] += n - len(set)
	}
	for _, value := range set {
		d, err := c.diagnostic(value, e.limits)
		if err != nil {
			a.found = append(a.found, e.failure(c, err))
			return // the others are hardly better, and the rule is broken anyway
		}
		a.found = append(a.found, d)
	}
}

// diagnostic reads one finding that a rule handed back, and refuses one of another shape or a
// higher severity.
func (c check) diagnostic(value any, l limits) (diag.Diagnostic, error) {
	encoded, err := json.Marshal(value)
	if err != nil {
		return diag.Diagnostic{}, err
	}
	var f finding
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return diag.Diagnostic{}, fmt.Errorf("a finding of another shape: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if f.Message == "" || strings.ContainsAny(f.Message, "\r\n") {
		return diag.Diagnostic{}, fmt.Errorf("a finding with message %q, expected one clause", l.clip(f.Message))
	}
	if !c.module.own {
		f.clip(l)
	}
	d := c.rule.On(f.Subject, "%s", f.Message)
	d.Why, d.Hint, d.Evidence = f.Why, f.Hint, f.Evidence
	if len(f.Names) > 0 {
		among := diag.Among{Message: f.Message, Hint: f.Hint, Names: f.Names, Most: listed}
		if f.Paste != "" {
			among.Paste = []diag.Paste{{YAML: f.Paste, Names: f.Names}}
		}
		d = d.Of(among)
	}
	if f.Severity != "" {
		if d.Severity, err = diag.ParseSeverity(f.Severity); err != nil {
			return diag.Diagnostic{}, fmt.Errorf("a finding with an %w", err)
		}
		if d.Severity > c.rule.Severity {
			return diag.Diagnostic{}, fmt.Errorf("a finding of severity %s, expected %s as in METADATA, or lower", d.Severity, c.rule.Severity)
		}
	}
	for _, r := range f.Related {
		d.Related = append(d.Related, diag.Related{Subject: diag.Subject{Object: r.Object, Pointer: r.Pointer}, Message: r.Message})
	}
	return d, nil
}

// clip cuts what a finding of the user's rule says to what people can read.
func (f *finding) clip(l limits) {
	f.Message, f.Why, f.Hint = l.clip(f.Message), l.clip(f.Why), l.clip(f.Hint)
	for key, value := range f.Evidence {
		f.Evidence[key] = l.clip(value)
	}
	f.Names, f.Paste = nil, "" // what the product's own rules say alike is known to be so
	if n := len(f.Related); n > l.related {
		f.Related = f.Related[:l.related]
		f.Related[l.related-1] = related{Message: fmt.Sprintf("and %d more places", n-l.related+1)}
	}
	for i := range f.Related {
		f.Related[i].Message = l.clip(f.Related[i].Message)
	}
}

// failure makes the finding that a rule failed on a document, where OPA says so, or else where
// the rule begins.
func (e *Engine) failure(c check, err error) diag.Diagnostic {
	span, message := c.module.head(), err.Error()
	var raised *topdown.Error
	if errors.As(err, &raised) {
		message = raised.Message
		if raised.Location != nil {
			if m, ok := e.modules[raised.Location.File]; ok {
				span = m.span(raised.Location)
			}
		}
	}
	return doesNotEvaluate.At(span, "rule %s fails: %s", c.rule.Code, e.limits.clip(oneLine(message))).
		Because("a rule that fails on a document has not judged it")
}
