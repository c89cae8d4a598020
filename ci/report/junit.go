package report

import (
	"bufio"
	"cmp"
	"encoding/xml"
	"fmt"
	"strings"

	"portcullis.dev/policies/diag"
)

var junitFormat = Format{
	Name:        "junit",
	Description: "for lists of test results: JUnit's XML, a case for each rule and for each test",
	write:       writeJUnit,
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string     `xml:"name,attr"`
	Class   string     `xml:"classname,attr"`
	Failure *junitSaid `xml:"failure"`
	Skipped *junitSaid `xml:"skipped"`
	Out     string     `xml:"system-out,omitempty"`
}

type junitSaid struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes three suites: the tests, the rules and what was not judged; those that hold
// something. encoding/xml escapes; what XML cannot hold at all, terminal has made visible.
func writeJUnit(w *bufio.Writer, r diag.Report, o Options) error {
	return encodeJUnit(w, []junitSuite{{Name: "tests", Cases: junitTests(r)}, {Name: "rules", Cases: junitRules(r, o)}, {Name: "not judged", Cases: junitPassedOver(r)}})
}

// encodeJUnit counts the cases of suites, and writes those that have any.
func encodeJUnit(w *bufio.Writer, suites []junitSuite) error {
	all := junitSuites{Name: "portcullis"}
	for _, s := range suites {
		for _, c := range s.Cases {
			s.Tests++
			switch {
			case c.Failure != nil:
				s.Failures++
			case c.Skipped != nil:
				s.Skipped++
			}
		}
		if s.Tests == 0 {
			continue
		}
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Suites = append(all.Suites, s)
	}
	w.WriteString(xml.Header)
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	return w.WriteByte('\n')
}

// junitTests makes a case of JUnit for each test: failed, or skipped where it is paused.
func junitTests(r diag.Report) []junitCase {
	var cases []junitCase
	for _, t := range r.Tests {
		c := junitCase{Name: terminal(t.Name) + environments(t.Environments), Class: terminal(t.Span.File)}
		switch t.Outcome {
		case diag.Failed:
			c.Failure = &junitSaid{"failed", terminal(t.Span.String())}
		case diag.Paused, diag.Skipped:
			c.Skipped = &junitSaid{string(t.Outcome), terminal(t.Span.String())}
		}
		cases = append(cases, c)
	}
	return cases
}

// junitRules makes a case of JUnit for each rule. It fails for what fails the run, and is skipped
// where all that it found is accepted; what else it found is output.
func junitRules(r diag.Report, o Options) []junitCase {
	shown := o.Narrow.of(r.Findings)
	failOn := cmp.Or(o.FailOn, diag.Error)
	of := map[*diag.Rule]diag.List{}
	for _, d := range shown {
		of[d.Rule] = append(of[d.Rule], d)
	}
	var cases []junitCase
	for _, rule := range rulesOf(r.Rules, shown) {
		var failing, others, accepted []string
		for _, d := range of[rule] {
			switch text := junitWords(d); {
			case !d.Stands():
				accepted = append(accepted, text)
			case d.Severity >= failOn:
				failing = append(failing, text)
			default:
				others = append(others, text)
			}
		}
		c := junitCase{Name: terminal(rule.Code + ": " + rule.Title), Class: "portcullis.rules"}
		switch {
		case len(failing) > 0:
			c.Failure = &junitSaid{counted(len(failing), "finding", "findings"), strings.Join(failing, "\n\n")}
			others = append(others, accepted...)
		case len(others) == 0 && len(accepted) > 0:
			c.Skipped = &junitSaid{fmt.Sprintf("%d accepted", len(accepted)), strings.Join(accepted, "\n\n")}
		default:
			others = append(others, accepted...)
		}
		c.Out = strings.Join(others, "\n\n")
		cases = append(cases, c)
	}
	return cases
}

// junitWords writes a finding as the text of a case of JUnit: headline, who accepted it, why and
// help.
func junitWords(d diag.Diagnostic) string {
	text := (&textWriter{}).headline(d)
	if d.WaivedBy != "" {
		text += "\n  waived by " + terminal(join(" until ", d.WaivedBy, d.WaivedUntil))
	}
	if d.KnownBy != "" {
		text += "\n  known by " + terminal(d.KnownBy)
	}
	for _, line := range append(lines(d.Why), help(d)...) {
		text += "\n  " + terminal(line)
	}
	return text
}

// junitPassedOver makes a skipped case of JUnit for each reason why something was not judged.
func junitPassedOver(r diag.Report) []junitCase {
	if r.Survey == nil {
		return nil
	}
	var cases []junitCase
	for _, n := range r.Survey.NotJudged {
		c := junitCase{Name: terminal(n.Text()), Class: "portcullis.not-judged", Skipped: &junitSaid{Message: "not judged", Text: terminal(n.Help)}}
		cases = append(cases, c)
	}
	return cases
}
