package rego

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

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
	Related  []struct {
		Object  diag.ObjectID `json:"object"`
		Pointer string        `json:"pointer"`
		Message string        `json:"message"`
	} `json:"related"`
}

// Check evaluates every rule on every document, each alone, and returns the
// findings sorted. A document is JSON ([]byte or json.RawMessage) or a value that
// marshals to it, as the schema of documents says.
//
// What a rule fails on is a finding (PC032), and so is running into the context's
// deadline; the error is for documents that are none, and for a cancelled context.
func (e *Engine) Check(ctx context.Context, documents []any) (diag.List, error) {
	found := make([]diag.List, len(documents))
	failed := make([]error, len(documents))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(documents)) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(documents); i = int(next.Add(1)) - 1 {
				found[i], failed[i] = e.checkOne(ctx, documents[i])
			}
		})
	}
	workers.Wait()
	var all diag.List
	for i := range documents {
		if failed[i] != nil {
			return nil, fmt.Errorf("document %d: %w", i, failed[i])
		}
		all = append(all, found[i]...)
	}
	return all.Sorted(), nil
}

func (e *Engine) checkOne(ctx context.Context, document any) (diag.List, error) {
	input, err := valueOf(document)
	if err != nil {
		return nil, err
	}
	if err := e.schema.accepts(input); err != nil {
		return nil, err
	}
	results, err := e.evaluate(ctx, e.query, input)
	if err != nil {
		return e.checkApart(ctx, input, err)
	}
	answers, _ := results.(map[string]any)
	var found diag.List
	for _, c := range e.checks {
		found = append(found, e.findings(c, answers[c.name])...)
	}
	return found, nil
}

// checkApart evaluates rule by rule after they failed together: it finds out which
// of them failed, and what the others have to say.
func (e *Engine) checkApart(ctx context.Context, input ast.Value, together error) (diag.List, error) {
	var found diag.List
	for _, c := range e.checks {
		if err := ctx.Err(); err != nil {
			return e.outOfTime(err)
		}
		query, err := e.prepare(ctx, "found := "+c.findings())
		if err != nil {
			return nil, err
		}
		answer, err := e.evaluate(ctx, query, input)
		switch {
		case ctx.Err() != nil:
			return e.outOfTime(ctx.Err())
		case err != nil:
			found = append(found, e.failure(c, err))
		default:
			found = append(found, e.findings(c, answer)...)
		}
	}
	if !found.Unjudgeable() { // they fail together alone: still a failure
		found = append(found, doesNotEvaluate.At(diag.Span{}, "the rules cannot be evaluated: %s", oneLine(together.Error())))
	}
	return found, nil
}

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

// findings turns a rule's answer into diagnostics. An answer that is undefined or
// of another shape is a failure of the rule.
func (e *Engine) findings(c check, answer any) diag.List {
	set, ok := answer.([]any)
	if !ok {
		return diag.List{e.failure(c, errors.New("it is undefined, expected a set of findings"))}
	}
	var found diag.List
	for _, value := range set {
		d, err := c.diagnostic(value)
		if err != nil {
			d = e.failure(c, err)
		}
		found = append(found, d)
	}
	return found
}

func (c check) diagnostic(value any) (diag.Diagnostic, error) {
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
		return diag.Diagnostic{}, fmt.Errorf("a finding with message %q, expected one clause", f.Message)
	}
	d := c.rule.On(f.Subject, "%s", f.Message)
	d.Why, d.Hint, d.Evidence = f.Why, f.Hint, f.Evidence
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

// failure is the finding that a rule failed, where OPA says so, or else where the
// rule begins.
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
	return doesNotEvaluate.At(span, "rule %s fails: %s", c.rule.Code, oneLine(message)).
		Because("a rule that fails on a document has not judged it")
}

// valueOf makes OPA's value of a document.
func valueOf(document any) (ast.Value, error) {
	switch d := document.(type) {
	case []byte:
		return ast.ValueFromReader(bytes.NewReader(d))
	case json.RawMessage:
		return ast.ValueFromReader(bytes.NewReader(d))
	default:
		return ast.InterfaceToValue(d)
	}
}
