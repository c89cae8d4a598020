package diag

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// CausedBy returns the diagnostic with what one change would mend together with others of the
// rule: the object that decides, an @name, a kind of file.
func (d Diagnostic) CausedBy(cause string) Diagnostic {
	d.Cause = cause
	return d
}

// causes completes each finding's cause: where no stage knows one, findings with one remedy
// have one. Further lines of a remedy are there to be pasted, and name the place.
func (l List) causes() {
	for i := range l {
		if d := &l[i]; d.Cause == "" {
			d.Cause = d.Remedy()
		}
	}
}

// Remedy is the sentence that says how to mend it.
func (d Diagnostic) Remedy() string {
	first, _, _ := strings.Cut(d.Hint, "\n")
	if first = strings.TrimSpace(first); first != "" {
		return first
	}
	return d.Rule.Help()
}

// fingerprints gives each finding of a sorted list the name by which a later run knows it
// again. Equal ones are told apart by their order.
func (l List) fingerprints() {
	times := map[string]int{}
	for i := range l {
		l[i].Fingerprint = l[i].Identity()
		times[l[i].Fingerprint]++
		if n := times[l[i].Fingerprint]; n > 1 {
			l[i].Fingerprint += fmt.Sprintf(":%d", n)
		}
	}
}

// Identity is the fingerprint of the finding alone, without a number. It hashes what stays when
// files move, lines are added and texts get better words: the rule, whom it is about, what in there by its content, the cause, unless that is but
// the text of a remedy, and what else it is evidence of: who accepts a port of one pod has not
// accepted another, nor another pod's.
func (d Diagnostic) Identity() string {
	who := d.Evidence[IntentEvidence]
	if id := d.Subject.Object; !id.IsZero() {
		who = strings.Join([]string{id.Kind, id.Namespace, id.Name}, "/")
	}
	where := d.Content
	if where == "" {
		where = d.Subject.Pointer
	}
	cause := d.Cause
	if cause == d.Remedy() {
		cause = ""
	}
	parts := []string{d.Rule.Code, who, where, cause}
	for _, key := range SortedKeys(d.Evidence) {
		if key != IntentEvidence && key != ObjectEvidence {
			parts = append(parts, key+"="+d.Evidence[key])
		}
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])[:16]
}
