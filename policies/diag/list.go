package diag

import (
	"errors"
	"slices"
	"strings"

	"github.com/hashicorp/go-multierror"
)

// List is what a stage found, in any order. A nil List is a clean bill.
type List []Diagnostic

// Sorted returns the findings in the order of every report. Findings that differ
// in their environments alone, or in numbers as well, become one that names them all.
func (l List) Sorted() List {
	sorted := slices.Clone(l)
	slices.SortStableFunc(sorted, Diagnostic.compare)
	merged := sorted[:0]
	for _, d := range sorted {
		if last := len(merged) - 1; last >= 0 && d.compareFinding(merged[last]) == 0 {
			merged[last].Environments = union(merged[last].Environments, d.Environments)
			continue
		}
		merged = append(merged, d)
	}
	return mergeNumbers(merged)
}

// union joins the environments of two findings in a list, and keeps "whatever the environment"
// (an empty list) as the widest answer.
func union(a, b []string) []string {
	if len(a) == 0 || len(b) == 0 {
		return nil
	}
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	return slices.Compact(all)
}

// Worst finds the highest severity among the findings of the list that stand, or zero where there
// is none.
func (l List) Worst() Severity {
	var worst Severity
	for _, d := range l {
		if d.Stands() {
			worst = max(worst, d.Severity)
		}
	}
	return worst
}

// Failed reports whether an error stands in the list: later stages would judge something that is
// already known to be wrong.
func (l List) Failed() bool { return l.Worst() == Error }

// Unjudgeable reports whether a finding of the list means that the input could not be judged.
func (l List) Unjudgeable() bool {
	return slices.ContainsFunc(l, func(d Diagnostic) bool { return d.Severity == Error && d.Rule.Unjudgeable() })
}

// In marks the findings of the list as those of an environment.
func (l List) In(environment string) List {
	marked := slices.Clone(l)
	for i := range marked {
		marked[i].Environments = []string{environment}
	}
	return marked
}

// Err joins the errors that stand in the list into one error for callers of the
// packages as a library, one line each, or returns nil.
func (l List) Err() error {
	var all *multierror.Error
	for _, d := range l.Sorted() {
		if d.Severity == Error && d.Stands() {
			all = multierror.Append(all, errors.New(d.line()))
		}
	}
	if all == nil {
		return nil
	}
	all.ErrorFormat = func(errs []error) string { return errors.Join(errs...).Error() }
	return all
}

// oneLine keeps a name out of a user's file from faking a second error.
var oneLine = strings.NewReplacer("\n", `\n`, "\r", `\r`)

// line writes a finding on one line, for the error that a list becomes.
func (d Diagnostic) line() string {
	where := d.Span.String()
	if where == "" && !d.Subject.Object.IsZero() {
		where = d.Subject.Object.String()
	}
	if where != "" {
		where += ": "
	}
	return oneLine.Replace(where + d.Message + " [" + d.Rule.Code + "]")
}

// SortedKeys returns the keys of a map in order: the only way in which a map's
// content may reach an output.
func SortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
