package main

import (
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"portcullis.dev/ci/report"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/policies/diag"
)

// reporting is the command line's wishes for the report.
type reporting struct {
	sinks  []sink        // those that were asked for
	usual  report.Format // of the stream, where none was
	failOn diag.Severity
	colour colour
	shows
}

// usualReporting gives a report's wishes where nobody wished otherwise.
func usualReporting() reporting {
	return reporting{usual: report.Formats[0], failOn: diag.Error, colour: colourAuto, shows: shows{severity: diag.Info}}
}

// reportFlags makes the flags about the report of every command that judges something, which fill
// in its wishes.
func reportFlags(r *reporting) []cli.Flag {
	*r = usualReporting()
	return []cli.Flag{
		&typedList[sink]{
			StringSliceFlag: cli.StringSliceFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the report as `FORMAT[=FILE]`: " + strings.Join(formatNames(), ", ") + "; may be given several times"},
			parse:           parseSink, closed: formatNames(), into: &r.sinks,
		},
		&typed[diag.Severity]{
			StringFlag: cli.StringFlag{Name: "fail-on", Value: r.failOn.String(), Usage: "the lowest `SEVERITY` that fails the run: " + either(words(severities))},
			parse:      diag.ParseSeverity, closed: words(severities), into: &r.failOn,
		},
		colourFlag(&r.colour),
		&cli.BoolFlag{Name: "full", Usage: "in texts: tell every finding with its source line, and what is waived", DisableDefaultText: true, Destination: &r.full},
		&typedList[string]{
			StringSliceFlag: cli.StringSliceFlag{Name: "rule", Usage: "show findings of this `CODE` alone; may be repeated"},
			parse:           parseCode, into: &r.rules,
		},
		&typedList[string]{
			StringSliceFlag: cli.StringSliceFlag{Name: "path", Usage: "show findings in the files and directories that match `GLOB` alone; may be repeated"},
			parse:           parseGlob, into: &r.paths,
		},
		&typed[diag.Severity]{
			StringFlag: cli.StringFlag{Name: "severity", Value: r.severity.String(), Usage: "the lowest `SEVERITY` that is shown: " + either(words(severities)) + "; what is not shown still counts"},
			parse:      diag.ParseSeverity, closed: words(severities), into: &r.severity,
		},
	}
}

// shows is what is shown of a report.
type shows struct {
	full      bool
	judged    bool // what was judged, and what was not
	notJudged bool // and all of the latter
	mendable  int  // how many findings --fix would mend
	rules     []string
	paths     []string
	severity  diag.Severity
}

// options turns the flags about what is shown of a report into its options.
func (s shows) options() report.Options {
	o := report.Options{Full: s.full, Judged: s.judged || s.notJudged, NotJudged: s.notJudged, Mendable: s.mendable,
		Narrow: report.Narrow{Rules: s.rules, Severity: s.severity}}
	if len(s.paths) > 0 {
		o.Narrow.In = func(file string) bool {
			return slices.ContainsFunc(s.paths, func(pattern string) bool { return sources.Matches(pattern, file) })
		}
	}
	return o
}

// notJudgedFlag makes the flag --not-judged of commands whose report says what they did not
// judge.
func notJudgedFlag(r *reporting) cli.Flag {
	return &cli.BoolFlag{Name: "not-judged", Usage: "in texts: list all that was not judged", DisableDefaultText: true, Destination: &r.notJudged}
}

// write sends a report to every sink; those without a file go to w.
func (p *program) write(r reporting, rep diag.Report, w io.Writer) error {
	sinks := r.sinks
	if len(sinks) == 0 {
		sinks = []sink{{format: r.usual}}
	}
	for _, s := range sinks {
		o := r.options()
		o.Version, o.FailOn = version(), r.failOn
		if s.file == "" {
			o.Color, o.Width = p.colour(w, r.colour), p.width(w)
			if err := report.Write(w, s.format, rep, o); err != nil {
				return err
			}
			continue
		}
		f, err := os.Create(s.file)
		if err != nil {
			return err
		}
		err = report.Write(f, s.format, rep, o)
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
	moved := diag.Report{Rules: rep.Rules, Sources: make(map[string][]byte, len(rep.Sources)), Assumptions: rep.Assumptions, Survey: rep.Survey}
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

// below moves a place in a report of the program below the repository's directory, so that it is
// seen from where the user is.
func below(dir string, s diag.Span) diag.Span {
	if s.File != "" {
		s.File = path.Join(dir, s.File)
	}
	return s
}
