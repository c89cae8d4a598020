package report

import (
	"slices"

	"portcullis.dev/policies/diag"
)

// Narrow chooses what is shown of a report; what does not ask for anything shows all. What it
// leaves out still counts.
type Narrow struct {
	Rules    []string          // codes
	Severity diag.Severity     // the lowest; none is that of all
	In       func(string) bool // of a file; nil for any
}

// asks reports whether something of a report is to be left out.
func (n Narrow) asks() bool { return len(n.Rules) > 0 || n.Severity > diag.Info || n.In != nil }

// of keeps the findings of the rules, the severity and the files that somebody narrowed a report
// to.
func (n Narrow) of(findings diag.List) diag.List {
	if !n.asks() {
		return findings
	}
	return slices.DeleteFunc(slices.Clone(findings), func(d diag.Diagnostic) bool {
		return len(n.Rules) > 0 && !slices.Contains(n.Rules, d.Rule.Code) ||
			d.Severity < n.Severity || n.In != nil && !n.In(d.Span.File)
	})
}
