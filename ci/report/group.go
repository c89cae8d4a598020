package report

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"portcullis.dev/policies/diag"
)

// What is told one by one, as it always was: reports and groups that people read to their end.
const (
	fewFindings = 10 // of a report
	fewPlaces   = 3  // of a group
)

// group are findings of one rule and severity that one change would mend, or that each have a
// cause of their own; in order of place.
type group diag.List

// groupsOf sorts findings into groups: the gravest first, then the largest. Of a report that
// people read to its end, each cause is a group.
func groupsOf(findings diag.List) []group {
	groups := gather(findings, func(d diag.Diagnostic) string { return d.Cause })
	if len(findings) > fewFindings {
		groups = pooled(groups)
	}
	slices.SortStableFunc(groups, func(a, b group) int {
		return cmp.Or(cmp.Compare(b[0].Severity, a[0].Severity), cmp.Compare(len(b), len(a)),
			cmp.Compare(a[0].Rule.Code, b[0].Rule.Code), cmp.Compare(a[0].Cause, b[0].Cause))
	})
	return groups
}

// gather puts findings of one rule and severity into a group if they have something in common.
func gather(findings diag.List, by func(diag.Diagnostic) string) []group {
	type key struct {
		code     string
		severity diag.Severity
		by       string
	}
	var groups []group
	index := map[key]int{}
	for _, d := range findings {
		k := key{d.Rule.Code, d.Severity, by(d)}
		i, known := index[k]
		if !known {
			i = len(groups)
			index[k] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], d)
	}
	return groups
}

// pooled puts small groups of a rule together where there are many: a remedy that names what to
// write is another one at each place.
func pooled(groups []group) []group {
	var few diag.List
	large := slices.DeleteFunc(slices.Clone(groups), func(g group) bool {
		if len(g) <= fewPlaces {
			few = append(few, g...)
		}
		return len(g) <= fewPlaces
	})
	for _, g := range gather(few.Sorted(), func(diag.Diagnostic) string { return "" }) {
		if len(g) <= fewPlaces {
			large = append(large, gather(diag.List(g), func(d diag.Diagnostic) string { return d.Cause })...)
		} else {
			large = append(large, g)
		}
	}
	return large
}

// common finds the value that all findings of the group have, if they have one.
func (g group) common(of func(diag.Diagnostic) string) (string, bool) {
	first := of(g[0])
	for _, d := range g[1:] {
		if of(d) != first {
			return "", false
		}
	}
	return first, true
}

// single takes the group apart into groups of one finding.
func (g group) single() []group {
	all := make([]group, len(g))
	for i := range g {
		all[i] = g[i : i+1]
	}
	return all
}

// says tells what is wrong, of all findings of the group: their message or, where they say it of
// different things, the rule's title.
func (g group) says() string {
	if message, one := g.common(func(d diag.Diagnostic) string { return d.Message }); one {
		return message
	}
	return clause(g[0].Rule.Title)
}

// clause puts a rule's title behind a colon, as a group's message: it begins small, unless its
// first word is in capitals.
func clause(title string) string {
	first, size := utf8.DecodeRuneInString(title)
	if second, _ := utf8.DecodeRuneInString(title[size:]); unicode.IsUpper(second) {
		return title
	}
	return string(unicode.ToLower(first)) + title[size:]
}

// help tells how to mend the findings of a group: in the words that they have in common, or in
// those of the rule.
func (g group) help() []string {
	hint, one := g.common(func(d diag.Diagnostic) string { return d.Hint })
	switch rule := g[0].Rule; {
	case one && hint != "":
		return lines(hint)
	case one:
		return lines(rule.Help())
	default:
		return []string{join(" ", rule.Mend, "--full prints what to write for each.")}
	}
}

// who names what a finding of a group is about, in few words; empty where nothing but its message
// says that.
func who(d diag.Diagnostic) string {
	if flow := d.Evidence[diag.FlowEvidence]; flow != "" {
		return flow
	}
	text := d.Evidence[diag.IntentEvidence]
	if id := d.Subject.Object; text == "" && !id.IsZero() {
		text = join("/", id.Namespace, id.Name)
	}
	if port := d.Evidence[diag.PortEvidence]; text != "" && port != "" {
		text += ":" + strings.ReplaceAll(port, ", ", ",")
	}
	return text
}

// split parts findings that stand, and are grouped, from those that somebody accepted.
func split(findings diag.List) (standing, accepted diag.List) {
	for _, d := range findings {
		if d.Stands() {
			standing = append(standing, d)
		} else {
			accepted = append(accepted, d)
		}
	}
	return standing, accepted
}
