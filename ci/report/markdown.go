package report

import (
	"bufio"
	"fmt"
	"strings"

	"portcullis.dev/policies/diag"
)

var markdownFormat = Format{
	Name:        "markdown",
	Description: "for a comment or a step summary: a table of what was found, the worst first, within 60,000 bytes",
	write:       writeMarkdown,
}

// commentBytes is how much Markdown fits into a comment. GitHub takes 65,536 characters.
const commentBytes = 60_000

// longestCell is how many runes of a text stand in a cell.
const longestCell = 400

// The budget of what stands around the table, and of each list below it.
const (
	fewRows     = 50 // of findings, each of which has its own
	reportRows  = 200
	foldBytes   = 8_000
	aroundBytes = 2*foldBytes + 4_000
)

// writeMarkdown writes the report as a table of findings and what is folded below it. What comes
// from files stands in code alone, where it is neither a link nor a mention nor a command.
func writeMarkdown(w *bufio.Writer, r diag.Report, o Options) error {
	shown := o.Narrow.of(r.Findings)
	standing, accepted := split(shown)
	s := summarize(standing)
	w.WriteString("### " + markdownTitle(s, len(standing)) + "\n")
	groups := groupsOf(standing)
	if len(standing) <= fewRows {
		var each []group
		for _, g := range groups {
			each = append(each, g.single()...)
		}
		groups = each
	}
	markdownTable(w, groups)
	if text := strings.TrimSpace(total(shown, r.Findings, o)); len(standing) > 0 && o.Narrow.asks() {
		first, _, _ := strings.Cut(text, "\n")
		w.WriteString("\nShown: " + code(atMost(first, longestCell)) + "\n")
	}
	var rows []string
	for _, t := range r.Tests {
		if t.Outcome != diag.Passed {
			rows = append(rows, fmt.Sprintf("%s: %s%s", t.Outcome, codeAt(t.Span.String(), t.Name), codes(t.Environments)))
		}
	}
	var counts strings.Builder
	count := bufio.NewWriter(&counts)
	(&textWriter{Writer: count}).testTotal(r.Tests)
	count.Flush()
	if text := strings.TrimSpace(counts.String()); text != "" {
		w.WriteString("\n" + text + "\n")
	}
	fold(w, "Tests that did not pass", rows)
	rows = nil
	for _, d := range accepted {
		by := "known by " + code(atMost(d.KnownBy, longestCell))
		if d.WaivedBy != "" {
			by = "waived by " + code(atMost(join(" until ", d.WaivedBy, d.WaivedUntil), longestCell))
		}
		rows = append(rows, fmt.Sprintf("%s %s: %s", code(d.Rule.Code), codeAt(place(d.Span, d.Subject), d.Message), by))
	}
	fold(w, "What is accepted", rows)
	markdownSurvey(w, r.Survey)
	return nil // what a bufio.Writer could not write, its Flush tells
}

// markdownTitle heads the Markdown report with a sign and the number of findings of each
// severity.
func markdownTitle(s summary, standing int) string {
	sign := "✅"
	switch {
	case s.Errors > 0:
		sign = "⛔"
	case s.Warnings > 0:
		sign = "⚠️"
	case standing == 0:
		return "✅ No findings"
	}
	var parts []string
	for _, c := range []struct {
		n         int
		one, many string
	}{{s.Errors, "error", "errors"}, {s.Warnings, "warning", "warnings"}, {s.Infos, "info", "infos"}} {
		if c.n > 0 {
			parts = append(parts, counted(c.n, c.one, c.many))
		}
	}
	return sign + " " + strings.Join(parts, ", ")
}

// markdownTable writes a row of Markdown for each group of findings, the worst first, and counts
// those without room.
func markdownTable(w *bufio.Writer, groups []group) {
	if len(groups) == 0 {
		return
	}
	w.WriteString("\n| | rule | where | what, and how to mend it |\n|---|---|---|---|\n")
	left, missing := commentBytes-aroundBytes, map[string]int{}
	for i, g := range groups {
		d := g[0]
		says := cell(g.says())
		where := cell(place(d.Span, d.Subject))
		if len(g) > 1 {
			where += fmt.Sprintf(" and %d more", len(g)-1)
		}
		for _, text := range g.help() {
			if text != "" {
				says += "<br>" + cell(text)
				break
			}
		}
		if len(g) == 1 {
			where += cells(d.Environments)
		}
		row := fmt.Sprintf("| %s | %s | %s | %s |\n", d.Severity, cell(d.Rule.Code), strings.TrimSpace(where), says)
		if i >= reportRows || len(row) > left {
			missing[d.Severity.String()] += len(g)
			left = 0 // the rows that follow are less grave
			continue
		}
		left -= len(row)
		w.WriteString(row)
	}
	var parts []string
	for _, severity := range []diag.Severity{diag.Error, diag.Warning, diag.Info} {
		if n := missing[severity.String()]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, severity))
		}
	}
	if len(parts) > 0 {
		w.WriteString("\nand findings that are not in this table: " + strings.Join(parts, ", ") + "\n")
	}
}

// cell writes a text of somebody else's as code in a cell of a table of Markdown, cut to its
// length.
func cell(text string) string {
	if text == "" {
		return ""
	}
	return cellCode(atMost(text, longestCell))
}

// cells puts names into a cell of a table of Markdown, behind what stands there, each in code.
func cells(names []string) string { return strings.ReplaceAll(codes(names), "|", `\|`) }

// codes puts names behind something in Markdown, each in code, ten at most.
func codes(names []string) string {
	var b strings.Builder
	for _, name := range names[:min(len(names), 10)] {
		b.WriteString(" " + code(atMost(name, 64)))
	}
	if len(names) > 10 {
		fmt.Fprintf(&b, " and %d more", len(names)-10)
	}
	return b.String()
}

// codeAt writes a place and a text behind it, both as Markdown's code.
func codeAt(at, text string) string {
	if at == "" {
		return code(atMost(text, longestCell))
	}
	return code(atMost(at, longestCell)) + " " + code(atMost(text, longestCell))
}

// fold writes a list that Markdown's reader opens by its title, as far as its budget goes.
func fold(w *bufio.Writer, title string, rows []string) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(w, "\n<details><summary>%s (%d)</summary>\n\n", title, len(rows))
	left := foldBytes - 2_000
	for i, row := range rows {
		if left -= len(row); left < 0 {
			fmt.Fprintf(w, "- and %d more\n", len(rows)-i)
			break
		}
		w.WriteString("- " + row + "\n")
	}
	w.WriteString("\n</details>\n")
}

// markdownSurvey ends the Markdown report with what was judged, and a folded list of what was
// not.
func markdownSurvey(w *bufio.Writer, s *diag.Survey) {
	if s == nil {
		return
	}
	var rows []string
	for _, n := range s.NotJudged {
		rows = append(rows, code(atMost(n.Text(), longestCell)))
	}
	fold(w, "What was not judged", rows)
	w.WriteString("\n<sub>judged: " + judged(s) + "</sub>\n")
}

// code writes a text as Markdown's code span, between more backticks than it holds.
func code(text string) string {
	text = terminal(text)
	fence := strings.Repeat("`", longestRun(text)+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + text + fence
}

// longestRun measures the longest row of backticks, which a fence of Markdown has to surpass.
func longestRun(text string) int {
	longest, run := 0, 0
	for _, r := range text {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// cellCode writes a text from somebody else's file as code in a cell of a table of Markdown.
func cellCode(text string) string { return strings.ReplaceAll(code(text), "|", `\|`) }

// fenced writes lines as a block of code of Markdown, between longer fences than they hold.
func fenced(lines []string, indent string) string {
	var b strings.Builder
	longest := 2
	for _, line := range lines {
		longest = max(longest, longestRun(line))
	}
	fence := strings.Repeat("`", longest+1)
	b.WriteString(indent + fence + "yaml\n")
	for _, line := range lines {
		b.WriteString(indent + terminal(line) + "\n")
	}
	b.WriteString(indent + fence + "\n")
	return b.String()
}
