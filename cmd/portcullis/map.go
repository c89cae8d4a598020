package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"portcullis.dev/ci/report"
	"portcullis.dev/compiler"
	"portcullis.dev/compiler/reach"
)

// mapFormats lists the names of the forms of a map, the default first.
func mapFormats() []string {
	var names []string
	for _, f := range report.MapFormats {
		names = append(names, f.Name)
	}
	return names
}

// mapping is what the command line asks for.
type mapping struct {
	explaining
	format report.MapFormat
	by     grouping
	port   reach.PortChoice
}

// grouping is by which end a map is sorted.
type grouping string

var groupings = []grouping{"destination", "source"}

// parseGrouping reads by which end a map is sorted.
func parseGrouping(text string) (grouping, error) {
	for _, g := range groupings {
		if string(g) == text {
			return g, nil
		}
	}
	return "", fmt.Errorf("%q is no way to sort a map: expected %s", text, either(words(groupings)))
}

// mapCommand describes the command map: flags, help text and what it runs.
func mapCommand(p *program) *cli.Command {
	var asked mapping
	return &cli.Command{
		Name:      "map",
		Usage:     "show who can reach whom, with the lines that mean it",
		ArgsUsage: "[DIR]",
		Description: "It is that of the repository of DIR, by default that of the nearest portcullis.yaml, or of " +
			"manifests of anybody (--manifests). Only what policies hold back is told of: of pods that nothing " +
			"closes it says so below. Each line, written as FROM -> TO:PORTS, is a flow for explain. " +
			"What the Platform's own lines mean for everybody is folded.",
		Flags: append([]cli.Flag{
			&cli.StringSliceFlag{Name: "manifests", Usage: "map the manifests at this `PATH`: a file, a directory, or - for stdin; further arguments are further ones"},
			&cli.StringSliceFlag{Name: "env", Usage: "map this `ENVIRONMENT` alone; may be given several times"},
			&cli.StringSliceFlag{Name: "from", Usage: "show lines with this `END` as source alone: namespace/name, namespace/* or @name; may be repeated"},
			&cli.StringSliceFlag{Name: "to", Usage: "the same for the destination: `END`"},
			&cli.StringSliceFlag{Name: "namespace", Usage: "show lines with an end in this `NAMESPACE` alone; may be repeated"},
			&typed[reach.PortChoice]{
				StringFlag: cli.StringFlag{Name: "port", Usage: "show lines with this `PORT` alone: 8080, 53/udp, 9300-9302, icmp"},
				parse:      reach.ParsePorts, into: &asked.port,
			},
			&typed[grouping]{
				StringFlag: cli.StringFlag{Name: "by", Value: string(groupings[0]), Usage: "the `END` by which a text is sorted: " + either(words(groupings))},
				parse:      parseGrouping, closed: words(groupings), into: &asked.by,
			},
			&cli.BoolFlag{Name: "all", Usage: "list the Platform's lines one by one", DisableDefaultText: true},
			&cli.BoolFlag{Name: "denied", Usage: "show what is denied between known workloads", DisableDefaultText: true},
			&typed[report.MapFormat]{
				StringFlag: cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: mapFormats()[0], Usage: "the `FORMAT`: " + either(mapFormats())},
				parse:      report.LookupMap, closed: mapFormats(), into: &asked.format,
			},
			colourFlag(&asked.colour),
			timeoutFlag(&asked.timeout),
		}, clusterFlags(&asked.cluster)...),
		Action: func(c *cli.Context) error { return p.drawMap(c, asked) },
	}
}

// drawMap draws who reaches whom in a repository or in manifests, as far as the flags choose it.
func (p *program) drawMap(c *cli.Context, asked mapping) error {
	asked.manifests = c.StringSlice("manifests")
	switch {
	case len(asked.manifests) > 0:
		asked.manifests = append(asked.manifests, c.Args().Slice()...)
		if len(c.StringSlice("env")) > 0 {
			return usageError{errors.New("--env chooses environments of a repository; manifests have none")}
		}
	case c.NArg() > 1:
		return usageError{fmt.Errorf("map takes one directory, found %d arguments", c.NArg())}
	default:
		asked.dir = c.Args().First()
		if err := asked.cluster.refuse(); err != nil {
			return err
		}
	}
	type drawn struct {
		*compiler.Explained
		dir string
		m   *reach.Map
	}
	stop := p.progress("mapping")
	got, err := within(c.Context, asked.timeout, func(ctx context.Context) (drawn, error) {
		e, dir, err := p.explained(ctx, c, asked.explaining)
		if err != nil || e.Worlds == nil {
			return drawn{e, dir, nil}, err
		}
		return drawn{e, dir, e.Map(c.Bool("denied"))}, nil
	})
	err = p.timedOut(err)
	if stop(); err != nil {
		return err
	}
	if err := p.complain(asked.explaining, under(got.dir, got.Report)); err != nil {
		return err
	}
	p.assume(got.Report.Assumptions)
	if got.m == nil {
		return findings{exitInput}
	}
	m := got.m.Chosen(reach.Choice{From: c.StringSlice("from"), To: c.StringSlice("to"), Namespace: c.StringSlice("namespace"), Ports: asked.port})
	_, onScreen := screen(p.out)
	return report.WriteMap(p.out, asked.format, m, report.MapOptions{
		Platform: c.Bool("all"), BySource: asked.by == "source", Fold: onScreen, Color: p.colour(p.out, asked.colour), Width: p.width(p.out),
	})
}
