package report

import (
	"bufio"
	"fmt"

	"portcullis.dev/policies/diag"
)

var briefFormat = Format{
	Name:        "brief",
	Description: "for a small window: one line for all findings of one cause, the worst first, and their number",
	write:       writeBrief,
}

// briefest is how many groups the brief format shows, unless there are more rules: what follows
// is read in another format, or not at all.
const briefest = 50

// writeBrief writes one line for each cause among the findings, for a small window, and the
// total.
func writeBrief(w *bufio.Writer, r diag.Report, o Options) error {
	shown := o.Narrow.of(r.Findings)
	standing, _ := split(shown)
	groups := groupsOf(standing)
	t := textWriter{Writer: w}
	worst := briefly(groups)
	for _, g := range worst {
		d := g[0]
		if len(g) > 1 {
			d.Message, d.Environments = fmt.Sprintf("%s — %d places", g.says(), len(g)), nil
		}
		w.WriteString(t.headline(d) + "\n")
	}
	if n := len(groups) - len(worst); n > 0 {
		fmt.Fprintf(w, "… and %d more\n", n)
	}
	t.testTotal(r.Tests)
	w.WriteString(total(shown, r.Findings, o))
	if o.Judged {
		t.survey(r.Survey, o.NotJudged)
	}
	return nil // what a bufio.Writer could not write, its Flush tells
}

// briefly chooses the worst groups for the brief format, and at least one of each rule.
func briefly(groups []group) []group {
	if len(groups) <= briefest {
		return groups
	}
	first := make([]bool, len(groups)) // of its rule
	seen := map[string]bool{}
	for i, g := range groups {
		first[i] = !seen[g[0].Rule.Code]
		seen[g[0].Rule.Code] = true
	}
	room := briefest - len(seen)
	var worst []group
	for i, g := range groups {
		if !first[i] {
			room--
		}
		if first[i] || room >= 0 {
			worst = append(worst, g)
		}
	}
	return worst
}
