package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

// hiddenManual is the command with which a release gets its manual page.
const hiddenManual = "__man"

// manualCommand prints what help says of all commands as one page that man reads.
func manualCommand(*program) *cli.Command {
	return &cli.Command{
		Name:   hiddenManual,
		Hidden: true,
		Action: func(c *cli.Context) error {
			_, err := io.WriteString(c.App.Writer, manual(c.App))
			return err
		},
	}
}

// manual is the page. It names no date, for the same release has the same page.
func manual(app *cli.App) string {
	var m roff
	fmt.Fprintf(&m, ".TH PORTCULLIS 1 \"\" \"portcullis %s\" \"User Commands\"\n", roffText(version()))
	m.section("NAME", app.Name+` \- `+roffText(app.Usage))
	m.section("SYNOPSIS", roffBold(app.Name)+" COMMAND [flags] [arguments]")
	m.section("DESCRIPTION", roffText("The product goes to stdout, and what is for people to stderr. "+
		"A flag that is not given is taken from the variable PORTCULLIS_ and its name: PORTCULLIS_FAIL_ON=warning."))
	m.section("OPTIONS", "")
	m.flags(app.Flags)
	m.section("COMMANDS", "")
	for _, cmd := range app.VisibleCommands() {
		fmt.Fprintf(&m, ".SS %s\n%s\n", roffBold(app.Name+" "+cmd.Name+strings.TrimRight(" "+cmd.ArgsUsage, " ")), roffLine(roffText(cmd.Usage)+"."))
		for part := range strings.SplitSeq(cmd.Description, "\n") {
			if part != "" {
				fmt.Fprintf(&m, ".PP\n%s\n", roffLine(roffText(part)))
			}
		}
		m.flags(cmd.Flags)
	}
	m.section("EXIT STATUS", "")
	for _, exit := range [][2]string{
		{"0", "nothing stands against the result"}, {"1", "findings do"},
		{"2", "the input could not be judged"}, {"3", "the machine failed"},
	} {
		m.item(roffBold(exit[0]), exit[1])
	}
	return m.String()
}

// roff is text in the language of man pages.
type roff struct{ strings.Builder }

// section begins a section of the manual, with a text where there is one.
func (m *roff) section(title, text string) {
	fmt.Fprintf(m, ".SH %s\n", title)
	if text != "" {
		fmt.Fprintln(m, text)
	}
}

// flags writes the flags of a command into the manual.
func (m *roff) flags(flags []cli.Flag) {
	for _, row := range flagRows(flags) {
		m.item(roffBold(row[0]), row[1])
	}
}

// item writes a term of the manual, and what it means below it.
func (m *roff) item(left, right string) {
	fmt.Fprintf(m, ".TP\n%s\n%s\n", left, roffLine(roffText(right)))
}

// roffBold sets a text of the manual in bold.
func roffBold(text string) string { return `\fB` + roffText(text) + `\fR` }

// roffText is text that means itself: no backslash begins an escape, and a dash stays the one
// that people type.
func roffText(text string) string {
	return strings.NewReplacer(`\`, `\e`, `-`, `\-`, "\n", " ").Replace(text)
}

// roffLine is text that no request begins.
func roffLine(text string) string {
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		return `\&` + text
	}
	return text
}
