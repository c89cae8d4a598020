// Package baseline tells what somebody knows of his manifests from what is new: findings are
// written down once, and known again.
//
// Its invariant: what could not be judged or decided is neither written down nor known again, and
// what is graver, or one more than was written down, is new. Equal findings make equal bytes.
//
// It must not know how anything was found, nor what a report looks like.
package baseline

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/yamltext"
)

var gone = &diag.Rule{Code: "PC510", Severity: diag.Info,
	Title: "A known finding that is not found any more",
	Why:   "A baseline that keeps what was mended would know it again when it comes back, without anybody having looked at it.",
	Mend:  "Write the baseline anew: check --write-baseline. It gets shorter, and the difference is for a reviewer."}

// Rules are the findings of this package.
var Rules = []*diag.Rule{gone}

// Knowable reports whether a finding may be known: it says what was judged. Nobody knows what is
// behind a mistake in the input, or what took too long to decide, and governance excuses nothing
// of itself. What is waived has an owner and a last day, and needs no more.
func Knowable(d diag.Diagnostic) bool {
	return d.WaivedBy == "" && (d.Rule.Waivable() || d.Severity < diag.Error && d.Rule.Fixed() && !d.Rule.Unjudgeable())
}

// entry is what one finding is known by, and what people read of it.
type entry struct {
	file, code, object, message, fingerprint string
	severity                                 diag.Severity
}

// entryOf makes the baseline's entry of a finding.
func entryOf(d diag.Diagnostic) entry {
	e := entry{file: plain(d.Span.File), code: d.Rule.Code, message: short(plain(d.Message)), fingerprint: d.Identity(), severity: d.Severity}
	if id := d.Subject.Object; !id.IsZero() {
		e.object = plain(id.Evidence())
	}
	return e
}

// compare orders the entries of a baseline's file: first what a reviewer looks for first. No line
// counts in it, for lines move.
func (e entry) compare(f entry) int {
	return cmp.Or(cmp.Compare(e.file, f.file), cmp.Compare(e.code, f.code), cmp.Compare(e.object, f.object),
		cmp.Compare(e.fingerprint, f.fingerprint), cmp.Compare(f.severity, e.severity), cmp.Compare(e.message, f.message))
}

// Write writes the baseline of what is known from now on, in the form that fmt gives it. An error
// is a mistake of this package.
func Write(found diag.List) ([]byte, error) {
	var all []entry
	for _, d := range found {
		if Knowable(d) {
			all = append(all, entryOf(d))
		}
	}
	slices.SortFunc(all, entry.compare)
	var list yamltext.List
	for len(all) > 0 {
		first, n := all[0], 1
		for n < len(all) && all[n].sameAs(first) {
			n++
		}
		list = append(list, first.written(n))
		all = all[n:]
	}
	text := yamltext.Map{{Key: "apiVersion", Value: language.APIVersion}, {Key: "kind", Value: "Baseline"}, {Key: "findings", Value: list}}.YAML()
	text, mistakes, err := language.Format(language.File{Path: "baseline.yaml", Data: append([]byte(head), text...)})
	return text, errors.Join(err, mistakes.Err())
}

const head = "# What portcullis check found when this was written. It goes by what is new; this gets shorter.\n"

// sameAs reports whether another entry of a baseline differs in its message at most.
func (e entry) sameAs(f entry) bool {
	e.message = f.message
	return e == f
}

// written writes one entry of a baseline, with how many findings it stands for.
func (e entry) written(times int) yamltext.Map {
	m := yamltext.Map{{Key: "rule", Value: e.code}, {Key: "severity", Value: e.severity.String()}}
	for _, f := range []yamltext.Field{{Key: "file", Value: e.file}, {Key: "object", Value: e.object}} {
		if f.Value != "" {
			m = append(m, f)
		}
	}
	m = append(m, yamltext.Field{Key: "message", Value: e.message}, yamltext.Field{Key: "fingerprint", Value: e.fingerprint})
	if times > 1 {
		m = append(m, yamltext.Field{Key: "count", Value: times})
	}
	return m
}

// plain spells in a baseline's entry what no text of ours may hold: it comes from files of
// anybody.
func plain(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			fmt.Fprintf(&b, `\u{%x}`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// longest is how many characters of a message are written down: enough to know what is meant.
const longest = 160

// short cuts the message of a baseline's entry to what people read.
func short(text string) string {
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest-1]) + "…"
	}
	return text
}
