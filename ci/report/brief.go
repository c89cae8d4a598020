package report

import (
	"bufio"
	"cmp"
	"fmt"
	"slices"

	"portcullis.dev/policies/diag"
)

var briefFormat = Format{
	Name:        "brief",
	Description: "for a small window: one line for each finding, the worst first, and their number",
	write:       writeBrief,
}

// briefest is how many findings the brief format shows: what follows is read in
// another format, or not at all.
const briefest = 50

func writeBrief(w *bufio.Writer, r diag.Report, _ Options) error {
	worst := slices.Clone(r.Findings)
	slices.SortStableFunc(worst, func(a, b diag.Diagnostic) int {
		return cmp.Or(waived(a)-waived(b), cmp.Compare(b.Severity, a.Severity))
	})
	t := textWriter{Writer: w}
	for i, d := range worst {
		if i == briefest {
			fmt.Fprintf(w, "… and %d more\n", len(worst)-i)
			break
		}
		w.WriteString(t.headline(d) + "\n")
	}
	t.testTotal(r.Tests)
	w.WriteString(total(summarize(r.Findings)) + "\n")
	return nil // what a bufio.Writer could not write, its Flush tells
}

// waived is 1 for a finding that a waiver covers, so that it sorts behind those that stand.
func waived(d diag.Diagnostic) int {
	if d.WaivedBy != "" {
		return 1
	}
	return 0
}
