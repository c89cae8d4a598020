package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"portcullis.dev/compiler"
	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
)

// checking is what check is asked for.
type checking struct {
	reporting
	at      time.Time // zero for now
	timeout time.Duration
	exclude []string // patterns of paths
	cluster clusterSaid
	adopting
	instead texts // of files, what is judged in place of what they hold
}

// checkCommand describes the command check: flags, help text and what it runs.
func checkCommand(p *program) *cli.Command {
	var asked checking
	return &cli.Command{
		Name:      "check",
		Usage:     "judge intents, or manifests that somebody else wrote, without emitting anything",
		ArgsUsage: "[PATH…|-]",
		Description: "PATH is a directory with a portcullis.yaml and intents, which is judged as build judges it, or " +
			"directories and files with manifests, which are judged by the same rules; - reads manifests from stdin. " +
			"A Platform among manifests, without an intent, describes their cluster; a Waiver names object, peer and " +
			"port. Without a PATH it judges the directory of the nearest portcullis.yaml, searched upward to the Git root.",
		Flags: append([]cli.Flag{
			effectiveTimeFlag(&asked.at),
			&typedList[string]{
				StringSliceFlag: cli.StringSliceFlag{Name: "exclude", Usage: "leave out the files and directories that match `GLOB`, a path with *, and ** for any directories; may be repeated"},
				parse:           parseGlob, into: &asked.exclude,
			},
			&cli.StringSliceFlag{Name: "ignore-kind", Usage: "leave out manifests of `KIND`, or KIND.GROUP; may be repeated"},
			&cli.BoolFlag{Name: "allow-empty", Usage: "that there is nothing to judge is no failure"},
			cacheFlag(),
			timeoutFlag(&asked.timeout),
			notJudgedFlag(&asked.reporting),
		}, slices.Concat(adoptFlags(&asked.adopting), clusterFlags(&asked.cluster), reportFlags(&asked.reporting))...),
		Action: func(c *cli.Context) error { return p.check(c, asked) },
	}
}

// check judges intents or manifests, mends what is asked for, and reports what was found.
func (p *program) check(c *cli.Context, asked checking) error {
	if asked.at.IsZero() {
		asked.at = time.Now()
	}
	if err := asked.adopting.refuse(c); err != nil {
		return err
	}
	judged, err := p.judge(c, asked)
	if err != nil {
		return err
	}
	to := p.out
	if asked.fix || asked.diff {
		mended, after, err := p.mend(c, asked, judged)
		if err != nil {
			return err
		}
		if asked.diff {
			to = p.err
			err = p.showMended(mended)
		} else {
			judged, err = after, p.writeMended(mended)
		}
		if err != nil {
			return err
		}
	}
	p.assume(judged.Report.Assumptions)
	asked.reporting.judged, asked.reporting.mendable = true, judged.mendable()
	if err := p.write(asked.reporting, judged.Report, to); err != nil {
		return err
	}
	if err := p.writeBaseline(asked.adopting, judged); err != nil {
		return err
	}
	return outcome(judged.Report, asked.failOn)
}

// judged is what a check came to.
type judged struct {
	diag.Report
	baseline []byte   // to be written, or nil
	asked    []string // the files and directories
}

// judge comes to what check reports: of a repository by a build, of manifests by the rules beside
// a known cluster.
func (p *program) judge(c *cli.Context, asked checking) (judged, error) {
	paths := c.Args().Slice()
	if len(paths) == 0 || len(paths) == 1 && p.holdsIntents(paths[0]) {
		if err := errors.Join(asked.cluster.refuse(), asked.adopting.forIntents()); err != nil {
			return judged{}, err
		}
		dir, err := repository(c.Args().First())
		if err != nil {
			return judged{}, err
		}
		kept, err := cacheOf(c, dir)
		if err != nil {
			return judged{}, err
		}
		built, err := over(c.Context, p, dir, asked.timeout, "compiling", func(ctx context.Context, files []language.File, found diag.List) (*compiler.Built, error) {
			o := compiler.Options{EffectiveTime: asked.at, Child: p.child(ctx), Cache: kept, Unemitted: true}
			return o.Build(ctx, asked.instead.of(dir, files), found)
		})
		if err != nil {
			return judged{}, err
		}
		p.unkept(c, built.Unkept)
		return judged{Report: under(dir, built.Report), asked: []string{dir}}, nil
	}
	shown, err := p.readAllManifests(paths)
	if err != nil {
		return judged{}, err
	}
	o, err := asked.cluster.options()
	if err != nil {
		return judged{}, err
	}
	if o.Baseline, err = asked.adopting.known(paths); err != nil {
		return judged{}, err
	}
	o.EffectiveTime = asked.at
	defer p.progress("judging")()
	o.AllowEmpty, o.Exclude, o.IgnoreKinds = c.Bool("allow-empty"), asked.exclude, c.StringSlice("ignore-kind")
	built, err := within(c.Context, asked.timeout, func(ctx context.Context) (*compiler.Built, error) {
		o.Child, o.Bases = p.child(ctx), shown.bases
		return o.Check(ctx, asked.instead.of("", shown.files), shown.found)
	})
	if err != nil {
		return judged{}, err
	}
	return judged{built.Report, built.Baseline, paths}, nil
}
