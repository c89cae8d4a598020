package compiler

import (
	"context"
	"fmt"

	"portcullis.dev/policies/diag"
	"portcullis.dev/rego"
)

// AllRules lists all rules by which a run judges, those in Rego included, in the order of their
// codes.
func AllRules(ctx context.Context) ([]*diag.Rule, error) {
	engine, found, err := rego.Prepare(ctx, rego.Options{})
	if err != nil {
		return nil, err
	}
	if found.Failed() {
		return nil, fmt.Errorf("the rules do not compile: %w", found.Err())
	}
	return diag.NewReport(nil, append(Rules(), engine.Rules()...), nil).Rules, nil
}
