package diag

import "strings"

// CausedBy gives the diagnostic its cause: what one change would mend together with others of the
// rule, the object that decides, an @name, a kind of file.
func (d Diagnostic) CausedBy(cause string) Diagnostic {
	d.Cause = cause
	return d
}

// causes completes each finding's cause: where no stage knows one, findings with one remedy have
// one. Further lines of a remedy are there to be pasted, and name the place.
func (l List) causes() {
	for i := range l {
		if d := &l[i]; d.Cause == "" {
			d.Cause = d.Remedy()
		}
	}
}

// Remedy picks the sentence that says how to mend the finding, which is its cause where no other
// is known.
func (d Diagnostic) Remedy() string {
	first, _, _ := strings.Cut(d.Hint, "\n")
	if first = strings.TrimSpace(first); first != "" {
		return first
	}
	return d.Rule.Help()
}
