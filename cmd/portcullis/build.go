package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"portcullis.dev/ci/report"
	"portcullis.dev/compiler"
	"portcullis.dev/compiler/bundle"
	"portcullis.dev/policies/diag"
)

// building is what build is asked for, beside what its flags say by themselves.
type building struct {
	reporting
	timeout time.Duration
}

// buildCommand describes the command build: flags, help text and what it runs.
func buildCommand(p *program) *cli.Command {
	var asked building
	return &cli.Command{
		Name:      "build",
		Usage:     "compile intents into policies, check them, and emit them",
		ArgsUsage: "[DIR]",
		Description: "Compiles the intents below DIR (by default the directory of the nearest portcullis.yaml, searched " +
			"upward to the Git root) and writes the manifests of one environment to stdout, or the kustomize tree " +
			"of all environments to --out: a directory, or an archive. Nothing is written unless every step holds, " +
			"and what is there is replaced in whole. What a bundle lists is no input of later builds.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "env", Usage: "the `ENVIRONMENT` to judge and to write to stdout; needed where there are several"},
			&cli.StringFlag{Name: "namespace", Usage: "emit this `NAMESPACE` alone, which may be one that was made after a pattern of the Platform"},
			&cli.StringFlag{Name: "out", Usage: "write the bundle to this `PLACE` instead of stdout: a directory, or a file that ends in .tar.gz"},
			&cli.BoolFlag{Name: "check", Usage: "write nothing; exit with 1 and show the difference where --out holds something else than would be built"},
			&cli.BoolFlag{Name: "no-verify", Usage: "write to --out whatever the rules find, and say so in the bundle; a mistake in the intents still stops the build"},
			&cli.BoolFlag{Name: "allow-empty", Usage: "let a repository without intents, or an environment without policies, through"},
			&cli.BoolFlag{Name: "argocd", Usage: "run as Argo CD's plugin: the Application chooses the environment, findings are brief, and the time is 50s unless --timeout says otherwise"},
			cacheFlag(),
			timeoutFlag(&asked.timeout),
		}, reportFlags(&asked.reporting)...),
		Action: func(c *cli.Context) error {
			if c.Bool("argocd") {
				return p.buildForArgoCD(c, asked)
			}
			return p.build(c, asked)
		},
	}
}

// build compiles a repository, reports what was found, and writes a bundle, a stream of
// manifests, or nothing.
func (p *program) build(c *cli.Context, asked building) error {
	if err := buildArguments(c); err != nil {
		return err
	}
	dir, err := repository(c.Args().First())
	if err != nil {
		return err
	}
	out, err := outputOf(c, dir)
	if err != nil {
		return err
	}
	kept, err := cacheOf(c, dir)
	if err != nil {
		return err
	}
	built, err := p.compile(c.Context, dir, asked.timeout, compiler.Options{Cache: kept, Namespace: c.String("namespace"), AllowEmpty: c.Bool("allow-empty"), Environment: c.String("env")})
	if unknown := (*compiler.UnknownEnvironment)(nil); errors.As(err, &unknown) {
		return usageError{fmt.Errorf("--env: %w", unknown)}
	}
	if err != nil {
		return err
	}
	p.unkept(c, built.Unkept)
	if len(built.Report.Findings) > 0 || len(asked.sinks) > 0 {
		if err := p.write(asked.reporting, under(dir, built.Report), p.err); err != nil {
			return err
		}
	}
	judged := outcome(built.Report, asked.failOn)
	tree := built.Tree
	if c.Bool("no-verify") && tree == nil {
		tree = built.Unverified
	}
	if tree == nil || judged != nil && !c.Bool("no-verify") {
		return judged
	}
	if text := carriedLine(built.Carried, c.String("env")); text != "" {
		fmt.Fprintln(p.err, text)
	}
	if out == nil {
		return p.writeStream(built, c.String("env"), c.Bool("allow-empty"))
	}
	b, err := bundle.New(bundle.Record{Tool: version(), Inputs: built.Inputs, Report: built.Report, Proofs: built.Proofs, Waivers: built.Waivers, Carried: built.Carried, Unverified: c.Bool("no-verify")}, tree)
	if err != nil {
		return err
	}
	if c.Bool("check") {
		return errors.Join(p.compareBundle(b, out, c.String("out")), judged)
	}
	if err := out.Write(b); err != nil {
		return outError(c.String("out"), err)
	}
	fmt.Fprintf(p.err, "wrote %d files to %s\n", len(b), c.String("out"))
	return judged
}

// carriedLine says on one line what a build deploys and did not judge, in one environment where
// it is given; empty for nothing.
func carriedLine(all []bundle.Carried, environment string) string {
	var words []string
	for _, c := range all {
		if environment != "" && c.Environment != environment {
			continue
		}
		text := c.Object.String()
		for _, m := range []map[string]string{c.Labels, c.Annotations} {
			for _, key := range diag.SortedKeys(m) {
				words = append(words, key+": "+m[key]+" on "+text)
			}
		}
		if c.Labels == nil && c.Annotations == nil {
			words = append(words, text)
		}
	}
	slices.Sort(words)
	words = slices.Compact(words)
	if len(words) == 0 {
		return ""
	}
	const most = 5
	rest := ""
	if n := len(words) - most; n > 0 {
		words, rest = words[:most], fmt.Sprintf(", and %d more", n)
	}
	return report.Line("carried and not judged, as the Platform says: " + strings.Join(words, ", ") + rest)
}

// buildArguments refuses flags of build that contradict each other.
func buildArguments(c *cli.Context) error {
	out := c.String("out") != ""
	switch {
	case c.IsSet("out") && !out:
		return usageError{errors.New("--out is empty: name a directory, or a file that ends in .tar.gz; left out altogether, the manifests go to stdout")}
	case c.NArg() > 1:
		return usageError{fmt.Errorf("build takes one directory, found %d arguments", c.NArg())}
	case c.String("env") != "" && out:
		return usageError{errors.New("--env chooses what goes to stdout; --out writes every environment: give one of the two")}
	case c.Bool("check") && !out:
		return usageError{errors.New("--check compares what would be built with a bundle: name it with --out")}
	case c.Bool("no-verify") && !out:
		return usageError{errors.New("--no-verify needs --out: a bundle says that it was not verified, a stream cannot")}
	}
	return nil
}

// outputOf finds the place that build's --out names, if any. It is made ready before the build,
// so that a place that cannot be written to costs no time.
func outputOf(c *cli.Context, dir string) (*bundle.Output, error) {
	if c.String("out") == "" {
		return nil, nil
	}
	out, err := bundle.At(c.String("out"), dir)
	if err == nil && !c.Bool("check") {
		err = out.Prepare()
	}
	if err != nil {
		return nil, outError(c.String("out"), err)
	}
	return out, nil
}

// unchosenError is a stream of one environment that was asked for where there are these.
type unchosenError []string

// Error asks for one of several environments, or for all of them with build's --out.
func (e unchosenError) Error() string {
	return fmt.Sprintf("there are %d environments: choose one with --env %s, or write all of them with --out", len(e), strings.Join(e, "|"))
}

// writeStream writes one environment that was built as a stream of YAML documents. An empty one
// is refused unless asked for: whoever prunes by it would delete every policy.
func (p *program) writeStream(built *compiler.Built, name string, allowEmpty bool) error {
	var names []string
	for _, e := range built.Environments {
		names = append(names, e.Name)
	}
	if name == "" && len(names) > 1 {
		return usageError{unchosenError(names)}
	}
	chosen := built.Environments[0] // the only one that was judged, or that there is
	stream, err := chosen.Manifests()
	if err != nil {
		return err
	}
	if stream == "" && !allowEmpty {
		return usageError{fmt.Errorf("environment %s has no policies, and nothing was written: whoever prunes by the result would delete all that are there. If that is meant, say so with --allow-empty", chosen.Name)}
	}
	_, err = io.WriteString(p.out, stream)
	return err
}
