package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"portcullis.dev/ci/registry"
	"portcullis.dev/compiler/bundle"
)

func pushCommand(p *program) *cli.Command {
	var timeout time.Duration
	return &cli.Command{
		Name:      "push",
		Usage:     "send a bundle to a registry, as the artifact that Flux deploys",
		ArgsUsage: "BUNDLE " + registry.Scheme + "HOST/REPOSITORY:TAG",
		Description: "BUNDLE is a directory or an archive that build --out wrote, and is as its bundle.json says. The same bundle, " +
			"source and revision are the same artifact, whose digest goes to stdout. Flux' OCIRepository fetches it, and a " +
			"Kustomization deploys ./overlays/ENVIRONMENT of it. Credentials are those of Docker's configuration; without " +
			"encryption only a registry of this machine is spoken to.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "source", Usage: "the `URL` of the repository of the intents, for whoever looks at the artifact"},
			&cli.StringFlag{Name: "revision", Usage: "the `REVISION` of the intents, as Flux writes it: main@sha1:…"},
			timeoutFlag(&timeout),
		},
		Action: func(c *cli.Context) error { return p.push(c, timeout) },
	}
}

func (p *program) push(c *cli.Context, timeout time.Duration) error {
	if c.NArg() != 2 {
		return usageError{errors.New("push takes a bundle, and the address to which it is sent")}
	}
	to, err := registry.Parse(c.Args().Get(1))
	if err != nil {
		return usageError{err}
	}
	name, found, err := p.find(c.Context, c.Args().First(), timeout)
	if err != nil {
		return err
	}
	if err := p.sound(name, found); err != nil {
		return err
	}
	archive, err := found.Bundle().Archive()
	if err != nil {
		return err
	}
	defer p.progress("sending")()
	digest, err := within(c.Context, timeout, func(ctx context.Context) (string, error) {
		return to.Push(ctx, archive, c.String("source"), c.String("revision"))
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.out, to.At(digest))
	return err
}

// sound refuses a bundle that is not what was built, or was built whatever the rules found.
func (p *program) sound(name string, found *bundle.Found) error {
	if err := p.tell(name, "is not what was built", found.Altered()); err != nil {
		return err
	}
	if found.Index().Unverified {
		fmt.Fprintf(p.err, "portcullis: %s was written with --no-verify, whatever the rules found: build it without\n", name)
		return findings{exitFindings}
	}
	return nil
}

func pullCommand(p *program) *cli.Command {
	var timeout time.Duration
	return &cli.Command{
		Name:        "pull",
		Usage:       "fetch a bundle from a registry, if it is what was built",
		ArgsUsage:   registry.Scheme + "HOST/REPOSITORY:TAG|@DIGEST",
		Description: "Fetches what push, or Flux, sent and writes it to --out, a directory or an archive, as build writes it: in whole, or not at all. What is not as its bundle.json says is not written.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "write the bundle to this `PLACE`: a directory, or a file that ends in .tar.gz"},
			timeoutFlag(&timeout),
		},
		Action: func(c *cli.Context) error { return p.pull(c, timeout) },
	}
}

func (p *program) pull(c *cli.Context, timeout time.Duration) error {
	switch {
	case c.NArg() != 1:
		return usageError{errors.New("pull takes the address of one bundle")}
	case c.String("out") == "":
		return usageError{errors.New("pull needs --out: a directory, or a file that ends in .tar.gz")}
	}
	out, err := bundle.At(c.String("out"), filepath.Dir(c.String("out")))
	if err != nil {
		return outError(c.String("out"), err)
	}
	name := c.Args().First()
	found, err := p.fetch(c.Context, name, timeout)
	if err != nil {
		return err
	}
	if err := p.sound(name, found); err != nil {
		return err
	}
	if err := out.Write(found.Bundle()); err != nil {
		return outError(c.String("out"), err)
	}
	fmt.Fprintf(p.err, "wrote %d files to %s\n", len(found.Bundle()), c.String("out"))
	return nil
}

// fetch reads a bundle from a registry.
func (p *program) fetch(ctx context.Context, name string, timeout time.Duration) (*bundle.Found, error) {
	from, err := registry.Parse(name)
	if err != nil {
		return nil, usageError{err}
	}
	defer p.progress("fetching")()
	archive, err := within(ctx, timeout, func(ctx context.Context) ([]byte, error) {
		archive, _, err := from.Pull(ctx)
		return archive, err
	})
	if err != nil {
		return nil, err
	}
	found, err := bundle.Unpack(archive)
	if err != nil {
		return nil, inputError(fmt.Errorf("%s: %w", name, err))
	}
	return found, nil
}

// find reads a bundle where it lies: on this machine, or in a registry.
func (p *program) find(ctx context.Context, name string, timeout time.Duration) (string, *bundle.Found, error) {
	if strings.HasPrefix(name, registry.Scheme) {
		found, err := p.fetch(ctx, name, timeout)
		return name, found, err
	}
	name = filepath.ToSlash(filepath.Clean(name))
	found, err := bundle.Find(name)
	if err != nil {
		return name, nil, inputError(fmt.Errorf("%s: %w", name, err))
	}
	return name, found, nil
}
