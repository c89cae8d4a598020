package compiler

import (
	"context"
	"iter"

	"portcullis.dev/compiler/facts"
	"portcullis.dev/policies/diag"
	"portcullis.dev/rego"
)

// checks is the Rego engine, prepared while other stages run.
type checks struct {
	ready  chan struct{}
	engine *rego.Engine
	found  diag.List
	err    error
	partly bool // there are rules of the user's that it does not know
}

// prepareChecks begins to prepare the Rego engine with the user's own rules, beside other stages.
func prepareChecks(ctx context.Context, own map[string][]byte) *checks {
	c := &checks{ready: make(chan struct{})}
	go func() {
		defer close(c.ready)
		c.engine, c.found, c.err = rego.Prepare(ctx, rego.Options{Modules: own})
	}()
	return c
}

// wait waits until the engine is prepared, and returns every rule of the program, and what is
// wrong with the user's own.
func (c *checks) wait() ([]*diag.Rule, diag.List, error) {
	<-c.ready
	rules := Rules()
	if c.engine != nil {
		rules = append(rules, c.engine.Rules()...)
	}
	return rules, c.found, c.err
}

// judge lets the rules in Rego decide on documents. Where there is no engine nothing is
// decided: wait tells why.
func (c *checks) judge(ctx context.Context, documents iter.Seq[facts.Document]) (diag.List, error) {
	<-c.ready
	if c.engine == nil {
		return nil, c.err
	}
	return c.engine.Check(ctx, func(yield func(any) bool) {
		for d := range documents {
			if !yield(d) {
				return
			}
		}
	})
}
