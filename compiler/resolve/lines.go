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
	told     []told    // in the environment before, of each pair of ends
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

// written are the lines and tests of a repository, and whether any environment has
// them.
type written struct {
	lines                  []line
	tests                  []test
	linesExist, testsExist []bool
}

// nowhere complains of written lines and tests that no environment has. A line of an intent that
// stands in several namespaces need exist in one of them.
func (w written) nowhere() diag.List {
	if !slices.Contains(w.linesExist, false) && !slices.Contains(w.testsExist, false) {
		return nil
	}
	var found diag.List
	somewhere := map[diag.Span]bool{}
	for i, l := range w.lines {
		somewhere[l.span] = somewhere[l.span] || w.linesExist[i]
	}
	for i, t := range w.tests {
		somewhere[t.span] = somewhere[t.span] || w.testsExist[i]
	}
	complain := func(span diag.Span, what, why, hint string) {
		if !somewhere[span] {
			somewhere[span] = true
			found = append(found, neverExists.At(span, "%s", what).Because("%s", why).Suggest("%s", hint))
		}
	}
	for _, l := range w.lines {
		complain(l.span, "this line exists in no environment", "a flow exists where its line, both workloads and both namespaces do",
			"compare the line's in with those of the workloads and namespaces that it names")
	}
	for _, t := range w.tests {
		complain(t.span, "this test runs in no environment", "a test runs where both its ends exist, and one that never runs proves nothing",
			"compare the test's in with those of the workloads and namespaces that it names")
	}
	return found
}
