package main

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// TestHelp reads the help of every command, asked for in every way that there is: it is one
// text, nothing of the command is left out, and no line is wider than 80 columns.
func TestHelp(t *testing.T) {
	t.Parallel()
	app := (&program{}).app()
	for _, cmd := range append(slices.Clone(app.VisibleCommands()), nil) {
		name, ways := "the program", [][]string{{}, {"help"}, {"--help"}, {"-h"}, {"--version", "--help"}, {"-h=true"}}
		var parts []string
		flags := app.Flags
		switch {
		case cmd == nil:
			parts = []string{app.Usage, app.UsageText}
			for _, c := range app.VisibleCommands() {
				parts = append(parts, c.Name+" "+c.Usage)
			}
		default:
			name = cmd.Name
			ways = [][]string{
				{"help", name}, {name, "--help"}, {name, "-h"}, {name, ".", "--help"}, {name, "-help", "."},
				{name, "argocd", "--help"}, {name, "a", "b", "c", "-h", "d"}, {name, "--help", "--", "--bogus"},
			}
			parts = []string{name + " - " + cmd.Usage, cmd.ArgsUsage, cmd.Description}
			flags = append(slices.Clone(cmd.Flags), cli.HelpFlag)
		}
		for _, f := range flags {
			d := f.(cli.DocGenerationFlag)
			parts = append(parts, "--"+f.Names()[0], strings.ReplaceAll(d.GetUsage(), "`", ""))
			if d.TakesValue() { // nothing else is asked of the flag for help, into which every program writes as it begins
				if text := d.GetDefaultText(); text != "" {
					parts = append(parts, strings.ReplaceAll(d.GetUsage(), "`", "")+" (default: "+text+")")
				}
			}
			for _, alias := range f.Names()[1:] {
				parts = append(parts, "-"+alias+", --"+f.Names()[0])
			}
		}
		var first string
		for i, args := range ways {
			code, stdout, stderr := here(t.Context(), args, nil)
			if code != exitOK || stderr != "" {
				t.Errorf("%q: exit %d: %s", args, code, stderr)
			}
			if i == 0 {
				first = stdout
			}
			if stdout != first {
				t.Errorf("%q differs from %q:\n%s", args, ways[0], stdout)
			}
		}
		for line := range strings.Lines(first) {
			if line = strings.TrimSuffix(line, "\n"); utf8.RuneCountInString(line) > 80 || strings.TrimRight(line, " ") != line {
				t.Errorf("%s: a line of %d columns: %q", name, utf8.RuneCountInString(line), line)
			}
		}
		spoken := oneLine(first)
		for _, part := range parts {
			if !strings.Contains(spoken, oneLine(part)) {
				t.Errorf("%s: the help does not say %q:\n%s", name, part, first)
			}
		}
	}
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// TestNoHelp is where the flag for help asks for none: it is an argument, or a value, or false,
// or stands beside a mistake.
func TestNoHelp(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"ci -- --help":          `there are no files for "--help"`,
		"ci --help=false none":  `there are no files for "none"`,
		"ci --help=maybe":       "--help: expected true or false",
		"build --out --help x":  "x: no such file or directory",
		"ci --bogus --help":     "ci has no flag --bogus",
		"biuld --help":          `there is no command "biuld"`,
		"--bogus --help":        "there is no flag --bogus",
		"help biuld --help=0":   `there is no command "biuld"; did you mean build?`,
		"version please --help": "",
	} {
		code, stdout, stderr := here(t.Context(), strings.Fields(line), nil)
		switch {
		case want == "":
			if code != exitOK || stderr != "" || !strings.HasPrefix(stdout, "NAME:") {
				t.Errorf("%s: exit %d: %s%s", line, code, stdout, stderr)
			}
		case code != exitInput || stdout != "" || !strings.Contains(stderr, want):
			t.Errorf("%s: exit %d, expected %q: %s%s", line, code, want, stdout, stderr)
		}
	}
}

// TestTable gives a row that is too wide for its column a line of its own.
func TestTable(t *testing.T) {
	t.Parallel()
	var p page
	p.table("T", [][2]string{{"--a", "one"}, {strings.Repeat("w", widestLeft+1), "two"}})
	want := "T:\n   --a  one\n   " + strings.Repeat("w", widestLeft+1) + "\n        two\n"
	if p.String() != want {
		t.Errorf("%q, expected %q", p.String(), want)
	}
}
