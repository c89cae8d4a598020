// Package report writes what one run found, and what explain answers, for people and for
// machines.
//
// Its invariant: every format is written from the same sorted diag.Report, or the same
// explain.Answers, so none can say what another does not, and the same data gives the same
// bytes. What
// comes from the files being judged is hostile until a format's own escaping has
// made it inert: it moves no cursor, hides no character and starts no command of
// the system that shows it.
//
// It must not know how a finding came about, nor where the bytes go.
package report

import (
	"bufio"
	"fmt"
	"io"

	"portcullis.dev/policies/diag"
)

// Formats is the table of the formats there are, the default first. It is the only
// place that names them.
var Formats = []Format{
	textFormat,
	jsonFormat,
	briefFormat,
	sarifFormat,
	sarifGitHubFormat,
	githubFormat,
	gitlabFormat,
	junitFormat,
	markdownFormat,
}

// Lookup finds a format of reports by its name. The error names those there are.
func Lookup(name string) (Format, error) {
	names := make([]string, len(Formats))
	for i, f := range Formats {
		if f.Name == name {
			return f, nil
		}
		names[i] = f.Name
	}
	return Format{}, unknownFormat(ofFindings, name, names)
}

// Write writes the whole report in the format. The error is the writer's.
func Write(w io.Writer, f Format, r diag.Report, o Options) error {
	buffered := bufio.NewWriter(w)
	if err := f.write(buffered, r, o); err != nil {
		return fmt.Errorf("write the %s report: %w", f.Name, err)
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("write the %s report: %w", f.Name, err)
	}
	return nil
}
