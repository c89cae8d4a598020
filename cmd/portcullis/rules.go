package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"portcullis.dev/ci/report"
	"portcullis.dev/compiler"
	"portcullis.dev/policies/diag"
	examples "portcullis.dev/testdata/rules"
)

// rulesCommand describes the command rules: flags, help text and what it runs.
func rulesCommand(p *program) *cli.Command {
	var format form
	return &cli.Command{
		Name:      "rules",
		Usage:     "list the rules, or show the page of one",
		ArgsUsage: "[CODE]",
		Description: "Without a CODE it lists every rule by which Portcullis judges. With one, it says what the rule finds, " +
			"why that matters and how to mend it.",
		Flags: []cli.Flag{
			formFlag(&format, "the `FORMAT`: "+either(words(forms))),
		},
		Action: func(c *cli.Context) error { return p.rules(c, format) },
	}
}

// rules lists all rules as text or JSON, or shows the page of one.
func (p *program) rules(c *cli.Context, format form) error {
	if c.NArg() > 1 {
		return usageError{fmt.Errorf("rules takes one code, found %d arguments", c.NArg())}
	}
	all, err := compiler.AllRules(c.Context)
	if err != nil {
		return err
	}
	if code := c.Args().First(); code != "" {
		rule, err := ruleOf(all, code)
		if err != nil {
			return err
		}
		if format == formText {
			return p.rulePage(rule)
		}
		all = []*diag.Rule{rule}
	}
	if format == formJSON {
		enc := json.NewEncoder(p.out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(all)
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	for _, r := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\n", r.Code, r.Severity, r.Title)
	}
	return w.Flush()
}

// ruleOf finds the rule whose code the command rules was given, in capitals or not.
func ruleOf(all []*diag.Rule, code string) (*diag.Rule, error) {
	// Codes that look alike mean nothing alike: none is suggested.
	i := slices.IndexFunc(all, func(r *diag.Rule) bool { return strings.EqualFold(r.Code, code) })
	if i < 0 {
		return nil, usageError{fmt.Errorf("there is no rule %q; portcullis rules lists them", code)}
	}
	return all[i], nil
}

// rulePage writes what is known of one rule, with an example, for people.
func (p *program) rulePage(r *diag.Rule) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\nSeverity: %s", r.Code, r.Title, r.Severity)
	if r.Unjudgeable() {
		b.WriteString("; while it stands, the input cannot be judged (exit code 2)")
	}
	fmt.Fprintf(&b, "\n\n%s\n", report.Wrap(r.Help(), p.pageWidth(p.out)))
	if example := examples.Finding(r.Code); example != "" {
		b.WriteString("\nAn example:\n\n")
		for line := range strings.Lines(example) {
			b.WriteString(strings.TrimRight("    "+line, " \n") + "\n")
		}
	}
	_, err := io.WriteString(p.out, b.String())
	return err
}

// pageWidth computes how wide the command rules writes a rule's page: as the terminal, but no
// wider than people read well; without an end in a pipe.
func (p *program) pageWidth(w io.Writer) int {
	const widest = 80
	return min(p.width(w), widest)
}
