package main

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"portcullis.dev/compiler"
	"portcullis.dev/compiler/bundle"
	"portcullis.dev/compiler/language"
)

// verifying is what verify is asked for.
type verifying struct {
	reporting
	at      time.Time // zero for now
	timeout time.Duration
	cluster clusterSaid
}

// verifyCommand describes the command verify: flags, help text and what it runs.
func verifyCommand(p *program) *cli.Command {
	var asked verifying
	return &cli.Command{
		Name:      "verify",
		Usage:     "tell whether a bundle is what was built, and judge it once more",
		ArgsUsage: "BUNDLE|oci://…",
		Description: "BUNDLE is a directory or an archive that build --out wrote, or the address to which push sent it. Every file has to be the one that its " +
			"bundle.json lists, and none may be missing or have come to it; what is deployed is then judged by the rules " +
			"again. What the build's waivers accepted is accepted until they end. Who changed the index as well is not " +
			"found out: compare with what is built (build --check) where the intents are at hand.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "inputs", Usage: "the `DIR` of the intents: files that have changed since the bundle was built are named"},
			effectiveTimeFlag(&asked.at),
			timeoutFlag(&asked.timeout),
		}, append(clusterFlags(&asked.cluster), reportFlags(&asked.reporting)...)...),
		Action: func(c *cli.Context) error { return p.verify(c, asked) },
	}
}

// verify tells whether a bundle is what was built, and of these inputs, and judges it once more.
func (p *program) verify(c *cli.Context, asked verifying) error {
	if c.NArg() != 1 {
		return usageError{errors.New("verify takes one bundle: a directory or an archive that build --out wrote")}
	}
	name, found, err := p.find(c.Context, c.Args().First(), asked.timeout)
	if err != nil {
		return err
	}
	if err := p.sound(name, found); err != nil {
		return err
	}
	if inputs := filepath.ToSlash(c.String("inputs")); inputs != "" {
		root, err := os.OpenRoot(inputs)
		if err != nil {
			return inputError(err)
		}
		defer root.Close()
		stale := found.Stale(func(input string) []byte { return readIn(root, input) })
		if err := p.tell(inputs, "is not what "+name+" was built from", stale); err != nil {
			return err
		}
	}
	built, err := p.judgeBundle(c.Context, name, found, asked)
	if err != nil {
		return err
	}
	p.assume(built.Report.Assumptions)
	asked.judged = true
	if err := p.write(asked.reporting, built.Report, p.out); err != nil {
		return err
	}
	return outcome(built.Report, asked.failOn)
}

// judgeBundle evaluates for the command verify the rules on the files of a bundle that are what
// its index says.
func (p *program) judgeBundle(ctx context.Context, name string, found *bundle.Found, asked verifying) (*compiler.Built, error) {
	o, err := asked.cluster.options()
	if err != nil {
		return nil, err
	}
	o.EffectiveTime, o.AllowEmpty = asked.at, true
	if o.EffectiveTime.IsZero() {
		o.EffectiveTime = time.Now()
	}
	var files []language.File
	for file, data := range found.Files() {
		files = append(files, language.File{Path: path.Join(name, file), Data: data})
	}
	slices.SortFunc(files, func(a, b language.File) int { return strings.Compare(a.Path, b.Path) })
	defer p.progress("judging")()
	return within(ctx, asked.timeout, func(ctx context.Context) (*compiler.Built, error) {
		o.Child = p.child(ctx)
		return o.Verify(ctx, files, found.Index())
	})
}

// readIn reads for the command verify, below a directory, a regular file of the inputs that a
// bundle's index names; nil where it is none.
func readIn(root *os.Root, name string) []byte {
	info, err := root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	data, err := root.ReadFile(name)
	if err != nil {
		return nil
	}
	return data
}
