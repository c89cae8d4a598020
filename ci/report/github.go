package report

import (
	"bufio"
	"fmt"
	"strings"

	"portcullis.dev/policies/diag"
)

var githubFormat = Format{
	Name:        "github",
	Description: "for GitHub Actions: annotations of a pull request, one for all findings of one cause, the worst first",
	write:       writeGitHub,
}

// annotationsOfStep is how many annotations of a kind GitHub shows of one step; it drops the
// others without a word.
const annotationsOfStep = 10

var annotationKinds = map[diag.Severity]string{diag.Error: "error", diag.Warning: "warning", diag.Info: "notice"}

// writeGitHub writes workflow commands of GitHub Actions. The last of a kind says how many more
// there are.
func writeGitHub(w *bufio.Writer, r diag.Report, o Options) error {
	shown := o.Narrow.of(r.Findings)
	standing, _ := split(shown)
	groups := annotated(standing)
	causes, places := map[diag.Severity]int{}, newPlaces(r)
	for _, g := range groups {
		causes[g[0].Severity]++
	}
	written := map[diag.Severity]int{}
	for _, g := range groups {
		d := g[0]
		if written[d.Severity]++; written[d.Severity] > annotationsOfStep {
			continue
		}
		text := joined(d, "\n")
		if len(g) > 1 {
			text = fmt.Sprintf("%s\nand %d more of this cause", text, len(g)-1)
		}
		if more := causes[d.Severity] - annotationsOfStep; written[d.Severity] == annotationsOfStep && more > 0 {
			text = fmt.Sprintf("%s\nGitHub shows no more; without an annotation: %d further %ss", text, more, annotationKinds[d.Severity])
		}
		writeAnnotation(w, d, places.of(d.Span), atMost(text, longest))
	}
	(&textWriter{Writer: w}).testTotal(r.Tests)
	w.WriteString(total(shown, r.Findings, o))
	return nil // what a bufio.Writer could not write, its Flush tells
}

// annotated makes a group of each finding where GitHub shows all annotations of its kind, or else
// of those of one cause.
func annotated(standing diag.List) []group {
	number := map[diag.Severity]int{}
	for _, d := range standing {
		number[d.Severity]++
	}
	var groups []group
	for _, g := range groupsOf(standing) {
		if number[g[0].Severity] > annotationsOfStep {
			groups = append(groups, g)
		} else {
			groups = append(groups, g.single()...)
		}
	}
	return groups
}

// writeAnnotation writes a finding as the workflow command by which GitHub annotates a line.
func writeAnnotation(w *bufio.Writer, d diag.Diagnostic, at spot, text string) {
	var properties []string
	add := func(name, value string) { properties = append(properties, name+"="+commandProperty(value)) }
	number := func(name string, n int32) {
		if n > 0 {
			add(name, fmt.Sprint(n))
		}
	}
	if at.file != "" {
		add("file", at.file)
		number("line", at.start.Line)
		number("endLine", at.end.Line)
		if at.end.Line == at.start.Line || at.end.Line == 0 { // GitHub takes columns of one line alone
			number("col", at.start.Column)
			number("endColumn", at.end.Column)
		}
	}
	add("title", d.Rule.Code+": "+d.Rule.Title)
	fmt.Fprintf(w, "::%s %s::%s\n", annotationKinds[d.Severity], strings.Join(properties, ","), commandData(text))
}

// commandData makes inert text the data of a workflow command of GitHub: one line, which the
// runner turns back.
func commandData(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

// commandProperty makes any text a property of a workflow command of GitHub, which ends at a
// comma and at a colon.
func commandProperty(text string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(commandData(terminal(text)))
}
