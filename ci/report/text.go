package report

import (
	"bufio"
	"fmt"
	"strings"

	"portcullis.dev/policies/diag"
)

var textFormat = Format{
	Name:        "text",
	Description: "for people: findings with their source lines, why they are wrong and how to mend them, those of one cause together where there are many",
	write:       writeText,
}

// writeText writes a report for people at a terminal: tests, findings, the total and what was
// judged.
func writeText(w *bufio.Writer, r diag.Report, o Options) error {
	t := textWriter{
		Writer:  w,
		sources: sources{files: r.Sources, lines: map[string][]string{}},
	}
	if o.Color {
		t.palette = ansi
	}
	if o.Width > 0 {
		t.width = max(o.Width, narrowest)
	}
	if len(r.Tests)+len(r.Coverage) > 0 {
		t.tests(r)
		t.WriteByte('\n')
	}
	shown := o.Narrow.of(r.Findings)
	standing, _ := split(shown)
	switch {
	case o.Full:
		t.findings(shown)
	case len(standing) <= fewFindings:
		t.findings(standing)
	default:
		t.grouped(standing)
	}
	t.WriteString(total(shown, r.Findings, o))
	if o.Judged {
		t.survey(r.Survey, o.NotJudged)
	}
	return nil // what a bufio.Writer could not write, its Flush tells
}

// palette holds the escape sequences that stand before a text; an empty one stands
// for no colour.
type palette struct {
	severity          map[diag.Severity]string
	place, code, rail string
	off               string
}

var ansi = palette{
	severity: map[diag.Severity]string{diag.Error: "\x1b[1;31m", diag.Warning: "\x1b[1;33m", diag.Info: "\x1b[1;36m"},
	place:    "\x1b[1m",
	code:     "\x1b[1m",
	rail:     "\x1b[34m",
	off:      "\x1b[0m",
}

type textWriter struct {
	*bufio.Writer
	sources sources
	palette palette
	width   int // 0 for no end
}

// paint puts a colour around text that is already inert.
func (t *textWriter) paint(color, text string) string {
	if color == "" {
		return text
	}
	return color + text + t.palette.off
}

// findings writes all findings as text, one after the other.
func (t *textWriter) findings(all diag.List) {
	for _, d := range all {
		t.finding(d)
	}
}

// finding writes a finding as text: headline, source line with carets, and its notes below a
// rail.
func (t *textWriter) finding(d diag.Diagnostic) {
	t.WriteString(t.headline(d) + "\n")
	margin := 1
	if line, ok := t.sources.line(d.Span.File, d.Span.Start.Line); ok {
		margin = len(fmt.Sprint(d.Span.Start.Line))
		s := cut(line, d.Span, window(t.width-margin-len(" | ")))
		t.rail(margin, "", "")
		t.rail(margin, fmt.Sprint(d.Span.Start.Line), s.text)
		t.rail(margin, "", t.paint(t.palette.severity[d.Severity], s.carets))
	}
	if !d.Span.IsZero() && !d.Subject.IsZero() {
		t.note(margin, "object", subject(d.Subject))
	}
	if d.WaivedBy != "" {
		t.note(margin, "waived by", join(" until ", d.WaivedBy, d.WaivedUntil))
	}
	if d.KnownBy != "" {
		t.note(margin, "known by", d.KnownBy)
	}
	t.note(margin, "why", lines(d.Why)...)
	for _, related := range d.Related {
		t.note(margin, "see", join(": ", place(related.Span, related.Subject), related.Message))
	}
	help := d.Hint
	if d.Why == "" && d.Hint == "" {
		help = d.Rule.Help()
	}
	t.note(margin, "help", lines(help)...)
	for _, edit := range d.Fix {
		t.note(margin, "fix", lines(describe(edit))...)
	}
	t.WriteByte('\n')
}

// headline writes the first line of a finding's text: place, severity, code and message.
func (t *textWriter) headline(d diag.Diagnostic) string {
	severity := d.Severity.String()
	switch {
	case d.WaivedBy != "":
		severity = "waived " + severity
	case d.KnownBy != "":
		severity = "known " + severity
	}
	code := terminal(d.Rule.Code)
	line := t.paint(t.palette.severity[d.Severity], severity) + " " + t.paint(t.palette.code, code) + ": "
	used := columns(severity) + columns(code) + len(" : ")
	if where := place(d.Span, d.Subject); where != "" {
		where = terminal(where + ":") // a file may be called ":"
		line = t.paint(t.palette.place, where) + " " + line
		used += columns(where) + len(" ")
	}
	message := terminal(d.Message) + environments(d.Environments)
	return line + t.wrap(message, used, headlineIndent)
}

// rail writes one line of a finding's source behind the rail, which holds the line's number.
func (t *textWriter) rail(margin int, number, text string) {
	rail := t.paint(t.palette.rail, fmt.Sprintf("%*s |", margin, number))
	if text != "" {
		rail += " " + text
	}
	t.WriteString(rail + "\n")
}

// note writes a labelled text under a finding, further lines of it under the first. The first
// line is prose; the others may be there to be copied, and stay whole.
func (t *textWriter) note(margin int, label string, text ...string) {
	rail := strings.Repeat(" ", margin+1) + "="
	indent := strings.Repeat(" ", len(rail)+len(label)+3)
	for i, line := range text {
		switch {
		case i == 0:
			t.WriteString(t.paint(t.palette.rail, rail) + " " + label + ": " + t.wrap(terminal(line), len(indent), len(indent)))
		case line != "":
			t.WriteString(indent + terminal(line))
		}
		t.WriteByte('\n')
	}
}

// describe writes a finding's fix as text: what to insert, delete or replace, and where.
func describe(e diag.Edit) string {
	switch {
	case e.Span.Start == e.Span.End:
		return fmt.Sprintf("insert at %s: %s", e.Span, e.NewText)
	case e.NewText == "":
		return fmt.Sprintf("delete %s-%d:%d", e.Span, e.Span.End.Line, e.Span.End.Column)
	default:
		return fmt.Sprintf("replace %s-%d:%d by: %s", e.Span, e.Span.End.Line, e.Span.End.Column, e.NewText)
	}
}
