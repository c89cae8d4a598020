package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"portcullis.dev/ci"
	"portcullis.dev/policies/diag"
)

// integrationNames lists the programs, such as pre-commit or Argo CD, that the command ci has
// files for.
func integrationNames() []string {
	names := make([]string, len(ci.Integrations))
	for i, n := range ci.Integrations {
		names[i] = n.Name
	}
	return names
}

// ciCommand describes the command ci: flags, help text and what it runs.
func ciCommand(p *program) *cli.Command {
	var of ci.Release
	return &cli.Command{
		Name:      "ci",
		Usage:     "print or write the files for hooks, pipelines, Argo CD and Flux",
		ArgsUsage: "[NAME]",
		Description: "Without a NAME it lists the programs that there are files for. With one, it prints the file, or " +
			"writes it to its place below the current directory; what is there already is never overwritten.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "write", Usage: "write the files instead of printing them"},
			&typed[string]{
				StringFlag: cli.StringFlag{Name: "release", Usage: "let pipelines fetch this `VERSION` of the program, such as v1.2.3, with --sha256"},
				parse:      parseProgramVersion, into: &of.Version,
			},
			&typed[string]{
				StringFlag: cli.StringFlag{Name: "sha256", Usage: "the `DIGEST` of that release's portcullis-linux-amd64: what has another one never runs"},
				parse:      parseSHA256, into: &of.SHA256,
			},
		},
		Action: func(c *cli.Context) error { return p.ci(c, of) },
	}
}

// ci lists the integrations, or prints or writes the files of one.
func (p *program) ci(c *cli.Context, of ci.Release) error {
	if (of.Version == "") != (of.SHA256 == "") {
		return usageError{errors.New("--release and --sha256 go together: a release runs only if it is the one that somebody looked at")}
	}
	switch c.NArg() {
	case 0:
		w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
		for _, i := range ci.Integrations {
			fmt.Fprintf(w, "%s\t%s\n", i.Name, i.Description)
		}
		return w.Flush()
	case 1:
	default:
		return usageError{fmt.Errorf("ci takes one name, found %d arguments", c.NArg())}
	}
	name := c.Args().First()
	for _, i := range ci.Integrations {
		if i.Name == name {
			return p.integrate(i, of, c.Bool("write"))
		}
	}
	return usageError{fmt.Errorf("there are no files for %q; %sthere are some for %s", name, didYouMean(name, integrationNames()), strings.Join(integrationNames(), ", "))}
}

// integrate prints the files of an integration that the command ci was asked for, or writes them
// and says what is next.
func (p *program) integrate(i ci.Integration, of ci.Release, write bool) error {
	files, err := i.Files()
	if of.Version != "" {
		files, err = i.Pinned(of)
	}
	if errors.Is(err, ci.ErrFetchesNothing) {
		return usageError{fmt.Errorf("ci %s takes no --release: %w, which has to be on the PATH or in an image", i.Name, err)}
	}
	if err != nil {
		return err
	}
	if !write {
		for _, name := range diag.SortedKeys(files) {
			if _, err := fmt.Fprintf(p.out, "# %s\n%s", name, files[name]); err != nil {
				return err
			}
		}
		return nil
	}
	if err := p.writeNew("", files); err != nil {
		return err
	}
	fmt.Fprintf(p.err, "next: %s\n", i.Next)
	if i.Fetches != "" && of.Version == "" {
		fmt.Fprintf(p.err, "next: %s runs the newest release; --release and --sha256 name one\n", i.Fetches)
	}
	return nil
}
