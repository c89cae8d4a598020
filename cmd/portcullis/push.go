package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"portcullis.dev/ci/registry"
)

// pushCommand describes the command push: flags, help text and what it runs.
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

// push sends a bundle, if it is what was built, to a registry and prints its digest.
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
