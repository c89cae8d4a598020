package report

import (
	"fmt"
	"slices"
	"strings"

	"portcullis.dev/policies/diag"
)

// total says in a report's last line how many findings there are: of the kinds that are shown,
// and of how many where some are not.
func total(shown, all diag.List, o Options) string {
	standing, accepted := split(shown)
	everything, others := split(all)
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
	case o.Narrow.asks() && len(everything)+len(others) > 0:
		text = join(": ", fmt.Sprintf("%d of %s", n, counted(len(everything), "finding", "findings")), text)
	case n > fewFindings && !o.Full:
		text = fmt.Sprintf("%d findings: %s", n, text)
	case n == 0 && len(accepted) == 0:
		return "no findings\n"
	case n == 0 && slices.ContainsFunc(accepted, isKnown):
		text = "no new findings"
	}
	if o.Mendable > 0 && !o.Narrow.asks() {
		text = join(". ", text, fmt.Sprintf("%d of them by --fix", o.Mendable))
	}
	return exceptions(text, accepted)
}

// isKnown reports whether a finding counts as known of a baseline, and not as waived, in a total.
func isKnown(d diag.Diagnostic) bool { return d.WaivedBy == "" && d.KnownBy != "" }

// exceptions ends a total with what was accepted: by whom and until when, in one line for all of
// one waiver; and what is known of a baseline, in a line of its own.
func exceptions(text string, accepted diag.List) string {
	waived, known := map[string]int{}, map[string]map[string]int{}
	waivers := 0
	for _, d := range accepted {
		if !isKnown(d) {
			waived[d.Rule.Code+" "+join(" until ", d.WaivedBy, d.WaivedUntil)]++
			waivers++
			continue
		}
		if known[d.KnownBy] == nil {
			known[d.KnownBy] = map[string]int{}
		}
		known[d.KnownBy][d.Rule.Code]++
	}
	if text += "\n"; waivers > 0 {
		text = itemized(join(". ", text[:len(text)-1], fmt.Sprintf("%d waived:", waivers)), waived)
	}
	if text == "\n" && len(known) > 0 {
		text = ""
	}
	for _, file := range diag.SortedKeys(known) {
		n := 0
		for _, of := range known[file] {
			n += of
		}
		text += itemized(terminal(counted(n, "known finding", "known findings")+" of "+file+":"), known[file])
	}
	return text
}

// itemized counts waivers or known rules behind the head of a total: in its line, or in lines
// below it.
func itemized(head string, number map[string]int) string {
	var items []string
	for _, name := range diag.SortedKeys(number) {
		items = append(items, terminal(fmt.Sprintf("%d %s", number[name], name)))
	}
	if line := head + " " + strings.Join(items, ", "); columns(line) <= pageWidth {
		return line + "\n"
	}
	return head + "\n" + flow(items, 2)
}

// summary counts findings. A waived one counts as waived alone, and a known one as known.
type summary struct {
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
	Infos    int `json:"infos"`
	Waived   int `json:"waived"`
	Known    int `json:"known,omitempty"`
}

// summarize counts findings by severity, for the total; those waived or known apart.
func summarize(findings diag.List) summary {
	var s summary
	for _, d := range findings {
		switch {
		case d.WaivedBy != "":
			s.Waived++
		case d.KnownBy != "":
			s.Known++
		case d.Severity == diag.Error:
			s.Errors++
		case d.Severity == diag.Warning:
			s.Warnings++
		default:
			s.Infos++
		}
	}
	return s
}
