package baseline

import (
	"fmt"
	"slices"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
)

// Known is a baseline that was read.
type Known struct {
	file    string
	entries []language.KnownFinding
}

// Read reads a baseline. With a mistake in it nothing is known.
func Read(f language.File) (Known, diag.List) {
	b, found := language.ReadBaseline(f)
	for i, k := range b.Findings {
		if n := k.Count; n.Given() && n.Value < 1 {
			found = append(found, language.WrongType.At(n.Span, "expected a number of findings, found %d", n.Value).
				Suggest("remove the entry, if there are none"))
		}
		if !k.Count.Given() {
			b.Findings[i].Count.Value = 1
		}
	}
	if found.Failed() {
		return Known{file: f.Path}, found
	}
	return Known{f.Path, b.Findings}, found
}

// Mark marks the findings that are known, and adds what is known and is there no more, unless
// something could not be judged: it may be there. Of the entries for files that nobody looked
// at nothing is said. The findings are sorted, and each is of one thing.
func (k Known) Mark(found diag.List, lookedAt func(file string) bool) diag.List {
	marked := slices.Clone(found)
	left := make([]int, len(k.entries))
	byFingerprint := map[string][]int{}
	for i, e := range k.entries {
		left[i] = int(e.Count.Value)
		f := string(e.Fingerprint.Value)
		byFingerprint[f] = append(byFingerprint[f], i)
	}
	// Those that are where they were come first: else one that is new could be taken for them.
	for _, moved := range []bool{false, true} {
		for j := range marked {
			d := &marked[j]
			if d.KnownBy != "" || !Knowable(*d) {
				continue
			}
			for _, i := range byFingerprint[d.Identity()] {
				if e := k.entries[i]; left[i] > 0 && d.Severity <= diag.Severity(e.Severity.Value) && (moved || e.File.Value == plain(d.Span.File)) {
					left[i]--
					d.KnownBy = k.file
					break
				}
			}
		}
	}
	if found.Unjudgeable() {
		return marked
	}
	for i, e := range k.entries {
		if left[i] > 0 && (!e.File.Given() || lookedAt(e.File.Value)) {
			marked = append(marked, k.gone(e, left[i]))
		}
	}
	return marked
}

// gone says of a known entry of the baseline that some of its findings, or all, are there no more.
func (k Known) gone(e language.KnownFinding, n int) diag.Diagnostic {
	what := string(e.Rule.Value)
	if e.Object.Given() {
		what += " of " + e.Object.Value
	} else {
		what += " (" + e.Message.Value + ")"
	}
	if all := int(e.Count.Value); n < all {
		what = fmt.Sprintf("%d of %d times %s", n, all, what)
	}
	return gone.At(e.Fingerprint.Span, "known, and not found any more: %s", what).
		Because("it would be known again if it came back").
		Suggest("write the baseline anew: portcullis check --write-baseline %s", k.file)
}
