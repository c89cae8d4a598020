package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"portcullis.dev/policies/diag"
)

// The exit codes. Of several that apply, the highest wins.
const (
	exitOK       = 0 // nothing stands against the result
	exitFindings = 1 // an unwaived finding of severity error
	exitInput    = 2 // the input could not be judged, or the command line not understood
	exitMachine  = 3 // the machine failed
)

// streams are where the program reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// program is what commands need of the world around them.
type program struct {
	streams
	environ map[string]string

	children sync.WaitGroup // processes that render components
	ended    ended          // those that did not come to their own end
}

// commands is the table of what the program can do.
var commands = []func(*program) *cli.Command{
	initCommand,
	buildCommand,
	checkCommand,
	explainCommand,
	testCommand,
	fmtCommand,
	schemaCommand,
	rulesCommand,
	ciCommand,
	completionCommand,
	versionCommand,
	helpCommand,
	completeCommand,
}

// usageError is a command line that cannot be understood.
type usageError struct{ error }

// findings is the outcome of a run whose report holds against its input.
type findings struct{ code int }

func (f findings) Error() string { return fmt.Sprintf("exit %d", f.code) }

// run is the program as a function of its inputs.
func run(ctx context.Context, args []string, environ map[string]string, s streams) int {
	p := &program{streams: s, environ: environ}
	app := p.app()
	args, err := arrange(app, args)
	if err == nil {
		err = app.RunContext(ctx, append([]string{app.Name}, args...))
	}
	return p.exit(err)
}

func (p *program) exit(err error) int {
	var usage usageError
	var found findings
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &found):
		return found.code
	case errors.As(err, &usage):
		fmt.Fprintf(p.err, "portcullis: %v\n", err)
		return exitInput
	default:
		fmt.Fprintf(p.err, "portcullis: %v\n", err)
		return exitMachine
	}
}

func (p *program) app() *cli.App {
	app := &cli.App{
		Name:            "portcullis",
		Usage:           "compile network intent into Kubernetes and Calico policy that allows exactly it",
		UsageText:       "portcullis COMMAND [flags] [arguments]",
		Writer:          p.out,
		ErrWriter:       p.err,
		HideVersion:     true,
		HideHelpCommand: true,
		ExitErrHandler:  func(*cli.Context, error) {}, // run decides
		OnUsageError:    onUsageError,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "version", Usage: "print the version of the program", DisableDefaultText: true},
			cli.HelpFlag, // which urfave/cli leaves out where a command is called help
		},
		Action: func(c *cli.Context) error {
			if c.Bool("version") {
				return p.printVersion()
			}
			return cli.ShowAppHelp(c)
		},
	}
	for _, command := range commands {
		cmd := command(p)
		cmd.OnUsageError = onUsageError
		cmd.HideHelpCommand = true
		cmd.Before = p.fromEnvironment
		app.Commands = append(app.Commands, cmd)
	}
	return app
}

func onUsageError(c *cli.Context, err error, _ bool) error {
	return usageError{fmt.Errorf("%w (see portcullis %s --help)", err, c.Command.Name)}
}

// fromEnvironment fills flags that were not given from PORTCULLIS_<FLAG>.
func (p *program) fromEnvironment(c *cli.Context) error {
	for _, f := range c.Command.Flags {
		name := f.Names()[0]
		variable := "PORTCULLIS_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		value, given := p.environ[variable]
		if !given || c.IsSet(name) {
			continue
		}
		if err := c.Set(name, value); err != nil {
			return usageError{fmt.Errorf("%s: %w", variable, err)}
		}
	}
	return nil
}

// outcome is the exit code that a report asks for.
func outcome(report diag.Report, failOn diag.Severity) error {
	if report.Findings.Unjudgeable() {
		return findings{exitInput}
	}
	if worst := report.Findings.Worst(); worst >= failOn && worst > 0 {
		return findings{exitFindings}
	}
	return nil
}
