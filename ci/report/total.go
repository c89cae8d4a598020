package report

import (
	"fmt"
	"strings"

	"portcullis.dev/policies/diag"
)

// total is how many findings there are: of the kinds that are shown, and of how many where
// some are not.
func total(shown, all diag.List, o Options) string {
	standing, waived := split(shown)
	everything, accepted := split(all)
	s := summarize(standing)
	var parts []string
	for _, c := range []struct {
		n         int
		one, many string
	}{{s.Errors, "error", "errors"}, {s.Warnings, "warning", "warnings"}, {s.Infos, "info", "infos"}} {
		if c.n > 0 {
			parts = append(parts, counted(c.n, c.one, c.many))
		}
	}
	text := strings.Join(parts, ", ")
	switch n := len(standing); {
	case o.Narrow.asks() && len(everything)+len(accepted) > 0:
		text = join(": ", fmt.Sprintf("%d of %s", n, counted(len(everything), "finding", "findings")), text)
	case n > fewFindings && !o.Full:
		text = fmt.Sprintf("%d findings: %s", n, text)
	case n == 0 && len(waived) == 0:
		return "no findings\n"
	}
	return exceptions(text, waived)
}

// exceptions ends a total with what was accepted: by whom and until when, in one line for all
// of one waiver.
func exceptions(text string, waived diag.List) string {
	if len(waived) == 0 {
		return text + "\n"
	}
	number := map[string]int{}
	for _, d := range waived {
		number[d.Rule.Code+" "+join(" until ", d.WaivedBy, d.WaivedUntil)]++
	}
	var items []string
	for _, name := range diag.SortedKeys(number) {
		items = append(items, terminal(fmt.Sprintf("%d %s", number[name], name)))
	}
	text = join(". ", text, fmt.Sprintf("%d waived:", len(waived)))
	if line := text + " " + strings.Join(items, ", "); columns(line) <= pageWidth {
		return line + "\n"
	}
	return text + "\n" + flow(items, 2)
}

// flow writes items, commas between them, in indented lines that break at none but commas.
func flow(items []string, indent int) string {
	var b strings.Builder
	column := 0
	for i, item := range items {
		if i < len(items)-1 {
			item += ","
		}
		switch n := columns(item); {
		case column == 0:
			b.WriteString(strings.Repeat(" ", indent))
			column = indent + n
		case column+1+n > pageWidth:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent + n
		default:
			b.WriteByte(' ')
			column += 1 + n
		}
		b.WriteString(item)
	}
	return b.String() + "\n"
}
