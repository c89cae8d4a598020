package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/urfave/cli/v2"

	"portcullis.dev/ci/report"
	"portcullis.dev/compiler"
	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
)

// fmtCommand describes the command fmt: flags, help text and what it runs.
func fmtCommand(p *program) *cli.Command {
	var when colour
	return &cli.Command{
		Name:      "fmt",
		Usage:     "bring intents into the form that all files have, every comment kept",
		ArgsUsage: "[PATH…|-]",
		Description: "Writes one file, or stdin (-), to stdout in the canonical form: the order of keys, quotes, indentation. " +
			"With -d or -w PATH may be directories as well, by default that of the nearest portcullis.yaml. Files that " +
			"are not written in the intent language are left alone, and so are those with mistakes, which are reported.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "diff", Aliases: []string{"d"}, Usage: "show what would change, and exit with 1 if anything would", DisableDefaultText: true},
			&cli.BoolFlag{Name: "write", Aliases: []string{"w"}, Usage: "write the files that change", DisableDefaultText: true},
			colourFlag(&when),
		},
		Action: func(c *cli.Context) error { return p.format(c, when) },
	}
}

// format brings files into the canonical form: to stdout, as a patch, or in their place.
func (p *program) format(c *cli.Context, when colour) error {
	compare, write := c.Bool("diff"), c.Bool("write")
	paths := c.Args().Slice()
	switch {
	case compare && write:
		return usageError{errors.New("-d shows what -w would write: give one of the two")}
	case write && slices.Contains(paths, "-"):
		return usageError{errors.New("-w writes files, and stdin is none")}
	case !compare && !write && len(paths) != 1:
		return usageError{errors.New("fmt writes one file, or stdin (-), to stdout; give -d to see what would change in several, -w to write them")}
	case !compare && !write && isDirectory(paths[0]):
		return usageError{fmt.Errorf("%s is a directory; give -d to see what would change in it, -w to write it", paths[0])}
	}
	if len(paths) == 0 {
		dir, err := repository("")
		if err != nil {
			return err
		}
		paths = []string{dir}
	}
	var files []language.File
	var found diag.List
	for _, name := range paths {
		more, f, err := p.readManifests(name)
		if err != nil {
			return inputError(err)
		}
		files, found = append(files, more...), append(found, f...)
	}
	changed := false
	var formatter language.Formatter
	sources := map[string][]byte{}
	for _, f := range files {
		sources[f.Path] = f.Data
		formatted, mistakes, err := formatted(&formatter, f)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
		found = append(found, mistakes...)
		differs := !mistakes.Failed() && !bytes.Equal(formatted, f.Data)
		changed = changed || differs
		switch {
		case mistakes.Failed():
		case compare && differs:
			_, err = p.out.Write(diff.Diff(f.Path, f.Data, f.Path, formatted))
		case write && differs:
			err = p.rewrite(f.Path, formatted)
		case !compare && !write:
			_, err = p.out.Write(formatted)
		}
		if err != nil {
			return err
		}
	}
	if len(found) > 0 {
		rep := diag.NewReport(found, compiler.Rules(), sources)
		if err := report.Write(p.err, report.Formats[0], rep, report.Options{Color: p.colour(p.err, when)}); err != nil {
			return err
		}
		if err := outcome(rep, diag.Error); err != nil {
			return err
		}
	}
	if compare && changed {
		return findings{exitFindings}
	}
	return nil
}

// formatted formats a file of ours, and gives back any other file as it is.
func formatted(with *language.Formatter, f language.File) ([]byte, diag.List, error) {
	if f.Path != "stdin" && !language.Ours(f) || f.Path == "stdin" && !language.Ours(language.File{Path: "stdin.yaml", Data: f.Data}) {
		return f.Data, nil, nil
	}
	return with.Format(f)
}

// isDirectory reports whether fmt was given a directory, which cannot be written to stdout.
func isDirectory(name string) bool {
	info, err := os.Stat(name)
	return name != "-" && err == nil && info.IsDir()
}
