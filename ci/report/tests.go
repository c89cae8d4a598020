package report

import (
	"fmt"
	"strings"

	"portcullis.dev/policies/diag"
)

// tests lists how each test came out, and what tests of rules leave out. It stands before the
// findings, so that these are what people see last.
func (t *textWriter) tests(r diag.Report) {
	for _, test := range r.Tests {
		outcome := string(test.Outcome)
		if test.Outcome == diag.Failed {
			outcome = t.paint(t.palette.severity[diag.Error], outcome)
		}
		fmt.Fprintf(t, "%s %s: %s%s\n", t.paint(t.palette.place, terminal(test.Span.String()+":")), outcome, terminal(test.Name), environments(test.Environments))
	}
	for _, c := range r.Coverage {
		fmt.Fprintf(t, "%s tests reach %d of %d lines (%d %%)", t.paint(t.palette.place, terminal(c.File+":")), len(c.Covered), len(c.Covered)+len(c.Missed), c.Percent())
		if len(c.Missed) > 0 {
			t.WriteString(", not " + ranges(c.Missed))
		}
		t.WriteByte('\n')
	}
	t.testTotal(r.Tests)
}

// testTotal counts the tests by outcome, where there are any.
func (t *textWriter) testTotal(tests []diag.Test) {
	number := map[diag.Outcome]int{}
	for _, test := range tests {
		number[test.Outcome]++
	}
	var parts []string
	for _, o := range diag.Outcomes {
		if n := number[o]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, o))
		}
	}
	if len(parts) > 0 {
		t.WriteString("tests: " + strings.Join(parts, ", ") + "\n")
	}
}

// ranges writes the lines that tests do not reach, those in a row as one: 3, 5-7.
func ranges(lines []int) string {
	var parts []string
	for len(lines) > 0 {
		n := 1
		for n < len(lines) && lines[n] == lines[0]+n {
			n++
		}
		part := fmt.Sprint(lines[0])
		if n > 1 {
			part = fmt.Sprintf("%d-%d", lines[0], lines[n-1])
		}
		parts, lines = append(parts, part), lines[n:]
	}
	return strings.Join(parts, ", ")
}
