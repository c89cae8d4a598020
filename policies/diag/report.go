package diag

import (
	"cmp"
	"slices"
)

// Report is one run's answer, complete: what was found, what could have been
// found, and the texts that the findings point into. Every format is written
// from it.
type Report struct {
	Findings List              // sorted
	Rules    []*Rule           // every rule that was evaluated, sorted by code
	Sources  map[string][]byte // file as in Span.File → its bytes
	Tests    []Test            // where the run was about tests, sorted by place
	Coverage []Coverage        // where it was about tests of rules, sorted by file
	Survey   *Survey           // nil where nothing was judged
	// Assumptions are sentences about the cluster that nobody said, where something was taken
	// for granted to judge at all.
	Assumptions []string
}

// NewReport sorts the findings, puts together those that say the same of several things,
// gives each its cause and its fingerprint, and sorts the rules; a rule that two packages name is
// listed once. Sources may be nil: then no snippets are shown.
func NewReport(findings List, rules []*Rule, sources map[string][]byte) Report {
	sorted := slices.Clone(rules)
	slices.SortFunc(sorted, func(a, b *Rule) int { return cmp.Compare(a.Code, b.Code) })
	all := findings.Sorted().together()
	all.causes()
	all.fingerprints()
	return Report{Findings: all, Rules: slices.Compact(sorted), Sources: sources}
}
