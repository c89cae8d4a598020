// Package rules holds an example of every rule that the program has: a mistake, the
// same thing put right, and the report.
//
// Its invariant: what it gives out is what the tests hold the program to. It must
// not know how a rule is decided.
package rules

import (
	"embed"
	"regexp"
	"strings"
)

// The pattern takes in this file as well, so that it matches something whatever is
// beside it.
//
//go:embed *
var archives embed.FS

// headline is the first line of a finding.
var headline = regexp.MustCompile(`^(?:[^ ].* )?(?:error|warning|info) (PC[0-9]{3}): `)

// summary is the last line of a report.
var summary = regexp.MustCompile(`^[0-9]+ (errors?|warnings?|infos?|waived)([,.:]|$)`)

// Finding reads from a rule's example, an archive, what the program says about the mistake in it,
// as people read it; nothing where no archive can show the mistake.
func Finding(code string) string {
	data, err := archives.ReadFile(code + ".txtar")
	if err != nil {
		return ""
	}
	_, report, _ := strings.Cut(string(data), "\n-- want --\n")
	var b strings.Builder
	for line := range strings.Lines(report) {
		if strings.HasPrefix(line, "-- ") {
			break // the next file of the archive
		}
		match := headline.FindStringSubmatch(line)
		if b.Len() > 0 && (match != nil || summary.MatchString(strings.TrimSuffix(line, "\n"))) {
			break
		}
		if b.Len() > 0 || match != nil && match[1] == code {
			b.WriteString(line)
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}
