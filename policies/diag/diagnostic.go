// Package diag is the ground floor: how the program says that something is
// wrong, where, why and how to mend it.
//
// Its invariant: a Diagnostic is data. It holds no source text, no colour and no
// layout, so that every report format is written from the same sorted list and
// none can say what another does not.
//
// It must not know what is being judged: no policy, no intent, no file format.
package diag

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Severity says what a finding does to the exit code. The zero Severity is
// invalid: a rule must choose.
type Severity int

// The severities, weakest first, so that they compare with < and >.
const (
	Info Severity = iota + 1
	Warning
	Error
)

var severityNames = map[Severity]string{Info: "info", Warning: "warning", Error: "error"}

// String names the severity in lower case.
func (s Severity) String() string {
	if name, ok := severityNames[s]; ok {
		return name
	}
	return fmt.Sprintf("severity(%d)", int(s))
}

// ParseSeverity reads a severity's name. The error lists the names there are.
func ParseSeverity(name string) (Severity, error) {
	for s, n := range severityNames {
		if n == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("unknown severity %q: expected info, warning or error", name)
}

// MarshalText writes the severity's name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the severity's name.
func (s *Severity) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSeverity(string(text))
	return err
}

// Rule is a kind of finding. Its Code never changes meaning and is never used
// again for another; the packages that find something each export a table of the
// rules they know.
type Rule struct {
	Code     string   // PC and three digits; the first is the family
	Title    string   // what is wrong, in a few words
	Why      string   // what the rule is about and why it matters, in sentences
	Mend     string   // how to mend what it finds, in sentences
	See      []string // addresses of what others say about it
	Severity Severity // unless the Platform says otherwise
}

// Help joins all that is known of the rule to one text, as reports carry it.
func (r *Rule) Help() string {
	parts := []string{r.Why, r.Mend}
	for _, address := range r.See {
		parts = append(parts, "See "+address+".")
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}

// MarshalJSON writes the rule as reports list it.
func (r *Rule) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // whoever writes the document decides
	err := enc.Encode(struct {
		Code     string   `json:"code"`
		Title    string   `json:"title"`
		Help     string   `json:"help"` // why it matters and how to mend it
		Severity Severity `json:"severity"`
	}{r.Code, r.Title, r.Help(), r.Severity})
	return b.Bytes(), err
}

// Unjudgeable reports whether a finding of this rule means that the input could
// not be judged at all: it does not parse (PC0xx) or makes no sense as intent
// (PC1xx). Such findings cannot be waived and end the program with exit code 2.
func (r *Rule) Unjudgeable() bool {
	return r.family() == '0' || r.family() == '1'
}

// Fixed reports whether nobody can lower the rule: an input that could not be judged
// (PC0xx, PC1xx) or a proof that failed (PC3xx) leaves nothing to be accepted.
func (r *Rule) Fixed() bool { return r.Unjudgeable() || r.family() == '3' }

// Waivable reports whether a finding of the rule can be accepted for a time. Beside
// the fixed ones, findings of governance (PC5xx) cannot: a waiver must not excuse
// itself.
func (r *Rule) Waivable() bool { return !r.Fixed() && r.family() != '5' }

// family reads the family off a rule's code: its first digit, or 0 for a code that has none.
func (r *Rule) family() byte {
	if len(r.Code) != 5 {
		return 0
	}
	return r.Code[2]
}

// ObjectID names one Kubernetes object the way its API server does. Namespace is
// empty for cluster-scoped kinds; Group is empty for the core group.
type ObjectID struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// IsZero reports whether the ID names nothing.
func (id ObjectID) IsZero() bool { return id == ObjectID{} }

// String names an object: Kind namespace/name, or Kind name for a cluster-scoped one.
func (id ObjectID) String() string {
	if id.Namespace == "" {
		return id.Kind + " " + id.Name
	}
	return id.Kind + " " + id.Namespace + "/" + id.Name
}

// Compare orders IDs by namespace (cluster-scoped first), group, kind and name.
func (id ObjectID) Compare(other ObjectID) int {
	order := strings.Compare(id.Namespace, other.Namespace)
	if order == 0 {
		order = strings.Compare(id.Group, other.Group)
	}
	if order == 0 {
		order = strings.Compare(id.Kind, other.Kind)
	}
	if order == 0 {
		order = strings.Compare(id.Name, other.Name)
	}
	return order
}

// Subject points into an object rather than into a file: it is how everything
// that judges rendered objects says where. The build turns it into a Span before
// a list is sorted, waived or printed.
type Subject struct {
	Object  ObjectID `json:"object,omitzero"`
	Pointer string   `json:"pointer,omitempty"` // RFC 6901 JSON pointer; empty for the object as a whole
}

// IsZero reports whether the subject points at nothing.
func (s Subject) IsZero() bool { return s == Subject{} }

// Compare orders subjects by object and pointer.
func (s Subject) Compare(t Subject) int {
	return cmp.Or(s.Object.Compare(t.Object), cmp.Compare(s.Pointer, t.Pointer))
}

// Related is a second place that explains the first: the other declaration, the
// rule that decides, the policy that shadows.
type Related struct {
	Span    Span    `json:"span,omitzero"`
	Subject Subject `json:"subject,omitzero"`
	Message string  `json:"message"`
}

// Edit replaces the text of a span. An empty NewText deletes; a Span whose End
// equals its Start inserts.
type Edit struct {
	Span    Span   `json:"span"`
	NewText string `json:"newText"`
}

// Diagnostic is one finding.
type Diagnostic struct {
	Rule         *Rule             `json:"-"`
	Severity     Severity          `json:"severity"`
	Message      string            `json:"message"` // one clause: what was found, and what was expected
	Why          string            `json:"why,omitempty"`
	Subject      Subject           `json:"subject,omitzero"`
	Span         Span              `json:"span,omitzero"`
	Environments []string          `json:"environments,omitempty"` // sorted; empty means that it holds whatever the environment
	Evidence     map[string]string `json:"evidence,omitempty"`     // what it is about, for waivers and fingerprints
	WaivedBy     string            `json:"waivedBy,omitempty"`     // the waiver's name
	WaivedUntil  string            `json:"waivedUntil,omitempty"`  // its last day, UTC, as 2006-01-02
	KnownBy      string            `json:"knownBy,omitempty"`      // the file of the baseline that has it
	Related      []Related         `json:"related,omitempty"`
	Hint         string            `json:"hint,omitempty"` // what to do, for a person; may hold several lines
	Fix          []Edit            `json:"fix,omitempty"`  // what to do, for a machine; applied together
	Safe         bool              `json:"safe,omitempty"` // whether Fix says nothing else than is written, so that nobody need think
	Among        *Among            `json:"-"`              // nil where it says nothing of others alike

	// Cause is what one change would mend together with others of the rule: see CausedBy. A
	// report gives every finding one, and its Fingerprint, by which another run knows it again.
	Cause       string `json:"cause,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
	// Spelling is how the scalar that the subject points at is written instead: see Respell.
	Spelling string `json:"-"`
	// Content is the subject's pointer with items of lists named by what they say, so that one
	// more before them changes nothing; empty for the pointer as it is.
	Content string `json:"-"`
}

// At starts a diagnostic of the rule at a place in a file.
func (r *Rule) At(span Span, format string, args ...any) Diagnostic {
	return Diagnostic{Rule: r, Severity: r.Severity, Span: span, Message: fmt.Sprintf(format, args...)}
}

// On starts a diagnostic of the rule about an object.
func (r *Rule) On(subject Subject, format string, args ...any) Diagnostic {
	return Diagnostic{Rule: r, Severity: r.Severity, Subject: subject, Message: fmt.Sprintf(format, args...)}
}

// Because returns the diagnostic with the reason why this is wrong.
func (d Diagnostic) Because(format string, args ...any) Diagnostic {
	d.Why = fmt.Sprintf(format, args...)
	return d
}

// Suggest returns the diagnostic with the way to mend it.
func (d Diagnostic) Suggest(format string, args ...any) Diagnostic {
	d.Hint = fmt.Sprintf(format, args...)
	return d
}

// See returns the diagnostic with one more related place.
func (d Diagnostic) See(span Span, format string, args ...any) Diagnostic {
	d.Related = append(slices.Clip(d.Related), Related{Span: span, Message: fmt.Sprintf(format, args...)})
	return d
}

// Replace returns the diagnostic with an edit that puts text in place of span.
func (d Diagnostic) Replace(span Span, text string) Diagnostic {
	d.Fix = append(slices.Clip(d.Fix), Edit{Span: span, NewText: text})
	return d
}

// Mend returns the diagnostic with an edit as by Replace, which is safe: what is there now is
// refused or read as the very same thing, and there is one way to write what it says.
func (d Diagnostic) Mend(span Span, text string) Diagnostic {
	d = d.Replace(span, text)
	d.Safe = true
	return d
}

// Respell returns the diagnostic with the text by which the scalar that its subject points at is
// to be replaced, as by Mend, once somebody knows its place. An empty text is none.
func (d Diagnostic) Respell(text string) Diagnostic {
	d.Spelling = text
	return d
}

// Stands reports whether nobody has accepted the finding: it is neither waived nor known.
func (d Diagnostic) Stands() bool { return d.WaivedBy == "" && d.KnownBy == "" }

// Is reports whether the diagnostic is of the rule.
func (d Diagnostic) Is(r *Rule) bool { return d.Rule == r }

// compare orders findings as every report does: by place, then by rule, subject and text. It is
// total, so that the order of the input never shows, and leaves the environments to the end, so
// that what differs in them alone stands together.
func (d Diagnostic) compare(e Diagnostic) int {
	return cmp.Or(d.compareFinding(e), slices.Compare(d.Environments, e.Environments))
}

// compareFinding orders findings by everything but the environments.
func (d Diagnostic) compareFinding(e Diagnostic) int {
	return cmp.Or(
		d.Span.Compare(e.Span),
		cmp.Compare(d.Rule.Code, e.Rule.Code),
		d.Subject.Compare(e.Subject),
		cmp.Compare(d.Message, e.Message),
		cmp.Compare(e.Severity, d.Severity),
		cmp.Compare(d.WaivedBy, e.WaivedBy),
		cmp.Compare(d.WaivedUntil, e.WaivedUntil),
		cmp.Compare(d.KnownBy, e.KnownBy),
		compareMaps(d.Evidence, e.Evidence),
		cmp.Compare(d.Why, e.Why),
		cmp.Compare(d.Hint, e.Hint),
		cmp.Compare(d.Cause, e.Cause),
		slices.CompareFunc(d.Related, e.Related, Related.compare),
		slices.CompareFunc(d.Fix, e.Fix, Edit.compare),
		cmp.Compare(d.Spelling, e.Spelling),
	)
}

// compare orders related places of a diagnostic by span, subject and message.
func (r Related) compare(s Related) int {
	return cmp.Or(r.Span.Compare(s.Span), r.Subject.Compare(s.Subject), cmp.Compare(r.Message, s.Message))
}

// compare orders edits of a diagnostic by span and text.
func (e Edit) compare(f Edit) int {
	return cmp.Or(e.Span.Compare(f.Span), cmp.Compare(e.NewText, f.NewText))
}

// compareMaps orders the evidence of diagnostics, by keys and then by values.
func compareMaps(a, b map[string]string) int {
	keys := SortedKeys(a)
	return cmp.Or(slices.Compare(keys, SortedKeys(b)), slices.CompareFunc(keys, keys, func(k, _ string) int {
		return cmp.Compare(a[k], b[k])
	}))
}
