package main

import (
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"portcullis.dev/ci/report"
	"portcullis.dev/policies/diag"
)

// reportFlags are those of every command that judges something.
func reportFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the report as `FORMAT[=FILE]`: " + formatNames() + "; may be given several times"},
		&cli.StringFlag{Name: "fail-on", Value: "error", Usage: "the lowest `SEVERITY` that fails the run: error, warning or info"},
		&cli.StringFlag{Name: "color", Value: "auto", Usage: "`WHEN` to use colour: auto, always or never"},
	}
}

func formatNames() string {
	var names []string
	for _, f := range report.Formats {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

// reporting is the command line's wishes for the report.
type reporting struct {
	sinks  []sink
	failOn diag.Severity
	colour string
}

type sink struct {
	format report.Format
	file   string // empty for the stream
}

func reportingOf(c *cli.Context) (reporting, error) {
	r := reporting{colour: c.String("color")}
	if !slices.Contains(colourChoices, r.colour) {
		return r, usageError{fmt.Errorf("--color: expected auto, always or never, found %q", r.colour)}
	}
	severity, err := diag.ParseSeverity(c.String("fail-on"))
	if err != nil {
		return r, usageError{fmt.Errorf("--fail-on: %w", err)}
	}
	r.failOn = severity
	for _, o := range c.StringSlice("output") {
		name, file, hasFile := strings.Cut(o, "=")
		format, err := report.Lookup(name)
		if err != nil {
			return r, usageError{fmt.Errorf("--output: %w", err)}
		}
		if hasFile && file == "" {
			return r, usageError{fmt.Errorf("--output: %s= names no file", name)}
		}
		r.sinks = append(r.sinks, sink{format, file})
	}
	if len(r.sinks) > 0 {
		return r, nil
	}
	format := report.Formats[0]
	if c.Bool("argocd") { // it shows stderr whole
		if format, err = report.Lookup("brief"); err != nil {
			return r, err
		}
	}
	r.sinks = []sink{{format: format}}
	return r, nil
}

// write sends a report to every sink; those without a file go to w.
func (p *program) write(r reporting, rep diag.Report, w io.Writer) error {
	for _, s := range r.sinks {
		if s.file == "" {
			if err := report.Write(w, s.format, rep, report.Options{Color: p.colour(w, r.colour), Width: width(w)}); err != nil {
				return err
			}
			continue
		}
		f, err := os.Create(s.file)
		if err != nil {
			return err
		}
		err = report.Write(f, s.format, rep, report.Options{})
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// under moves a report's places below the directory that the user named, so that
// a terminal and an editor find them from where the user is.
func under(dir string, rep diag.Report) diag.Report {
	if dir == "." || dir == "" {
		return rep
	}
	move := func(s diag.Span) diag.Span { return below(dir, s) }
	moved := diag.Report{Rules: rep.Rules, Sources: map[string][]byte{}}
	for name, data := range rep.Sources {
		moved.Sources[path.Join(dir, name)] = data
	}
	for _, d := range rep.Findings {
		d.Span = move(d.Span)
		related := make([]diag.Related, len(d.Related))
		for i, r := range d.Related {
			r.Span = move(r.Span)
			related[i] = r
		}
		fix := make([]diag.Edit, len(d.Fix))
		for i, e := range d.Fix {
			e.Span = move(e.Span)
			fix[i] = e
		}
		d.Related, d.Fix = related, fix
		moved.Findings = append(moved.Findings, d)
	}
	for _, t := range rep.Tests {
		t.Span = move(t.Span)
		moved.Tests = append(moved.Tests, t)
	}
	for _, c := range rep.Coverage {
		c.File = path.Join(dir, c.File)
		moved.Coverage = append(moved.Coverage, c)
	}
	return moved
}

// below is a place in a repository, seen from where the user is.
func below(dir string, s diag.Span) diag.Span {
	if s.File != "" {
		s.File = path.Join(dir, s.File)
	}
	return s
}
