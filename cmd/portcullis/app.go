package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"
)

// commands is the table of what the program can do. It points to every command, and no command
// points back: what they share lies in files that know none of them.
var commands = []func(*program) *cli.Command{
	initCommand,
	buildCommand,
	checkCommand,
	verifyCommand,
	pushCommand,
	pullCommand,
	explainCommand,
	mapCommand,
	diffCommand,
	testCommand,
	fmtCommand,
	schemaCommand,
	rulesCommand,
	ciCommand,
	completionCommand,
	versionCommand,
	helpCommand,
	completeCommand,
	manualCommand,
}

// run builds the application, arranges its command line and runs it: the program as a function of
// arguments, environment and streams.
func run(ctx context.Context, args []string, environ map[string]string, s streams) int {
	p := &program{streams: s, environ: environ}
	app := p.app()
	args, err := arrange(app, args)
	if err == nil {
		err = app.RunContext(ctx, append([]string{app.Name}, args...))
	}
	return p.exit(err)
}

// app builds the application of urfave/cli: all commands of the table, and the flags before them.
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
			return showProgram(c.App)
		},
	}
	for _, command := range commands {
		cmd := command(p)
		cmd.OnUsageError = onUsageError
		cmd.HideHelpCommand = true
		cmd.Before = p.checkFlags
		app.Commands = append(app.Commands, cmd)
	}
	return app
}

// onUsageError turns what the application of urfave/cli says against a command line into a usage
// error that names the help.
func onUsageError(c *cli.Context, err error, _ bool) error {
	return usageError{fmt.Errorf("%w (see portcullis %s --help)", err, c.Command.Name)}
}
