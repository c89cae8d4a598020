package resolve

import (
	"slices"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
)

// line is any line of the language, whoever wrote it.
type line struct {
	span     diag.Span
	from, to []language.At[language.Peer] // nil is the line's own workload
	terms    *language.Terms
	home     *instance // nil for the Platform
}

// lines collects all lines of the repository, those of an intent once for each namespace in which
// it stands.
func (r *repository) lines() []line {
	count := len(r.Platform.Spec.Flows)
	for i := range r.instances {
		count += len(r.instances[i].intent.Spec.Inbound) + len(r.instances[i].intent.Spec.Outbound)
	}
	all := make([]line, 0, count)
	for i := range r.instances {
		home := &r.instances[i]
		spec := &home.intent.Spec
		for i := range spec.Inbound {
			l := &spec.Inbound[i]
			all = append(all, line{span: l.Span, from: l.From, terms: &l.Terms, home: home})
		}
		for i := range spec.Outbound {
			l := &spec.Outbound[i]
			all = append(all, line{span: l.Span, to: l.To, terms: &l.Terms, home: home})
		}
	}
	for i := range r.Platform.Spec.Flows {
		if l := &r.Platform.Spec.Flows[i]; l.From != nil && l.To != nil {
			all = append(all, line{span: l.Span, from: l.From, to: l.To, terms: &l.Terms})
		}
	}
	// A line that names nobody is refused where it is read, and goes no further.
	return slices.DeleteFunc(all, func(l line) bool { return l.from == nil && l.to == nil })
}

// test is a test, whoever wrote it.
type test struct {
	language.Test
	span diag.Span
	home *instance // nil for the Platform
}

// tests collects all tests of the repository that could be read, beside its lines.
func (r *repository) tests() []test {
	var all []test
	add := func(list []language.At[language.Test], home *instance) {
		for _, t := range list {
			if t.Value.Text != "" {
				all = append(all, test{t.Value, t.Span, home})
			}
		}
	}
	for i := range r.instances {
		add(r.instances[i].intent.Spec.Tests, &r.instances[i])
	}
	add(r.Platform.Spec.Tests, nil)
	return all
}
