package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"portcullis.dev/compiler"
	"portcullis.dev/compiler/bundle"
)

func buildCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "build",
		Usage:     "compile intents into policies, check them, and emit them",
		ArgsUsage: "[DIR]",
		Description: "Compiles the intents below DIR (by default the directory of the nearest portcullis.yaml, searched\n" +
			"upward to the Git root) and writes the manifests of one environment to stdout, or the kustomize tree\n" +
			"of all environments to --out. Nothing is written unless every step holds.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "env", Usage: "the `ENVIRONMENT` to write to stdout; needed where there are several"},
			&cli.StringFlag{Name: "out", Usage: "write the bundle to this `DIRECTORY` instead of stdout"},
		}, reportFlags()...),
		Action: p.build,
	}
}

func (p *program) build(c *cli.Context) error {
	wishes, err := reportingOf(c)
	if err != nil {
		return err
	}
	if c.NArg() > 1 {
		return usageError{fmt.Errorf("build takes one directory, found %d arguments", c.NArg())}
	}
	if c.String("env") != "" && c.String("out") != "" {
		return usageError{errors.New("--env chooses what goes to stdout; --out writes every environment: give one of the two")}
	}
	dir, err := repository(c.Args().First())
	if err != nil {
		return err
	}
	files, found, err := compiler.ReadTree(dir, compiler.DefaultLimits())
	if err != nil {
		return inputError(err)
	}
	built, err := compiler.Build(c.Context, files, found)
	if err != nil {
		return err
	}
	if len(built.Report.Findings) > 0 || len(c.StringSlice("output")) > 0 {
		if err := p.write(wishes, under(dir, built.Report), p.err); err != nil {
			return err
		}
	}
	if err := outcome(built.Report, wishes.failOn); err != nil {
		return err
	}
	if out := c.String("out"); out != "" {
		return p.writeBundle(built, out, dir)
	}
	return p.writeManifests(built, c.String("env"))
}

func (p *program) writeBundle(built *compiler.Built, out, dir string) error {
	var rules []string
	for _, r := range built.Report.Rules {
		rules = append(rules, r.Code)
	}
	b, err := bundle.New(version(), built.Report.Sources, built.Tree, rules)
	if err != nil {
		return err
	}
	if err := b.WriteDirectory(out, dir); err != nil {
		if errors.Is(err, bundle.ErrRefused) {
			return usageError{fmt.Errorf("--out: %w", err)}
		}
		return err
	}
	fmt.Fprintf(p.err, "wrote %d files to %s\n", len(b), out)
	return nil
}

// writeManifests writes one environment as a stream of YAML documents.
func (p *program) writeManifests(built *compiler.Built, name string) error {
	var names []string
	for _, e := range built.Environments {
		names = append(names, e.Name)
	}
	if name == "" && len(names) > 1 {
		return usageError{fmt.Errorf("there are %d environments: choose one with --env %s, or write all of them with --out",
			len(names), strings.Join(names, "|"))}
	}
	i := max(slices.Index(names, name), 0)
	if name != "" && names[i] != name {
		return usageError{fmt.Errorf("--env: there is no environment %q; there is %s", name, strings.Join(names, ", "))}
	}
	stream, err := built.Environments[i].Manifests()
	if err != nil {
		return err
	}
	_, err = io.WriteString(p.out, stream)
	return err
}
