package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"portcullis.dev/compiler"
	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
)

// testCommand describes the command test: flags, help text and what it runs.
func testCommand(p *program) *cli.Command {
	var wishes reporting
	var timeout time.Duration
	return &cli.Command{
		Name:      "test",
		Usage:     "run the tests of intents and of rules of your own, and say how each came out",
		ArgsUsage: "[DIR]",
		Description: "Compiles the intents below DIR as build does, by default in the directory of the nearest " +
			"portcullis.yaml, and holds the tests of intents and Platform against what was rendered, in every " +
			"environment. Tests of rules of your own, in files that end in _test.rego, run as well, and it says " +
			"which lines of the rules none reaches. What rules find in the policies is for check.",
		Flags:  append([]cli.Flag{timeoutFlag(&timeout)}, reportFlags(&wishes)...),
		Action: func(c *cli.Context) error { return p.test(c, wishes, timeout) },
	}
}

// test runs the tests of intents and of rules in Rego, and reports how each came out.
func (p *program) test(c *cli.Context, wishes reporting, timeout time.Duration) error {
	if c.NArg() > 1 {
		return usageError{fmt.Errorf("test takes one directory, found %d arguments", c.NArg())}
	}
	dir, err := repository(c.Args().First())
	if err != nil {
		return err
	}
	tested, err := over(c.Context, p, dir, timeout, "testing", func(ctx context.Context, files []language.File, found diag.List) (diag.Report, error) {
		return compiler.Options{Child: p.child(ctx)}.Test(ctx, files, found)
	})
	if err != nil {
		return err
	}
	if err := p.write(wishes, under(dir, tested), p.out); err != nil {
		return err
	}
	return outcome(tested, wishes.failOn)
}
