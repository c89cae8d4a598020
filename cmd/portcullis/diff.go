package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"portcullis.dev/ci/report"
	"portcullis.dev/ci/revision"
	"portcullis.dev/compiler/delta"
	"portcullis.dev/policies/diag"
)

// diffFormats lists the names of the forms of a difference, the default first.
func diffFormats() []string {
	var names []string
	for _, f := range report.DiffFormats {
		names = append(names, f.Name)
	}
	return names
}

// diffSink is a form of a difference, and the file that it goes to; empty is stdout.
type diffSink struct {
	format report.DiffFormat
	file   string
}

// parseDiffSink reads FORMAT or FORMAT=FILE, the form of a difference and where it goes.
func parseDiffSink(text string) (diffSink, error) {
	name, file, named := strings.Cut(text, "=")
	f, err := report.LookupDiff(name)
	if err == nil && named && file == "" {
		err = fmt.Errorf("%q names no file: write %s=FILE, or %s for stdout", text, name, name)
	}
	return diffSink{f, file}, err
}

// diffing is what the command line asks for.
type diffing struct {
	sinks   []diffSink
	risks   []string // tags and levels that fail the run
	colour  colour
	timeout time.Duration
	cluster clusterSaid
}

// parseRisks reads tags and levels of the risks by which diff fails the run, separated by commas.
func parseRisks(text string) (string, error) {
	for word := range strings.SplitSeq(text, ",") {
		known := slices.Contains(delta.Levels, delta.Level(word)) || slices.ContainsFunc(delta.Risks, func(t delta.Tag) bool { return t.Tag == word })
		if !known {
			var tags []string
			for _, t := range delta.Risks {
				tags = append(tags, t.Tag)
			}
			hint := "the levels are " + either(words(delta.Levels))
			if near := diag.Nearest(word, tags); near != "" {
				hint = "did you mean " + near + "?"
			}
			return "", fmt.Errorf("%q is no level and no tag of a risk; %s", word, hint)
		}
	}
	return text, nil
}

// diffCommand describes the command diff: flags, help text and what it runs.
func diffCommand(p *program) *cli.Command {
	var asked diffing
	return &cli.Command{
		Name:      "diff",
		Usage:     "say what traffic a change opens and closes, and how risky that is",
		ArgsUsage: "OLD [NEW]",
		Description: "OLD and NEW are revisions of Git, or directories, bundles or files of manifests, which are named " +
			"with a slash (./old). Without NEW it is what is on the disk. A revision is read from Git's objects: " +
			"the work tree is neither read nor touched. Where neither side is a repository of intents, manifests " +
			"are compared. Both sides are judged by the program's own rules; rules " +
			"of the repository are not run. A difference is no failure unless it is asked for.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "dir", Usage: "the `DIRECTORY` of the portcullis.yaml, or of the manifests, in the repository; by default that of the nearest portcullis.yaml, or the current one"},
			&typedList[diffSink]{
				StringSliceFlag: cli.StringSliceFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the difference as `FORMAT[=FILE]`: " + strings.Join(diffFormats(), ", ") + "; may be given several times"},
				parse:           parseDiffSink, closed: diffFormats(), into: &asked.sinks,
			},
			&cli.BoolFlag{Name: "exit-code", Usage: "exit with 1 if any traffic is treated otherwise", DisableDefaultText: true},
			&typedList[string]{
				StringSliceFlag: cli.StringSliceFlag{Name: "fail-on-risk", Usage: "exit with 1 if there is such a `RISK`: high, medium (or worse), low, or a tag; may be repeated"},
				parse:           parseRisks, into: &asked.risks,
			},
			&cli.StringFlag{Name: "link-base", Usage: "in Markdown: link lines below this `URL`, such as https://…/blob/SHA/"},
			&cli.StringFlag{Name: "key", Usage: "in Markdown: the `NAME` that tells several comments of one request apart"},
			colourFlag(&asked.colour),
			timeoutFlag(&asked.timeout),
		}, clusterFlags(&asked.cluster)...),
		Action: func(c *cli.Context) error { return p.diff(c, asked) },
	}
}

// compared is what both sides came to.
type compared struct {
	*delta.Diff
	reports [2]diag.Report
	dir     string // in which the files of the new side lie, from where the run is
}

// diff compares two states, writes the difference in every form asked for, and fails where that
// was asked for.
func (p *program) diff(c *cli.Context, asked diffing) error {
	if n := c.NArg(); n < 1 || n > 2 {
		return usageError{fmt.Errorf("diff takes OLD and NEW, found %d arguments; portcullis diff main compares the branch with what is on the disk", n)}
	}
	stop := p.progress("comparing")
	got, err := within(c.Context, asked.timeout, func(ctx context.Context) (compared, error) { return p.compare(ctx, c, asked) })
	err = p.timedOut(err)
	if stop(); err != nil {
		return err
	}
	if got.New.Failed > 0 || got.Old.Failed > 0 {
		rep := got.reports[1] // whoever changes something mends the new side
		if got.New.Failed == 0 {
			rep = got.reports[0]
		}
		if err := report.Write(p.err, report.Formats[0], rep, report.Options{Color: p.colour(p.err, asked.colour), Width: p.width(p.err)}); err != nil {
			return err
		}
	}
	if len(asked.sinks) == 0 {
		asked.sinks = []diffSink{{format: report.DiffFormats[0]}}
	}
	o := report.DiffOptions{LinkBase: c.String("link-base"), Key: c.String("key"), Version: version(), Directory: got.dir, Fails: func(r delta.Risk) bool { return meets(r, asked.risks) }}
	for _, s := range asked.sinks {
		if o.Color, o.Width = false, 0; s.file == "" {
			o.Color, o.Width = p.colour(p.out, asked.colour), p.width(p.out)
		}
		if err := writeTo(p.out, s.file, func(w io.Writer) error { return report.WriteDiff(w, s.format, got.Diff, o) }); err != nil {
			return err
		}
	}
	switch {
	case got.Old.Failed+got.New.Failed > 0:
		return findings{exitInput}
	case c.Bool("exit-code") && !got.IsSame(), slices.ContainsFunc(got.Risks(), o.Fails):
		return findings{exitFindings}
	}
	return nil
}

// meets reports whether a difference has one of the risks by which diff fails the run.
func meets(r delta.Risk, asked []string) bool {
	for _, list := range asked {
		for word := range strings.SplitSeq(list, ",") {
			level := slices.Index(delta.Levels, delta.Level(word))
			if r.Tag == word || level >= 0 && slices.Index(delta.Levels, r.Level) <= level {
				return true
			}
		}
	}
	return false
}

// writeTo writes a difference to a file, or to w where none is named.
func writeTo(w io.Writer, file string, write func(io.Writer) error) error {
	if file == "" {
		return write(w)
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// compare reads the old and the new state of diff, and has the compiler tell them apart.
func (p *program) compare(ctx context.Context, c *cli.Context, asked diffing) (compared, error) {
	o, err := asked.cluster.options()
	if err != nil {
		return compared{}, err
	}
	o.Child = p.child(ctx)
	args := c.Args().Slice()
	if len(args) == 1 {
		args = append(args, "")
	}
	var sides [2]side
	known := revision.Blobs{}
	for i, arg := range args {
		if sides[i], err = p.side(ctx, arg, c.String("dir"), known); err != nil {
			return compared{}, err
		}
	}
	if !sides[0].isOfIntents() && !sides[1].isOfIntents() {
		for i := range sides {
			s := &sides[i]
			if s.Manifests {
				continue
			}
			if s.State, err = s.asManifests(); err != nil {
				return compared{}, err
			}
		}
	}
	if !sides[0].Manifests && !sides[1].Manifests {
		if err := asked.cluster.refuse(); err != nil {
			return compared{}, err
		}
	}
	d, reports, err := o.Diff(ctx, sides[0].State, sides[1].State)
	return compared{d, reports, sides[1].dir}, err
}
