package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"portcullis.dev/ci/registry"
	"portcullis.dev/compiler/bundle"
)

// pullCommand describes the command pull: flags, help text and what it runs.
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

// pull fetches a bundle from a registry and writes it to a place, if it is what was built.
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
