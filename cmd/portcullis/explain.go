package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"portcullis.dev/ci/report"
	"portcullis.dev/compiler"
	"portcullis.dev/compiler/explain"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/policies/diag"
)

// explainFormats lists the names of the forms of an answer, the default first.
func explainFormats() []string {
	var names []string
	for _, f := range report.AnswerFormats {
		names = append(names, f.Name)
	}
	return names
}

// explainCommand describes the command explain: flags, help text and what it runs.
func explainCommand(p *program) *cli.Command {
	var asked explaining
	return &cli.Command{
		Name:      "explain",
		Usage:     "say why a flow is allowed or denied, and what one change would turn that",
		ArgsUsage: "FLOW [DIR]",
		Description: "FLOW is \"SOURCE -> DESTINATION[:PORT,…]\", as tests are written:\n\n" +
			"   \"shop/cart -> shop/cart-cache:redis\"\n" +
			"   \"payments/* -> data/orders-db:5432,9187\"\n" +
			"   \"192.0.2.7 -> shop/frontend:8080\"\n\n" +
			"Without a port it is about every port; SOURCE:PORT gives the source's. It is answered for the " +
			"repository of DIR, by default that of the nearest portcullis.yaml, in each environment, or for " +
			"manifests of anybody. A list of flows (--file) is YAML or JSON: {from, to, protocol, sourcePort, port, " +
			"icmp: {type, code}}, an end being namespace/name of a pod or workload, or an address, and port a " +
			"number, a name, 53/udp, any, or a list of those.",
		Flags: append([]cli.Flag{
			&cli.StringSliceFlag{Name: "manifests", Usage: "answer for the manifests at this `PATH`: a file, a directory, or - for stdin; further arguments are further ones"},
			&cli.StringSliceFlag{Name: "env", Usage: "answer for this `ENVIRONMENT` of the repository alone; may be given several times"},
			&cli.StringFlag{Name: "file", Usage: "answer the questions listed in this `FILE`, or in stdin (-)"},
			&typed[report.AnswerFormat]{
				StringFlag: cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: explainFormats()[0], Usage: "the `FORMAT`: " + either(explainFormats())},
				parse:      report.LookupAnswers, closed: explainFormats(), into: &asked.format,
			},
			&cli.BoolFlag{Name: "all", Usage: "tell the way through every policy too", DisableDefaultText: true},
			&cli.BoolFlag{Name: "brief", Usage: "tell verdicts alone, each on one line", DisableDefaultText: true},
			&cli.BoolFlag{Name: "exit-code", Usage: "exit with 1 unless all that was asked about is allowed", DisableDefaultText: true},
			colourFlag(&asked.colour),
			timeoutFlag(&asked.timeout),
		}, clusterFlags(&asked.cluster)...),
		Action: func(c *cli.Context) error { return p.explain(c, asked) },
	}
}

// explaining is what the command line asks for.
type explaining struct {
	flow, dir string
	manifests []string
	list      string // the file with the questions; empty: flow is the question
	format    report.AnswerFormat
	detail    explain.Detail
	cluster   clusterSaid
	colour    colour
	timeout   time.Duration
}

// detailOf reads from the flags --all and --brief how much explain is asked for.
func detailOf(c *cli.Context) (explain.Detail, error) {
	switch {
	case c.Bool("all") && c.Bool("brief"):
		return 0, usageError{errors.New("--all and --brief contradict each other: choose one")}
	case c.Bool("all"):
		return explain.Everything, nil
	case c.Bool("brief"):
		return explain.Brief, nil
	default:
		return explain.Deciding, nil
	}
}

// arguments fills in what explain's arguments say, and refuses what contradicts itself.
func (e *explaining) arguments(p *program, c *cli.Context) (err error) {
	if e.detail, err = detailOf(c); err != nil {
		return err
	}
	e.manifests, e.list = c.StringSlice("manifests"), c.String("file")
	var others []string
	for _, arg := range c.Args().Slice() {
		switch {
		case !strings.Contains(arg, "->"):
			others = append(others, arg)
		case e.flow != "" || e.list != "":
			return usageError{errors.New("explain takes one flow, or a list of them by --file")}
		default:
			e.flow = arg
		}
	}
	switch {
	case len(e.manifests) > 0:
		e.manifests = append(e.manifests, others...)
	case len(others) > 1:
		return usageError{fmt.Errorf("explain takes one flow and one directory, found %d arguments; a flow with spaces needs quotes", c.NArg())}
	case len(others) == 1 && isRepository(others[0]) && !p.holdsIntents(others[0]):
		e.manifests = others
	case len(others) == 1:
		e.dir = others[0]
	}
	switch {
	case e.list == "" && e.flow == "":
		return usageError{errors.New("explain needs a flow: \"SOURCE -> DESTINATION:PORT\", or a list of them by --file")}
	case stdins(*e) > 1:
		return usageError{errors.New("- is given twice, and stdin can be read once: name a file for the manifests or for the flows")}
	case len(e.manifests) > 0 && len(c.StringSlice("env")) > 0:
		return usageError{errors.New("--env chooses environments of a repository; manifests have none")}
	case len(e.manifests) == 0:
		return e.cluster.refuse()
	}
	return nil
}

// stdins counts how often the arguments of explain name stdin, which can be read once.
func stdins(e explaining) int {
	n := 0
	for _, name := range append([]string{e.list}, e.manifests...) {
		if name == "-" {
			n++
		}
	}
	return n
}

// told is what questions are answered with.
type told struct {
	reports []diag.Report // on the input and on the questions
	answers explain.Answers
}

// explain answers questions about flows, and shows findings about the input before the answers.
func (p *program) explain(c *cli.Context, asked explaining) error {
	if err := asked.arguments(p, c); err != nil {
		return err
	}
	stop := p.progress("explaining")
	t, err := within(c.Context, asked.timeout, func(ctx context.Context) (told, error) { return p.answer(ctx, c, asked) })
	err = p.timedOut(err)
	if stop(); err != nil {
		return err
	}
	for _, rep := range t.reports {
		if err := p.complain(asked, rep); err != nil {
			return err
		}
	}
	if asked.detail > explain.Brief {
		p.assume(t.answers.Assumptions)
	}
	if err := report.WriteAnswers(p.out, asked.format, t.answers, asked.detail, report.Options{}); err != nil {
		return err
	}
	if c.Bool("exit-code") && !t.answers.AllAllowed() {
		return findings{exitFindings}
	}
	return nil
}

// answer reads what explain's questions are about, and answers them.
func (p *program) answer(ctx context.Context, c *cli.Context, asked explaining) (told, error) {
	e, dir, err := p.explained(ctx, c, asked)
	if err != nil {
		return told{}, err
	}
	t := told{reports: []diag.Report{under(dir, e.Report)}}
	if e.Worlds == nil {
		return t, nil
	}
	var rep diag.Report
	if asked.list == "" {
		t.answers, rep = e.Explain(asked.flow, asked.detail)
	} else {
		f, found, err := p.readList(asked.list)
		if err != nil {
			return told{}, inputError(err)
		}
		rep = diag.NewReport(found, nil, nil)
		if len(found) == 0 {
			t.answers, rep = e.AnswerList(f, asked.detail)
		}
	}
	t.reports = append(t.reports, rep)
	t.answers.Warnings, t.answers.Sources = t.reports[0].Findings, t.reports[0].Sources
	for i := range t.answers.Flows {
		for _, place := range t.answers.Flows[i].Places() {
			place.Span = below(dir, place.Span)
		}
	}
	return t, nil
}

// explained reads and renders what explain's questions, or a map, are about.
func (p *program) explained(ctx context.Context, c *cli.Context, asked explaining) (*compiler.Explained, string, error) {
	var files []language.File
	var found diag.List
	if len(asked.manifests) > 0 {
		shown, err := p.readAllManifests(asked.manifests)
		if err != nil {
			return nil, "", err
		}
		o, err := asked.cluster.options()
		if err != nil {
			return nil, "", err
		}
		o.Child, o.Bases = p.child(ctx), shown.bases
		return o.ExplainManifests(shown.files, shown.found), "", nil
	}
	dir, err := repository(asked.dir)
	if err != nil {
		return nil, "", err
	}
	files, found, err = p.readRepository(dir)
	if err != nil {
		return nil, "", inputError(err)
	}
	e, err := compiler.Options{Child: p.child(ctx), Flow: asked.flow}.ExplainRepository(files, found, c.StringSlice("env"))
	return e, dir, err
}

// complain shows findings about the input of explain or of a map, if there are some. They end the
// run where they are errors.
func (p *program) complain(asked explaining, rep diag.Report) error {
	if len(rep.Findings) == 0 {
		return nil
	}
	if err := report.Write(p.err, report.Formats[0], rep, report.Options{Color: p.colour(p.err, asked.colour), Width: p.width(p.err)}); err != nil {
		return err
	}
	if rep.Findings.Failed() {
		return findings{exitInput}
	}
	return nil
}

// readList reads the file with explain's questions, which programs may make long.
func (p *program) readList(name string) (language.File, diag.List, error) {
	const most = 128 << 20
	if name != "-" {
		limits := sources.DefaultLimits()
		limits.FileBytes = most
		return sources.ReadFile(name, limits)
	}
	data, err := io.ReadAll(io.LimitReader(p.in, most+1))
	if err == nil && len(data) > most {
		err = fmt.Errorf("stdin is larger than %d MiB", most>>20)
	}
	return language.File{Path: "stdin", Data: data}, nil, err
}
