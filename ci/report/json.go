package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf16"

	"portcullis.dev/policies/diag"
)

var jsonFormat = Format{
	Name:        "json",
	Description: "for programs: everything that is known, as report.schema.json describes it",
	write:       writeJSON,
}

// jsonVersion is the version of the document. A field may be added within a
// version; none changes its meaning or disappears.
const jsonVersion = "v1alpha1"

type jsonReport struct {
	Version  string        `json:"version"`
	Findings []jsonFinding `json:"findings"`
	Rules    []*diag.Rule  `json:"rules"`
	Tests    []diag.Test   `json:"tests,omitempty"`
	Coverage any           `json:"coverage,omitempty"` // of tests, or else of the run
	Summary  summary       `json:"summary"`

	Assumptions []string `json:"assumptions,omitempty"`
}

// jsonCoverage is a coverage with what can be counted counted.
type jsonCoverage struct {
	Percent int `json:"percent"`
	diag.Coverage
}

// jsonFinding is a diagnostic that names its rule by the code; the rule itself is
// in the report's list.
type jsonFinding struct {
	Rule string `json:"rule"`
	diag.Diagnostic
}

// writeJSON writes the report as one JSON document: findings, rules, tests, coverage and the
// summary.
func writeJSON(w *bufio.Writer, r diag.Report, o Options) error {
	shown := o.Narrow.of(r.Findings)
	document := jsonReport{
		Version:  jsonVersion,
		Findings: make([]jsonFinding, len(shown)),
		Rules:    append([]*diag.Rule{}, r.Rules...),
		Tests:    r.Tests,
		Summary:  summarize(r.Findings),

		Assumptions: r.Assumptions,
	}
	for i, d := range shown {
		document.Findings[i] = jsonFinding{Rule: d.Rule.Code, Diagnostic: d}
	}
	switch {
	case len(r.Coverage) > 0:
		var all []jsonCoverage
		for _, c := range r.Coverage {
			all = append(all, jsonCoverage{c.Percent(), c})
		}
		document.Coverage = all
	case r.Survey != nil:
		document.Coverage = surveyed(r.Survey)
	}
	return writeDocument(w, document)
}

// writeDocument writes any JSON document, indented, so that it may be shown on a terminal.
func writeDocument(w *bufio.Writer, document any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(document); err != nil {
		return err
	}
	return writeInert(w, b.String())
}

// writeInert writes JSON so that it may be shown on a terminal: what would be hidden there, or be
// taken for a command, is written as JSON's own escape, which every parser turns back. Only
// strings can hold such runes.
func writeInert(w *bufio.Writer, document string) error {
	for len(document) > 0 {
		r, size, ok := inert(document)
		switch {
		case ok || r == '\n':
			w.WriteString(document[:size])
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(w, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(w, `\u%04x`, r)
		}
		document = document[size:]
	}
	return nil
}

// jsonLines writes a field of a JSON document that is a list, each element on a line of its own,
// for Git and grep.
func jsonLines(w *bufio.Writer, name string, n int, of func(int) any) error {
	w.WriteString(`, "` + name + `": [`)
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	for i := range n {
		line.Reset()
		if i > 0 {
			line.WriteByte(',')
		}
		line.WriteByte('\n')
		if err := enc.Encode(of(i)); err != nil {
			return err
		}
		line.Truncate(line.Len() - len("\n"))
		if err := writeInert(w, line.String()); err != nil {
			return err
		}
	}
	if n > 0 {
		w.WriteByte('\n')
	}
	w.WriteByte(']')
	return nil
}

type jsonField struct {
	name  string
	value any
}

// jsonFields writes further fields of a JSON document, each on a line of its own.
func jsonFields(w *bufio.Writer, fields []jsonField) error {
	for _, f := range fields {
		text, err := json.Marshal(f.value)
		if err != nil {
			return err
		}
		w.WriteString(",\n\"" + f.name + "\": ")
		if err := writeInert(w, string(text)); err != nil {
			return err
		}
	}
	return nil
}
