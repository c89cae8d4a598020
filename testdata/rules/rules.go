// Package rules holds an example of every rule that the program has: a mistake, the
// same thing put right, and the report.
//
// Its invariant: what it gives out is what the tests hold the program to. It must
// not know how a rule is decided.
package rules

import (
	"embed"
	"strings"
)

// The pattern takes in this file as well, so that it matches something whatever is
// beside it.
//
//go:embed *
var archives embed.FS

// Finding is what the program says about the mistake in a rule's example, as people
// read it, or nothing where no archive can show the mistake.
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
		switch headline := line[0] != ' ' && line[0] != '\n'; {
		case headline && b.Len() > 0:
			return strings.TrimRight(b.String(), "\n") + "\n"
		case b.Len() > 0 || headline && strings.Contains(line, " "+code+": "):
			b.WriteString(line)
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}
