package diag

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

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

// Identity makes the fingerprint of the finding alone, without a number. It hashes what stays
// when files move, lines are added and texts get better words: the rule, whom it is about, what
// in there by its content, the cause, unless that is but the text of a remedy, and what else it
// is evidence of: who accepts a port of one pod has not accepted another, nor another pod's.
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
