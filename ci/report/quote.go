package report

import (
	"fmt"

	"portcullis.dev/policies/diag"
)

// Quote quotes a place as findings show it: where it is, and its source line with carets below.
// The lines are inert. Of a file that is not among the sources, or a span without a line, there
// is the place alone.
func Quote(files map[string][]byte, span diag.Span) []string {
	quoted := []string{terminal(span.String())}
	s := sources{files: files, lines: map[string][]string{}}
	text, ok := s.line(span.File, span.Start.Line)
	if !ok {
		return quoted
	}
	shown := cut(text, span, windowWidth)
	number := fmt.Sprint(span.Start.Line)
	return append(quoted,
		fmt.Sprintf("%*s |", len(number), ""),
		number+" | "+shown.text,
		fmt.Sprintf("%*s | ", len(number), "")+shown.carets)
}
