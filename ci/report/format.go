package report

import (
	"bufio"

	"portcullis.dev/policies/diag"
)

// Options are what a caller may choose about the look of a report.
type Options struct {
	Color bool // ANSI colours, in formats for people
	Width int  // columns after which such formats break prose; 0 for no break at all

	Full      bool   // every finding as it stands, however many there are, and what is waived
	Judged    bool   // texts end in what was judged and what was not
	NotJudged bool   // and list all of the latter
	Narrow    Narrow // what is shown
	Mendable  int    // how many findings check --fix would mend; 0 where nobody asks

	Version string        // the program's, for formats that name it
	FailOn  diag.Severity // the lowest that fails the run, for formats of which findings fail; none is Error
}

// Format is one way to write a report.
type Format struct {
	Name        string // as in -o NAME
	Description string // for help texts: a clause without a full stop
	write       func(w *bufio.Writer, r diag.Report, o Options) error
}
