package intent

import (
	"slices"

	"portcullis.dev/policies/diag"
)

// line is any line of the language, whoever wrote it.
type line struct {
	span     diag.Span
	from, to []At[Peer] // nil is the line's own workload
	terms    Terms
	home     *instance // nil for the Platform
}

// lines are all of the repository's, those of an intent once for each namespace in
// which it stands.
func (k *known) lines() []line {
	var all []line
	for i := range k.instances {
		home := &k.instances[i]
		for _, l := range home.intent.Spec.Inbound {
			all = append(all, line{span: l.Span, from: l.From, terms: l.Terms, home: home})
		}
		for _, l := range home.intent.Spec.Outbound {
			all = append(all, line{span: l.Span, to: l.To, terms: l.Terms, home: home})
		}
	}
	for _, l := range k.Platform.Spec.Flows {
		if l.From != nil && l.To != nil {
			all = append(all, line{span: l.Span, from: l.From, to: l.To, terms: l.Terms})
		}
	}
	// A line that names nobody is refused where it is read, and goes no further.
	return slices.DeleteFunc(all, func(l line) bool { return l.from == nil && l.to == nil })
}

// test is a test, whoever wrote it.
type test struct {
	Test
	span diag.Span
	home *instance // nil for the Platform
}

// tests are all that could be read.
func (k *known) tests() []test {
	var all []test
	add := func(list []At[Test], home *instance) {
		for _, t := range list {
			if t.Value.text != "" {
				all = append(all, test{t.Value, t.Span, home})
			}
		}
	}
	for i := range k.instances {
		add(k.instances[i].intent.Spec.Tests, &k.instances[i])
	}
	add(k.Platform.Spec.Tests, nil)
	return all
}
