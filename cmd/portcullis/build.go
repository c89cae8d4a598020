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
			&cli.BoolFlag{Name: "allow-empty", Usage: "let a repository without intents, or an environment without policies, through"},
			&cli.BoolFlag{Name: "argocd", Usage: "run as Argo CD's plugin: the Application chooses the environment, findings are brief"},
			timeoutFlag(),
		}, reportFlags()...),
		Action: p.build,
	}
}

func (p *program) build(c *cli.Context) error {
	wishes, err := reportingOf(c)
	if err != nil {
		return err
	}
	if c.Bool("argocd") {
		if err := p.seatArgoCD(c); err != nil {
			return err
		}
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
	built, err := p.compile(c, dir, compiler.Options{AllowEmpty: c.Bool("allow-empty")})
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
	return p.writeManifests(built, c.String("env"), c.Bool("allow-empty"))
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

// writeManifests writes one environment as a stream of YAML documents. An empty one
// is refused unless asked for: whoever prunes by it would delete every policy.
func (p *program) writeManifests(built *compiler.Built, name string, allowEmpty bool) error {
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
		return usageError{fmt.Errorf("--env: there is no environment %.60q; there is %s", name, strings.Join(names, ", "))}
	}
	stream, err := built.Environments[i].Manifests()
	if err != nil {
		return err
	}
	if stream == "" && !allowEmpty {
		return usageError{fmt.Errorf("environment %s has no policies, and nothing was written: whoever prunes by the result would delete all that are there. If that is meant, say so with --allow-empty", names[i])}
	}
	_, err = io.WriteString(p.out, stream)
	return err
}
