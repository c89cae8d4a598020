package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// TestManual: the page names every command and every flag that help does, and no line of it is
// a request to man that nobody meant.
func TestManual(t *testing.T) {
	t.Parallel()
	code, page, said := here(t.Context(), []string{hiddenManual}, nil)
	if code != exitOK || said != "" {
		t.Fatalf("exit %d: %s", code, said)
	}
	request := regexp.MustCompile(`^\.(TH PORTCULLIS 1 ""|SH [A-Z ]+$|SS \\fB|TP$|PP$)`)
	for text := range strings.SplitSeq(strings.TrimSuffix(page, "\n"), "\n") {
		if (strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'")) && !request.MatchString(text) {
			t.Errorf("man is asked for %q", text)
		}
	}
	app := (&program{}).app()
	_, commands, _ := strings.Cut(page, ".SH COMMANDS\n")
	sections := strings.Split(commands, ".SS ")[1:]
	if len(sections) != len(app.VisibleCommands()) {
		t.Fatalf("%d commands are told of, expected %d", len(sections), len(app.VisibleCommands()))
	}
	for i, cmd := range app.VisibleCommands() {
		parts := []string{roffBold("portcullis " + cmd.Name)[:len(`\fBportcullis `+cmd.Name)], roffLine(roffText(cmd.Usage))}
		for _, f := range slices.DeleteFunc(slices.Clone(cmd.Flags), func(f cli.Flag) bool { return f == cli.HelpFlag }) {
			parts = append(parts, roffText("--"+f.Names()[0]), roffText(strings.ReplaceAll(f.(cli.DocGenerationFlag).GetUsage(), "`", "")))
		}
		for _, part := range parts {
			if !strings.Contains(sections[i], part) {
				t.Errorf("of %s the page does not say %q", cmd.Name, part)
			}
		}
	}
}
