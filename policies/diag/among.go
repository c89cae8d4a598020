package diag

import (
	"fmt"
	"slices"
	"strings"
)

// Among are things of which a finding says the same: findings that differ in nothing else
// become one, which lists them.
type Among struct {
	Message string   // of the finding; NamesHere stands for the names
	Hint    string   // of the finding, above what is pasted
	Names   []string // of one finding: its own
	Paste   []string // manifests that mend it, which differ where the names do
	Most    int      // how many names are listed before the rest is counted
}

// NamesHere is where in a message the names are.
const NamesHere = "{names}"

// Of returns the diagnostic with the message and the hint for some names.
func (d Diagnostic) Of(a Among) Diagnostic {
	a.Names, a.Paste = unique(a.Names), unique(a.Paste)
	d.Among = &a
	d.Message = strings.Replace(a.Message, NamesHere, listed(a.Names, a.Most), 1)
	d.Hint = a.Hint
	if len(a.Paste) > 0 {
		d.Hint = strings.TrimPrefix(d.Hint+"\n"+strings.Join(a.Paste, "\n---\n"), "\n")
	}
	return d
}

func unique(words []string) []string {
	words = slices.Clone(words)
	slices.Sort(words)
	return slices.Compact(words)
}

func listed(names []string, most int) string {
	if most <= 0 || len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// together makes one of the findings that say the same of several things: at the place of
// the first, with the others' beside it. What is waived or known stays apart from what is not, and so
// does what is found in other environments. The list is sorted.
func (l List) together() List {
	var groups []List
	at := map[string]int{} // in groups, by what is equal
	for _, d := range l {
		key := d.sameness()
		if n, known := at[key]; known && d.Among != nil {
			groups[n] = append(groups[n], d)
			continue
		}
		at[key] = len(groups)
		groups = append(groups, List{d})
	}
	kept := l[:0:0]
	for _, alike := range groups {
		kept = append(kept, alike.one())
	}
	return kept
}

// sameness is equal for findings that differ in nothing but what they are about. What says
// no object may stand at several places.
func (d Diagnostic) sameness() string {
	if d.Among == nil {
		return ""
	}
	parts := []any{d.Rule.Code, d.Severity, d.Subject, d.Among.Message, d.Among.Hint, d.Why, d.WaivedBy, d.WaivedUntil, d.KnownBy, d.Environments}
	if !d.Subject.IsZero() {
		parts = append(parts, d.Span)
	}
	return fmt.Sprintf("%q", parts)
}

// one is the finding that says what all of the list say.
func (l List) one() Diagnostic {
	d := l[0]
	if len(l) == 1 {
		return d
	}
	a := *d.Among
	a.Names, a.Paste = nil, nil
	evidence := map[string][]string{}
	d.Related = nil
	for i, e := range l {
		a.Names = append(a.Names, e.Among.Names...)
		a.Paste = append(a.Paste, e.Among.Paste...)
		for key := range e.Evidence {
			evidence[key] = append(evidence[key], e.EvidenceOf(key)...)
		}
		if i > 0 && e.Span != d.Span && !e.Span.IsZero() {
			d.Related = append(d.Related, Related{Span: e.Span, Message: "the same of " + strings.Join(e.Among.Names, ", ")})
		}
		for _, r := range e.Related {
			if !slices.Contains(d.Related, r) {
				d.Related = append(d.Related, r)
			}
		}
	}
	d.Evidence = map[string]string{}
	for key, values := range evidence {
		d.Evidence[key] = strings.Join(unique(values), evidenceSeparator)
	}
	return d.Of(a)
}
