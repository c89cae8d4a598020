package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"portcullis.dev/compiler"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/policies/diag"
)

// adopting is what somebody asks for who begins with manifests that are there.
type adopting struct {
	baseline string // the file of what is known; empty for none
	write    string // the file to write that into; empty for none
	fix      bool   // that safe edits are made
	diff     bool   // that they are shown
}

// adoptFlags makes the flags of check for who adopts manifests that are there: baselines and safe
// edits.
func adoptFlags(into *adopting) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "baseline", Usage: "of manifests: fail for what is not in this `FILE` alone", Destination: &into.baseline},
		&cli.StringFlag{Name: "write-baseline", Usage: "of manifests: write this `FILE` of all that is found today", Destination: &into.write},
		&cli.BoolFlag{Name: "fix", Usage: "make the edits that are safe, and judge what comes of them", DisableDefaultText: true, Destination: &into.fix},
		&cli.BoolFlag{Name: "diff", Usage: "show on stdout, as a patch, what --fix would write; the report goes to stderr", DisableDefaultText: true, Destination: &into.diff},
	}
}

// refuse says which flags about baselines and edits do not go together.
func (a adopting) refuse(c *cli.Context) error {
	for _, flag := range [][2]string{{"baseline", a.baseline}, {"write-baseline", a.write}} {
		if c.IsSet(flag[0]) && flag[1] == "" {
			return usageError{fmt.Errorf("--%s is empty: name a file", flag[0])}
		}
	}
	switch {
	case a.fix && a.diff:
		return usageError{errors.New("--diff shows what --fix would write: give one of the two")}
	case a.diff && a.write != "":
		return usageError{errors.New("--diff writes nothing: give it without --write-baseline")}
	case (a.fix || a.diff) && slices.Contains(c.Args().Slice(), "-"):
		return usageError{errors.New("--fix and --diff are for files, and stdin is none")}
	case a.baseline != "" && a.write != "":
		return usageError{errors.New("--write-baseline writes all that is found, known or not: give it without --baseline")}
	case a.write != "" && !language.IsYAML(a.write):
		return usageError{fmt.Errorf("--write-baseline %s: what is written is YAML; expected a name that ends in .yaml", a.write)}
	}
	return nil
}

// forIntents refuses baselines in a repository of intents, which accepts nothing without an
// owner.
func (a adopting) forIntents() error {
	for _, flag := range [][2]string{{"baseline", a.baseline}, {"write-baseline", a.write}} {
		if flag[1] != "" {
			return usageError{fmt.Errorf("--%s is for manifests; in a repository of intents a Waiver accepts a finding, with an owner and a last day", flag[0])}
		}
	}
	return nil
}

// known reads the baseline that a check of manifests is held against, or prepares the one to
// write.
func (a adopting) known(paths []string) (*compiler.Baseline, error) {
	switch {
	case a.write != "":
		if err := noBaseline(a.write); err != nil {
			return nil, err
		}
		return &compiler.Baseline{File: language.File{Path: clean(a.write)}, Asked: paths, Write: true}, nil
	case a.baseline == "":
		return nil, nil
	}
	f, found, err := sources.ReadFile(clean(a.baseline), sources.DefaultLimits())
	switch {
	case err != nil:
		return nil, writeError("--baseline", clean(a.baseline), err)
	case len(found) > 0:
		return nil, usageError{fmt.Errorf("--baseline %s: %s", a.baseline, found[0].Message)}
	}
	return &compiler.Baseline{File: language.File{Path: f.Path, Data: f.Data}, Asked: paths}, nil
}

// clean writes the path of a baseline, or of a file that was asked about, as reports have it.
func clean(name string) string { return filepath.ToSlash(filepath.Clean(name)) }

// noBaseline refuses to write over what is there and no baseline: it is somebody's work.
func noBaseline(name string) error {
	f, found, err := sources.ReadFile(clean(name), sources.DefaultLimits())
	if errors.Is(err, fs.ErrNotExist) {
		return nil // where it can be written, the writing says
	}
	if err != nil {
		return inputError(err)
	}
	if len(found) == 0 {
		_, found = language.ReadBaseline(f)
	}
	if len(found) > 0 {
		return usageError{fmt.Errorf("--write-baseline %s: there is something else already; nothing was written", name)}
	}
	return nil
}

// writeBaseline writes what is known from now on. Where something could not be judged nobody
// knows what is to be found there, and nothing is written.
func (p *program) writeBaseline(a adopting, j judged) error {
	if a.write == "" {
		return nil
	}
	if j.baseline == nil {
		n := 0
		for _, d := range j.Findings {
			if d.Severity == diag.Error && d.Rule.Unjudgeable() {
				n++
			}
		}
		what := "1 finding says"
		if n != 1 {
			what = fmt.Sprintf("%d findings say", n)
		}
		fmt.Fprintf(p.err, "%s is not written: %s that something could not be judged.\nMend that, or leave it out with --exclude.\n", clean(a.write), what)
		return nil
	}
	if err := replaceFile(a.write, j.baseline, 0o644); err != nil {
		return writeError("--write-baseline", clean(a.write), err)
	}
	fmt.Fprintf(p.err, "wrote %s\n", clean(a.write))
	return nil
}
