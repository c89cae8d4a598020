package report

import (
	"fmt"
	"strings"

	"portcullis.dev/policies/diag"
)

// shownPlaces is how many places of a large group are shown.
const shownPlaces = 2

// grouped tells many findings as text: groups of few as they are, of others what they have in
// common and where the first are; and at last how many there are of each rule.
func (t *textWriter) grouped(findings diag.List) {
	for _, g := range groupsOf(findings) {
		if len(g) <= fewPlaces {
			for _, d := range g {
				t.finding(d)
			}
			continue
		}
		t.group(g)
	}
	t.codes(findings)
}

// group writes a large group as text: one headline, the common cause, where the first findings
// are, and the help.
func (t *textWriter) group(g group) {
	page := t.page()
	severity, code := g[0].Severity.String(), g[0].Rule.Code
	says := terminal(g.says())
	t.WriteString(t.paint(t.palette.severity[g[0].Severity], severity) + " " + t.paint(t.palette.code, terminal(code)) + ": " +
		page.wrap(fmt.Sprintf("%s — %d places", says, len(g)), len(severity)+len(code)+len(" : "), headlineIndent) + "\n")
	cause, one := g.common(func(d diag.Diagnostic) string { return d.Cause })
	if one && cause != g[0].Remedy() && !strings.Contains(says, terminal(cause)) {
		t.label("cause", cause)
	}
	t.places(g[:shownPlaces], g, page)
	fmt.Fprintf(t, "    and %d more\n", len(g)-shownPlaces)
	t.label("help", g.help()...)
	t.WriteByte('\n')
}

// places writes rows of what the first findings of a group are about, where, and in which
// environments; where that tells nothing, the place and what is said there.
func (t *textWriter) places(g, all group, page *textWriter) {
	_, alike := all.common(func(d diag.Diagnostic) string { return d.Message })
	about := who
	if _, one := all.common(who); one && !alike { // what differs tells more
		about = func(diag.Diagnostic) string { return "" }
	}
	left, right := 0, 0
	for _, d := range g {
		left, right = max(left, columns(terminal(about(d)))), max(right, columns(terminal(place(d.Span, d.Subject))))
	}
	for _, d := range g {
		row, at := terminal(about(d)), terminal(place(d.Span, d.Subject))
		switch {
		case row == "" && alike:
			row = at
		case row == "":
			row = join("  ", at, terminal(d.Message))
		case left+right+len("      ") <= page.width:
			row += strings.Repeat(" ", left-columns(row)+2) + at
		default:
			row += "  " + at
		}
		t.WriteString("    " + page.wrap(row+environments(d.Environments), 4, 8) + "\n")
	}
}

// codes ends a text of groups with the number of each rule's findings: errors on the left, the
// others beside them.
func (t *textWriter) codes(findings diag.List) {
	type row struct {
		code     string
		severity diag.Severity
	}
	number, files := map[row]int{}, map[row]map[string]bool{}
	byCode := map[string]bool{}
	for _, d := range findings {
		r := row{d.Rule.Code, d.Severity}
		byCode[r.code] = true
		if number[r]++; files[r] == nil {
			files[r] = map[string]bool{}
		}
		if d.Span.File != "" {
			files[r][d.Span.File] = true
		}
	}
	var left, right []string
	for _, code := range diag.SortedKeys(byCode) {
		for _, severity := range []diag.Severity{diag.Error, diag.Warning, diag.Info} {
			r := row{code, severity}
			in := ""
			if n := len(files[r]); n > 0 {
				in = " in " + counted(n, "file", "files")
			}
			switch {
			case number[r] == 0:
			case severity == diag.Error:
				left = append(left, fmt.Sprintf("%s %-5s %4d%s", terminal(code), severity, number[r], in))
			default:
				right = append(right, fmt.Sprintf("%s %-7s %3d%s", terminal(code), severity, number[r], in))
			}
		}
	}
	if len(left) == 0 {
		left, right = right, nil
	}
	for i := range max(len(left), len(right)) {
		var cells [2]string
		if i < len(left) {
			cells[0] = left[i]
		}
		if i < len(right) {
			cells[1] = right[i]
		}
		t.WriteString(strings.TrimRight(fmt.Sprintf("  %-37s%s", cells[0], cells[1]), " ") + "\n")
	}
	t.WriteByte('\n')
}

// label writes the cause or the help of a group behind that word, further lines of it as they
// are.
func (t *textWriter) label(word string, text ...string) {
	indent := len(word) + len("  : ")
	for i, line := range text {
		if i == 0 {
			t.WriteString("  " + word + ": " + t.page().wrap(terminal(line), indent, indent))
		} else if line != "" {
			t.WriteString(strings.Repeat(" ", indent) + terminal(line))
		}
		t.WriteByte('\n')
	}
}
