package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"portcullis.dev/ci/report"
)

// helpCommand describes the command help, which shows the commands, or the flags of one.
func helpCommand(*program) *cli.Command {
	return &cli.Command{
		Name:      "help",
		Usage:     "show the commands, or the flags of one",
		ArgsUsage: "[COMMAND]",
		Action: func(c *cli.Context) error {
			switch name := c.Args().First(); {
			case c.NArg() > 1:
				return usageError{fmt.Errorf("help takes one command, found %d arguments", c.NArg())}
			case name == "":
				return showProgram(c.App)
			case c.App.Command(name) == nil:
				return noCommand(c.App, name)
			default:
				return showCommand(c.App, c.App.Command(name))
			}
		},
	}
}

// asksForHelp reports whether an argument is the flag for help, as every command has it.
func asksForHelp(arg string) bool {
	name, value, given := strings.Cut(arg, "=")
	f, ok := flagOf(nil, name)
	yes, _ := strconv.ParseBool(value)
	return ok && f == cli.HelpFlag && strings.HasPrefix(arg, "-") && (!given || yes)
}

// showProgram writes the help of the program: all commands, and its own flags.
func showProgram(app *cli.App) error {
	var commands [][2]string
	for _, cmd := range app.VisibleCommands() {
		commands = append(commands, [2]string{cmd.Name, cmd.Usage})
	}
	var p page
	p.section("NAME", app.Name+" - "+app.Usage)
	p.section("USAGE", app.UsageText)
	p.table("COMMANDS", commands)
	p.table("GLOBAL OPTIONS", flagRows(app.Flags))
	return p.write(app.Writer)
}

// showCommand writes the help of one command: usage, description and flags.
func showCommand(app *cli.App, cmd *cli.Command) error {
	name := app.Name + " " + cmd.Name
	var p page
	p.section("NAME", name+" - "+cmd.Usage)
	p.section("USAGE", strings.TrimRight(name+" [command options] "+cmd.ArgsUsage, " "))
	if cmd.Description != "" {
		p.section("DESCRIPTION", cmd.Description)
	}
	flags := cmd.Flags
	if !cmd.SkipFlagParsing && !hasHelp(flags) { // urfave/cli adds it as the command begins
		flags = append(flags[:len(flags):len(flags)], cli.HelpFlag)
	}
	p.table("OPTIONS", flagRows(flags))
	return p.write(app.Writer)
}

// hasHelp reports whether flags hold the flag for help already.
func hasHelp(flags []cli.Flag) bool {
	for _, f := range flags {
		if f == cli.HelpFlag {
			return true
		}
	}
	return false
}

// flagRows puts each flag into two columns of the help: how it is written, and what it does.
func flagRows(flags []cli.Flag) [][2]string {
	var rows [][2]string
	for _, f := range flags {
		d, ok := f.(cli.DocGenerationFlag)
		if !ok {
			continue
		}
		usage := d.GetUsage()
		_, value, _ := strings.Cut(usage, "`")
		value, _, named := strings.Cut(value, "`")
		left := ""
		for _, alias := range f.Names()[1:] {
			left += "-" + alias + ", "
		}
		left += "--" + f.Names()[0]
		if named {
			left += " " + value
		}
		right := strings.ReplaceAll(usage, "`", "")
		if text := d.GetDefaultText(); d.TakesValue() && text != "" {
			right += " (default: " + text + ")"
		}
		rows = append(rows, [2]string{left, right})
	}
	return rows
}

// page is a text for people, as wide as every terminal.
type page struct{ strings.Builder }

const (
	pageColumns = 80
	pageIndent  = 3
	widestLeft  = 26 // what is wider in a table has a line of its own
)

// head begins a part of a page of help by its title.
func (p *page) head(title string) {
	if p.Len() > 0 {
		p.WriteByte('\n')
	}
	p.WriteString(title + ":\n")
}

// section writes prose of a page of help, each line of it broken where it is too long.
func (p *page) section(title, text string) {
	p.head(title)
	for line := range strings.SplitSeq(text, "\n") {
		for part := range strings.SplitSeq(report.Wrap(line, pageColumns-pageIndent), "\n") {
			p.WriteString(strings.TrimRight(strings.Repeat(" ", pageIndent)+part, " ") + "\n")
		}
	}
}

// table writes two columns of a page of help, of which the second is broken.
func (p *page) table(title string, rows [][2]string) {
	p.head(title)
	left := 0
	for _, r := range rows {
		if len(r[0]) <= widestLeft {
			left = max(left, len(r[0]))
		}
	}
	for _, r := range rows {
		name := r[0]
		if len(name) > left {
			p.WriteString(strings.Repeat(" ", pageIndent) + name + "\n")
			name = ""
		}
		for part := range strings.SplitSeq(report.Wrap(r[1], pageColumns-pageIndent-left-2), "\n") {
			fmt.Fprintf(p, "%*s%-*s  %s\n", pageIndent, "", left, name, part)
			name = ""
		}
	}
}

// write sends a page of help to a stream.
func (p *page) write(w io.Writer) error {
	_, err := io.WriteString(w, p.String())
	return err
}
