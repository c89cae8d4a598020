package report

import (
	"bufio"
	"cmp"
	"path"
	"strings"

	"portcullis.dev/compiler/delta"
	"portcullis.dev/compiler/reach"
	"portcullis.dev/policies/diag"
)

// What programs that take findings get of a difference is its risks, each as a finding of a rule
// with the name of its tag; and in the same way what could not be said at all, for a difference
// without risks must not look like one that nobody made.
var (
	notCompared = &diag.Rule{Code: "not-compared", Title: "a side that cannot be judged", Severity: diag.Error, Why: "Of traffic nothing could be compared."}
	notDecided  = &diag.Rule{Code: "not-decided", Title: "traffic of which it was not decided whether it is treated otherwise", Severity: diag.Warning, Why: "It took too many steps."}
)

var riskSeverities = map[delta.Level]diag.Severity{delta.High: diag.Error, delta.Medium: diag.Warning, delta.Low: diag.Info}

// risksOf is a difference as a report: its risks, at the lines of the new side. Files are named from
// where the run is, as other findings name them.
func risksOf(d *delta.Diff, o DiffOptions) diag.Report {
	rules := []*diag.Rule{notCompared, notDecided}
	of := map[string]*diag.Rule{}
	for _, tag := range delta.Risks {
		of[tag.Tag] = &diag.Rule{Code: tag.Tag, Title: tag.Sentence, Severity: riskSeverities[tag.Level]}
		rules = append(rules, of[tag.Tag])
	}
	var found diag.List
	add := func(r delta.Risk, at diag.Span, about, what string, in []string) {
		rule := of[r.Tag]
		if rule == nil { // which no table has
			rule = &diag.Rule{Code: r.Tag, Title: r.Tag}
		}
		if at.File != "" {
			at.File = path.Join(o.Directory, at.File)
		}
		one := rule.At(at, "%s", what).Testify(diag.FlowEvidence, about).CausedBy(about)
		one.Severity = riskSeverities[r.Level]
		text := r.Text
		if r.Perhaps {
			text = "perhaps: " + text
		}
		if text != "" {
			one = one.Because("%s", text)
		}
		if len(in) > 0 && len(in) < len(d.Environments) {
			one.Environments = in
		}
		found = append(found, one)
	}
	for _, s := range []*delta.Side{&d.Old, &d.New} {
		if s.Failed > 0 {
			found = append(found, notCompared.At(diag.Span{}, "no comparison of traffic: %s has %s", s.Ref, plural(s.Failed, "error", "errors")))
		}
	}
	for _, text := range d.Undecided {
		found = append(found, notDecided.At(diag.Span{}, "%s", text).CausedBy(text))
	}
	for _, x := range d.Changes {
		for _, r := range x.Risks {
			what := changeWord(x.Sign) + " " + x.Question()
			add(r, placeOf(x.Because), x.Question(), what, x.Environments)
		}
	}
	for _, n := range d.Governance {
		if n.Tag != "" {
			add(n.Risk, placeOf(n.Because), n.What, n.What, n.Environments)
		}
	}
	sources := make(map[string][]byte, len(d.New.Files))
	for name, text := range d.New.Files {
		sources[path.Join(o.Directory, name)] = text
	}
	return diag.NewReport(found, rules, sources)
}

// changeWord says of a risk what the change does: opens, closes or makes uncertain.
func changeWord(s delta.Sign) string {
	return cmp.Or(map[delta.Sign]string{delta.Opened: "opens", delta.Closed: "closes"}[s], "makes uncertain")
}

// placeOf is the line that means something now. What only the old side says has no line.
func placeOf(because []reach.Source) diag.Span {
	for _, s := range because {
		if s.Side != "old" && s.File != "" {
			return diag.Span{File: s.File, Start: diag.Position{Line: max(s.Line, 1), Column: max(s.Column, 1)}}
		}
	}
	return diag.Span{}
}

// asFindings makes a format of differences of one of findings.
func asFindings(f Format, description string) DiffFormat {
	return DiffFormat{f.Name, description, func(w *bufio.Writer, d *delta.Diff, o DiffOptions) error {
		return f.write(w, risksOf(d, o), Options{Version: o.Version})
	}}
}

// writeDiffJUnit writes a case for each risk of the table. It fails where the run does; what
// else there is of it is output.
func writeDiffJUnit(w *bufio.Writer, d *delta.Diff, o DiffOptions) error {
	r := risksOf(d, o)
	suite := junitSuite{Name: "risks"}
	for _, rule := range r.Rules {
		c := junitCase{Name: rule.Code + ": " + rule.Title, Class: "portcullis.risks"}
		var failing, others []string
		for _, f := range r.Findings {
			switch {
			case f.Rule.Code != rule.Code:
			case rule == notCompared || o.Fails != nil && o.Fails(delta.Risk{Tag: f.Rule.Code, Level: levelOf(f.Severity)}):
				failing = append(failing, junitWords(f))
			default:
				others = append(others, junitWords(f))
			}
		}
		if len(failing) > 0 {
			c.Failure = &junitSaid{counted(len(failing), "change", "changes"), strings.Join(failing, "\n\n")}
		}
		c.Out = strings.Join(others, "\n\n")
		suite.Cases = append(suite.Cases, c)
	}
	return encodeJUnit(w, []junitSuite{suite})
}

// levelOf finds the level of risk that a severity stands for in the formats of findings.
func levelOf(s diag.Severity) delta.Level {
	for level, severity := range riskSeverities {
		if severity == s {
			return level
		}
	}
	return delta.Low
}
