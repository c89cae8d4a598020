package diag

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Among are things of which a finding says the same: findings that differ in nothing else
// become one, which lists them.
type Among struct {
	Message string   // of the finding; NamesHere stands for the names
	Hint    string   // of the finding, above what is pasted
	Names   []string // of one finding: its own
	Paste   []Paste  // manifests that mend it
	Most    int      // how many names are listed before the rest is counted

	in map[string][]string // of names of which that is not found in all environments: in which
}

// Paste is YAML that mends a finding for each of some names: NamesHere stands for the name.
type Paste struct {
	YAML  string
	Names []string
}

// For writes what is pasted for one of the names.
func (p Paste) For(name string) string { return strings.ReplaceAll(p.YAML, NamesHere, name) }

// text writes what is pasted for the first of the names, and for whom it is to be written again.
func (p Paste) text() string {
	names := unique(p.Names)
	if len(names) == 0 {
		return p.YAML
	}
	again := ""
	if rest := names[1:]; len(rest) > 0 {
		again = "# This once more, with another name in place of " + names[0] + ":"
		width := pasteWidth
		for i, name := range rest {
			if i < len(rest)-1 {
				name += ","
			}
			if width += 1 + len(name); width > pasteWidth {
				again += "\n#  "
				width = 3 + len(name)
			}
			again += " " + name
		}
		again += "\n"
	}
	return again + p.For(names[0])
}

// pasteWidth is how long a line of names is.
const pasteWidth = 96

// NamesHere is where in a message the names are, and in what is pasted each of them.
const NamesHere = "{names}"

// Of gives the diagnostic the message and the hint for the names among which it says the same.
func (d Diagnostic) Of(a Among) Diagnostic {
	a.Names = unique(a.Names)
	d.Among = &a
	d.Message = strings.Replace(a.Message, NamesHere, listed(a.called(), a.Most), 1)
	d.Hint = a.Hint
	if len(a.Paste) > 0 {
		d.Hint = strings.TrimPrefix(d.Hint+"\n"+strings.Join(a.texts(), "\n---\n"), "\n")
	}
	return d
}

// called writes the names of which a finding says the same, each with its environments where
// those are not the finding's.
func (a Among) called() []string {
	if len(a.in) == 0 {
		return a.Names
	}
	called := slices.Clone(a.Names)
	for i, name := range a.Names {
		if in := a.in[name]; len(in) > 0 {
			called[i] = fmt.Sprintf("%s (%s)", name, strings.Join(in, ", "))
		}
	}
	return called
}

// texts writes what is pasted, the same once.
func (a Among) texts() []string {
	var pastes []Paste
	for _, p := range a.Paste {
		if i := slices.IndexFunc(pastes, func(q Paste) bool { return q.YAML == p.YAML }); i >= 0 {
			pastes[i].Names = append(slices.Clip(pastes[i].Names), p.Names...)
		} else {
			pastes = append(pastes, p)
		}
	}
	texts := make([]string, 0, len(pastes))
	for _, p := range pastes {
		texts = append(texts, p.text())
	}
	return unique(texts)
}

// unique sorts names, each once.
func unique(words []string) []string {
	words = slices.Clone(words)
	slices.Sort(words)
	return slices.Compact(words)
}

// listed lists names, and counts those beyond the most.
func listed(names []string, most int) string {
	if most <= 0 || len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// together makes one of the findings that say the same of several things: at the place of
// the first, with the others' beside it. What is waived or known stays apart from what is not. What
// is found in some environments only says so at the name. The list is sorted.
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

// sameness writes a key that is equal for findings that differ in nothing but what they are
// about. What says no object may stand at several places; what stands at one place is about one
// object, whatever that is called in the namespaces and environments for which it is built.
func (d Diagnostic) sameness() string {
	if d.Among == nil {
		return ""
	}
	parts := []any{d.Rule.Code, d.Severity, d.Among.Message, d.Among.Hint, d.Why, d.WaivedBy, d.WaivedUntil, d.KnownBy}
	switch {
	case d.Subject.IsZero():
	case d.Span.IsZero():
		parts = append(parts, d.Subject)
	default:
		parts = append(parts, d.Subject.Object.Kind, d.Subject.Pointer, d.Span)
	}
	return fmt.Sprintf("%q", parts)
}

// one makes the one finding that says what all of the list, which say the same of several things,
// say.
func (l List) one() Diagnostic {
	d := l[0]
	if len(l) == 1 {
		return d
	}
	a := *d.Among
	a.Names, a.Paste, a.in = nil, nil, map[string][]string{}
	d.Environments = slices.Clone(d.Environments)
	evidence := map[string][]string{}
	d.Related = nil
	for i, e := range l {
		a.Names = append(a.Names, e.Among.Names...)
		d.Environments = union(d.Environments, e.Environments)
		for _, name := range e.Among.Names {
			if in, known := a.in[name]; known {
				a.in[name] = union(in, e.Environments)
			} else {
				a.in[name] = e.Environments
			}
		}
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
	maps.DeleteFunc(a.in, func(_ string, in []string) bool { return slices.Equal(in, d.Environments) })
	d.Evidence = map[string]string{}
	for key, values := range evidence {
		d.Evidence[key] = strings.Join(unique(values), evidenceSeparator)
	}
	return d.Of(a)
}
