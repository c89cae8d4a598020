package resolve

import (
	"fmt"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
)

// The caps bound the work of a run by what is written, far above what the largest fleets
// need. An intent that stands in several namespaces counts once for each.
const (
	mostLinesOfIntent       = 10_000    // inbound and outbound together
	mostLines               = 1_000_000 // of all intents and the Platform
	mostIntents             = 200_000
	mostIntentsPerNamespace = 20_000
	mostPairs               = 2_000_000 // of ends, for each pair that a line means
)

// capped finds the first of what exceeds a limit on intents, lines or whatever a run takes on:
// then nothing is done with it.
func (r *repository) capped() diag.List {
	over := func(span diag.Span, what, hint string) diag.List {
		return diag.List{language.TooMuch(span, what, hint)}
	}
	if n := len(r.instances); n > mostIntents {
		return over(r.instances[n-1].intent.Metadata.Name.Span, fmt.Sprintf("more than %d intents in all", mostIntents), "build the repository in several parts")
	}
	lines := len(r.Platform.Spec.Flows)
	perNamespace := map[string]int{}
	for n, i := range r.instances {
		spec := &i.intent.Spec
		own := len(spec.Inbound) + len(spec.Outbound)
		lines += own
		perNamespace[i.namespace]++
		switch {
		case own > mostLinesOfIntent:
			return over(r.instances[n].intent.Metadata.Name.Span, fmt.Sprintf("the intent has %d lines, expected %d at most", own, mostLinesOfIntent),
				"let one line name a set of workloads, a selector, or a range of addresses")
		case perNamespace[i.namespace] > mostIntentsPerNamespace:
			return over(i.intent.Metadata.Name.Span, fmt.Sprintf("more than %d intents in the namespace %s", mostIntentsPerNamespace, i.namespace),
				"share the workloads out among namespaces")
		case lines > mostLines:
			return over(i.intent.Metadata.Name.Span, fmt.Sprintf("more than %d lines in all", mostLines), "build the repository in several parts")
		}
	}
	if lines > mostLines {
		return over(r.Platform.Metadata.Name.Span, fmt.Sprintf("more than %d lines in all", mostLines), "let one flow name a set of workloads")
	}
	return nil
}
