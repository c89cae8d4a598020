package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"portcullis.dev/compiler/delta"
	"portcullis.dev/compiler/reach"
)

// DiffOptions are what a caller may choose about the look of a difference.
type DiffOptions struct {
	LinkBase string // of a seat, to which a path is added: https://…/blob/SHA/
	Key      string // of several comments of one pull request
	Color    bool   // ANSI colours, in texts
	Width    int    // of the terminal, or 0

	Version   string                // the program's, for formats that name it
	Directory string                // in which files lie, for formats of findings; empty where the run is
	Fails     func(delta.Risk) bool // whether a risk fails the run; nil for none
}

// DiffFormat is one way to write a difference.
type DiffFormat struct {
	Name        string // as in -o NAME
	Description string // for help texts: a clause without a full stop
	write       func(w *bufio.Writer, d *delta.Diff, o DiffOptions) error
}

// DiffFormats is the table of the formats there are, the default first.
var DiffFormats = []DiffFormat{
	{"text", "for people: what is opened and closed, because of which line", writeDiffText},
	{"json", "for programs: as diff.schema.json describes it", writeDiffJSON},
	asFindings(sarifFormat, "for programs: the risks as results of SARIF 2.1.0"),
	asFindings(sarifGitHubFormat, "for GitHub's code scanning: the same, cut to what it takes"),
	asFindings(githubFormat, "for GitHub Actions: the risks as annotations of a pull request"),
	asFindings(gitlabFormat, "for GitLab's code quality: the risks in the lines of a merge request"),
	{"junit", "for lists of test results: a case for each risk, which fails where --fail-on-risk asks for it", writeDiffJUnit},
	{"markdown", "for reviews: the comment of a pull request", writeDiffMarkdown},
}

// LookupDiff finds a format of differences by its name.
func LookupDiff(name string) (DiffFormat, error) {
	names := make([]string, len(DiffFormats))
	for i, f := range DiffFormats {
		if names[i] = f.Name; f.Name == name {
			return f, nil
		}
	}
	return DiffFormat{}, unknownFormat(ofDifferences, name, names)
}

// WriteDiff writes a difference in the format. The error is the writer's.
func WriteDiff(w io.Writer, f DiffFormat, d *delta.Diff, o DiffOptions) error {
	buffered := bufio.NewWriter(w)
	err := f.write(buffered, d, o)
	if err == nil {
		err = buffered.Flush()
	}
	if err != nil {
		return fmt.Errorf("write the difference as %s: %w", f.Name, err)
	}
	return nil
}

// refWords names a side of a difference: by what people call it, and the commit that it is.
func refWords(s *delta.Side) string {
	if s.Commit == "" {
		return s.Ref
	}
	return s.Ref + " " + s.Commit[:min(7, len(s.Commit))]
}

// riskWords counts the risks of a difference by level.
func riskWords(d *delta.Diff) string {
	var words []string
	for _, l := range delta.Levels {
		n := 0
		for _, r := range d.Risks() {
			if r.Level == l {
				n++
			}
		}
		if n > 0 {
			word := string(l)
			if l == delta.High {
				word = "HIGH"
			}
			words = append(words, fmt.Sprintf("%d %s", n, word))
		}
	}
	return strings.Join(words, ", ")
}

// termsWithState names the ends of a change, with a word for one that a single side of the
// difference has.
func termsWithState(all []reach.Term) string {
	text := reach.TermWords(all)
	if len(all) == 1 && all[0].State != "" {
		text += " (" + all[0].State + ")"
	}
	return text
}

// whereOf names the environments of a change, as the formats of a difference show them.
func whereOf(d *delta.Diff, in []string) string {
	if len(in) == 0 {
		return ""
	}
	return whereWords(in, d.Environments, d.Groups)
}

// ownChanges lists the changes of a difference that are told one by one: ends that are closed or
// open as a whole are told once, among what holds people.
func ownChanges(d *delta.Diff) []*delta.Change {
	var all []*delta.Change
	for i := range d.Changes {
		if !d.Changes[i].Isolation {
			all = append(all, &d.Changes[i])
		}
	}
	return all
}

// count counts the changes of a difference with a sign, and of the opened those by which ports
// became more.
func count(all []*delta.Change, s delta.Sign) (n, wider int) {
	for _, x := range all {
		if x.Sign == s {
			n++
			if x.Was != "" {
				wider++
			}
		}
	}
	return n, wider
}

// newCodes lists the codes of errors that the new side of a difference has and the old one has
// not, and counts these errors.
func newCodes(d *delta.Diff) (codes []string, n int) {
	for _, f := range d.NewFindings {
		if f.Severity.String() == "error" {
			n++
			if !slices.Contains(codes, f.Rule.Code) {
				codes = append(codes, f.Rule.Code)
			}
		}
	}
	return codes, n
}
