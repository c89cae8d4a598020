package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"portcullis.dev/compiler"
	"portcullis.dev/compiler/intent"
	"portcullis.dev/policies/diag"
)

func checkCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "judge intents, or manifests that somebody else wrote, without emitting anything",
		ArgsUsage: "[PATH…|-]",
		Description: "PATH is a directory with a portcullis.yaml, which is judged as build judges it, or directories and\n" +
			"files with manifests, which are judged by the same rules; - reads manifests from stdin. Without a\n" +
			"PATH it judges the directory of the nearest portcullis.yaml, searched upward to the Git root.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "effective-time", Usage: "judge waivers and last days as at this `TIME`: a day such as 2026-12-01, or RFC 3339; now by default"},
			timeoutFlag(),
		}, reportFlags()...),
		Action: p.check,
	}
}

func (p *program) check(c *cli.Context) error {
	wishes, err := reportingOf(c)
	if err != nil {
		return err
	}
	now, err := effectiveTime(c.String("effective-time"))
	if err != nil {
		return err
	}
	built, err := p.judge(c, compiler.Options{EffectiveTime: now})
	if err != nil {
		return err
	}
	if err := p.write(wishes, built, p.out); err != nil {
		return err
	}
	return outcome(built, wishes.failOn)
}

func (p *program) judge(c *cli.Context, o compiler.Options) (diag.Report, error) {
	paths := c.Args().Slice()
	if len(paths) == 0 || len(paths) == 1 && isRepository(paths[0]) {
		dir, err := repository(c.Args().First())
		if err != nil {
			return diag.Report{}, err
		}
		built, err := p.compile(c, dir, o)
		if err != nil {
			return diag.Report{}, err
		}
		return under(dir, built.Report), nil
	}
	var files []intent.File
	var found diag.List
	for _, name := range paths {
		more, f, err := p.readManifests(name)
		if err != nil {
			return diag.Report{}, inputError(err)
		}
		files = append(files, more...)
		found = append(found, f...)
	}
	defer p.progress("judging")()
	built, err := within(c.Context, c.Duration("timeout"), func(ctx context.Context) (*compiler.Built, error) {
		return compiler.Check(ctx, files, found)
	})
	if err != nil {
		return diag.Report{}, err
	}
	return built.Report, nil
}

// effectiveTime is when a check takes place. A day is all of it: what ends on it has
// not ended.
func effectiveTime(given string) (time.Time, error) {
	if given == "" {
		return time.Now(), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, given); err == nil && at.Year() >= 2000 {
			return at, nil
		}
	}
	return time.Time{}, usageError{fmt.Errorf("--effective-time: expected a day such as 2026-12-01, or a time such as 2026-12-01T09:30:00Z, found %q", given)}
}
