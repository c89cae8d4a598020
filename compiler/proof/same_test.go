package proof

import (
	"testing"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/testdata/differing"
)

// TestSameLooksAtEverything: what differs in any field of a plan is not the same to a proof, but for
// what only findings tell, and what is compared or asked apart.
func TestSameLooksAtEverything(t *testing.T) {
	t.Parallel()
	differing.AnywhereBut(t, samePlan, "Environment", "Flows", "Workloads", "Tests", "Components", "Platform",
		"Namespaces.Owner", "Namespaces.Span", "Guardrails.Why", "Guardrails.Span", "Quarantine.Why", "Quarantine.Ticket", "Quarantine.Until", "Quarantine.Span")
	differing.AnywhereBut(t, func(a, b *plan.Workload) bool { return sameWorkload(*a, *b) }, "Owner", "Span", "SelectorSpan", "Ports.Span")
}
