package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
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

func explainCommand(p *program) *cli.Command {
	var asked explaining
	return &cli.Command{
		Name:      "explain",
		Usage:     "say why a flow is allowed or denied, and what one change would turn that",
		ArgsUsage: "FLOW [DIR]",
		Description: "FLOW is \"SOURCE -> DESTINATION[:PORT]\", as tests are written:\n\n" +
			"   \"shop/cart -> shop/cart-cache:redis\"\n" +
			"   \"payments/* -> data/orders-db:5432\"\n" +
			"   \"192.0.2.7 -> shop/frontend:8080\"\n\n" +
			"Without a port it is about every port. It is answered for the repository of DIR, by default that of " +
			"the nearest portcullis.yaml, in each environment, or for manifests of anybody. A list of flows " +
			"(--file) is YAML or JSON: {from, to, protocol, port, icmp: {type, code}}, an end being " +
			"namespace/name of a pod or workload, or an address.",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "manifests", Usage: "answer for the manifests at this `PATH`: a file, a directory, or - for stdin; further arguments are further ones"},
			&cli.StringSliceFlag{Name: "env", Usage: "answer for this `ENVIRONMENT` of the repository alone; may be given several times"},
			&cli.StringFlag{Name: "file", Usage: "answer the questions listed in this `FILE`, or in stdin (-)"},
			formFlag(&asked.format, "the `FORMAT`: text or, of a list, json"),
			&typed[calicoRelease]{
				StringFlag: cli.StringFlag{Name: "calico", Value: newestCalico.String(), Usage: "explain manifests as this `RELEASE` of Calico evaluates them"},
				parse:      parseRelease, into: &asked.calico,
			},
			&cli.BoolFlag{Name: "exit-code", Usage: "exit with 1 unless all that was asked about is allowed", DisableDefaultText: true},
			colourFlag(&asked.colour),
			timeoutFlag(&asked.timeout),
		},
		Action: func(c *cli.Context) error { return p.explain(c, asked) },
	}
}

// explaining is what the command line asks for.
type explaining struct {
	flow, dir string
	manifests []string
	list      string // the file with the questions; empty: flow is the question
	format    form
	calico    calicoRelease
	colour    colour
	timeout   time.Duration
}

// arguments fills in what arguments say, and refuses what contradicts itself.
func (e *explaining) arguments(c *cli.Context) error {
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
	case len(others) == 1:
		e.dir = others[0]
	}
	switch {
	case e.list == "" && e.flow == "":
		return usageError{errors.New("explain needs a flow: \"SOURCE -> DESTINATION:PORT\", or a list of them by --file")}
	case e.list == "" && e.format == formJSON:
		return usageError{errors.New("-o json answers a list of flows: give it by --file")}
	case stdins(*e) > 1:
		return usageError{errors.New("- is given twice, and stdin can be read once: name a file for the manifests or for the flows")}
	case len(e.manifests) > 0 && len(c.StringSlice("env")) > 0:
		return usageError{errors.New("--env chooses environments of a repository; manifests have none")}
	case len(e.manifests) == 0 && c.IsSet("calico"):
		return usageError{errors.New("--calico is for manifests; in a repository the Platform says which release runs")}
	}
	return nil
}

// stdins is how often stdin is to be read.
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
	dir     string        // that the answers' places are below
	reports []diag.Report // on the input and on the questions
	answers []explain.Explanation
	list    explain.Answers
}

func (p *program) explain(c *cli.Context, asked explaining) error {
	if err := asked.arguments(c); err != nil {
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
	if asked.list != "" {
		return p.tellList(c, asked, t.list)
	}
	return p.tell(c, t.answers, t.reports[0].Sources, t.dir)
}

// answer reads what the questions are about, and answers them.
func (p *program) answer(ctx context.Context, c *cli.Context, asked explaining) (told, error) {
	e, dir, err := p.explained(ctx, c, asked)
	if err != nil {
		return told{}, err
	}
	t := told{dir: dir, reports: []diag.Report{under(dir, e.Report)}}
	switch {
	case e.Worlds == nil:
		return t, nil
	case asked.list != "":
		rep := diag.Report{}
		t.list, rep, err = p.answerList(e, asked.list, dir)
		t.reports = append(t.reports, rep)
		return t, err
	default:
		answers, rep := e.Explain(asked.flow)
		t.answers, t.reports = answers, append(t.reports, rep)
		return t, nil
	}
}

// tell writes explanations for people.
func (p *program) tell(c *cli.Context, answers []explain.Explanation, sources map[string][]byte, dir string) error {
	out := bufio.NewWriter(p.out)
	allowed := true
	for i, a := range answers {
		if i > 0 {
			fmt.Fprintln(out)
		}
		allowed = allowed && a.Allowed
		shown := map[diag.Span]bool{} // a line is quoted once, and then named
		for n, l := range a.Lines {
			text := report.Line(l.Text)
			if n == 0 && len(a.Environments) > 0 {
				text += " [" + report.Line(strings.Join(a.Environments, ", ")) + "]"
			}
			if shown[l.At] {
				l.At, l.Near = diag.Span{}, l.At
			}
			if !l.Near.IsZero() {
				text += " (" + report.Line(below(dir, l.Near).String()) + ")"
			}
			indent := strings.Repeat(" ", l.Indent)
			if text == "" {
				fmt.Fprintln(out)
				continue
			}
			if l.At.IsZero() {
				fmt.Fprintln(out, indent+text)
				continue
			}
			shown[l.At] = true
			fmt.Fprintln(out, indent+text+":")
			for _, quoted := range report.Quote(sources, below(dir, l.At)) {
				fmt.Fprintln(out, indent+"  "+quoted)
			}
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if c.Bool("exit-code") && !allowed {
		return findings{exitFindings}
	}
	return nil
}

// explained reads and renders what the questions are about.
func (p *program) explained(ctx context.Context, c *cli.Context, asked explaining) (*compiler.Explained, string, error) {
	var files []language.File
	var found diag.List
	if len(asked.manifests) > 0 {
		for _, name := range asked.manifests {
			more, f, err := p.readManifests(name)
			if err != nil {
				return nil, "", inputError(err)
			}
			files, found = append(files, more...), append(found, f...)
		}
		return compiler.ExplainManifests(files, found, int(asked.calico)), "", nil
	}
	dir, err := repository(asked.dir)
	if err != nil {
		return nil, "", err
	}
	files, found, err = sources.ReadRepository(dir, sources.DefaultLimits())
	if err != nil {
		return nil, "", inputError(err)
	}
	e, err := compiler.Options{Child: p.child(ctx)}.ExplainRepository(files, found, c.StringSlice("env"))
	return e, dir, err
}

// complain shows findings about the input, if there are some. They end the run where
// they are errors.
func (p *program) complain(asked explaining, rep diag.Report) error {
	if len(rep.Findings) == 0 {
		return nil
	}
	if err := report.Write(p.err, report.Formats[0], rep, report.Options{Color: p.colour(p.err, asked.colour), Width: width(p.err)}); err != nil {
		return err
	}
	if rep.Findings.Failed() {
		return findings{exitInput}
	}
	return nil
}

// answerList answers a list of questions.
func (p *program) answerList(e *compiler.Explained, name, dir string) (explain.Answers, diag.Report, error) {
	if len(e.Worlds) > 1 {
		return explain.Answers{}, diag.Report{}, usageError{fmt.Errorf("the answers differ by environment: choose one of %s by --env", strings.Join(environmentsOf(e), ", "))}
	}
	f, found, err := p.readList(name)
	if err != nil {
		return explain.Answers{}, diag.Report{}, inputError(err)
	}
	if len(found) > 0 {
		return explain.Answers{}, diag.NewReport(found, nil, nil), nil
	}
	all, rep := e.AnswerList(f)
	answers := all[e.Worlds[0].Environment]
	for i := range answers.Flows {
		for _, half := range []*explain.HalfAnswer{&answers.Flows[i].Egress, &answers.Flows[i].Ingress, answers.Flows[i].OnTheWay} {
			if half == nil {
				continue
			}
			half.File = below(dir, diag.Span{File: half.File}).File
		}
	}
	return answers, rep, nil
}

// tellList writes the answers to a list, each on a line of its own.
func (p *program) tellList(c *cli.Context, asked explaining, answers explain.Answers) error {
	out := bufio.NewWriter(p.out)
	if asked.format == formJSON {
		if err := answers.WriteJSON(out); err != nil {
			return err
		}
	} else {
		for _, a := range answers.Flows {
			fmt.Fprintf(out, "%s\tegress: %s\tingress: %s", a.Verdict, report.Line(a.Egress.Reason), report.Line(a.Ingress.Reason))
			if a.OnTheWay != nil {
				fmt.Fprintf(out, "\ton the way: %s", report.Line(a.OnTheWay.Reason))
			}
			fmt.Fprintln(out)
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if c.Bool("exit-code") && slices.ContainsFunc(answers.Flows, func(a explain.Answer) bool { return a.Verdict != "allow" }) {
		return findings{exitFindings}
	}
	return nil
}

func environmentsOf(e *compiler.Explained) []string {
	var names []string
	for _, w := range e.Worlds {
		names = append(names, w.Environment)
	}
	return names
}

// readList reads the file with the questions, which programs may make long.
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
