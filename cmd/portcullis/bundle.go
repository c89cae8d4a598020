package main

import (
	"bufio"
	"context"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"time"

	"portcullis.dev/ci/registry"
	"portcullis.dev/ci/report"
	"portcullis.dev/compiler/bundle"
)

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

// tell names the files of a bundle, or of its inputs, that are not what the index says, if there
// are any.
func (p *program) tell(place, what string, differences []bundle.Difference) error {
	if len(differences) == 0 {
		return nil
	}
	w := bufio.NewWriter(p.out)
	for _, d := range differences {
		fmt.Fprintf(w, "%s: %s\n", d.Change, report.Line(path.Join(place, d.Path)+note(d.Note)))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(p.err, "portcullis: %s %s (%s); build it again, and find out who changed it\n", place, what, count(differences))
	return findings{exitFindings}
}
