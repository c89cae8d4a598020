package proof

import (
	"reflect"
	"slices"

	"portcullis.dev/compiler/plan"
)

// What is the same here is so to a proof of halves, whatever it is called and whoever wrote it, why and
// where: findings alone tell that.

// samePlan reports whether a proof of halves reads the same of two plans, less what is compared by
// namespace (flows, and workloads), tests, which are asked again, and components, which it does not
// read but what they leave of the objects.
func samePlan(a, b *plan.Plan) bool {
	return slices.Equal(a.Targets, b.Targets) && reflect.DeepEqual(a.Cluster, b.Cluster) && a.DenyUnknown == b.DenyUnknown && a.Stages == b.Stages &&
		a.PlatformName == b.PlatformName && slices.EqualFunc(a.Namespaces, b.Namespaces, sameNamespace) &&
		slices.EqualFunc(a.Guardrails, b.Guardrails, sameGuardrail) &&
		slices.EqualFunc(a.Quarantine, b.Quarantine, func(a, b plan.Quarantined) bool { return a.End.Equal(&b.End) })
}

// sameNamespace reports whether a proof reads the same of two namespaces.
func sameNamespace(a, b plan.Namespace) bool {
	a.Owner, a.Span = b.Owner, b.Span
	return a.Equal(&b)
}

// sameWorkload reports whether a proof reads the same of two workloads.
func sameWorkload(a, b plan.Workload) bool {
	samePort := func(a, b plan.NamedPort) bool { return a.Name == b.Name && slices.Equal(a.Ports, b.Ports) }
	return a.Namespace == b.Namespace && a.Name == b.Name && a.DNS == b.DNS && a.HostNetwork == b.HostNetwork &&
		a.Selector.Equal(b.Selector) && slices.EqualFunc(a.Ports, b.Ports, samePort)
}

// sameGuardrail reports whether a proof reads the same of two guardrails.
func sameGuardrail(a, b plan.Guardrail) bool {
	sameEnds := func(a, b plan.End) bool { return a.Equal(&b) }
	return a.Name == b.Name && a.From.Equal(b.From) && a.To.Equal(b.To) && slices.Equal(a.Ports, b.Ports) && slices.EqualFunc(a.Unless, b.Unless, sameEnds)
}

// ofPatterns lists the workloads of a plan that are no line of a namespace's to a proof: those of
// patterns, and of namespaces that it does not list.
func ofPatterns(p *plan.Plan) (all []plan.Workload) {
	for i := range p.Workloads {
		if n, listed := p.Namespace(p.Workloads[i].Namespace); !listed || n.Pattern {
			all = append(all, p.Workloads[i])
		}
	}
	return all
}
