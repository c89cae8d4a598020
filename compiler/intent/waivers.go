package intent

import (
	"fmt"
	"slices"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
)

// WorkloadRef is a workload in full: namespace/name. Its namespace may be a pattern
// of the Platform.
type WorkloadRef string

func (v *WorkloadRef) parse(word, tag string) *mistake {
	namespace, name, both := strings.Cut(word, "/")
	if tag != "!!str" || !both || !isNamespace(namespace) || !dnsLabel.MatchString(name) {
		return &mistake{rule: badName, message: fmt.Sprintf("%.80q names no intent", word), hint: "write namespace/name"}
	}
	*v = WorkloadRef(word)
	return nil
}

// Is reports whether the reference means the workload, given as namespace/name.
func (v WorkloadRef) Is(workload string) bool {
	namespace, name, _ := strings.Cut(string(v), "/")
	otherNamespace, otherName, _ := strings.Cut(workload, "/")
	return name == otherName && NamespaceName(namespace).Is(otherNamespace)
}

// Is reports whether the name, or pattern, means the namespace.
func (v NamespaceName) Is(namespace string) bool {
	return string(v) == namespace || v.Covers(namespace)
}

// ObjectRef is an object as evidence spells it: Kind/namespace/name, or Kind/name for
// what has no namespace.
type ObjectRef string

func (v *ObjectRef) parse(word, tag string) *mistake {
	parts := strings.Split(word, "/")
	if tag != "!!str" || len(parts) < 2 || len(parts) > 3 || slices.Contains(parts, "") || strings.ContainsAny(word, " \t,") {
		return &mistake{rule: badName, message: fmt.Sprintf("%.80q names no object", word),
			hint: "write Kind/namespace/name, as in NetworkPolicy/shop/web, or Kind/name for what has no namespace"}
	}
	*v = ObjectRef(word)
	return nil
}

// Covers reports whether a port, as evidence spells it, is one of those that the word
// stands for; a name stands for what the workload declares under it.
func (v PortRef) Covers(evidence string, declared []plan.NamedPort) bool {
	var asked PortRef
	if asked.parse(evidence, "!!str") != nil {
		return false
	}
	if asked.Name != "" {
		return asked.Name == v.Name
	}
	return len(plan.SubtractPorts(asked.Ports, v.Of(declared))) == 0
}

// Of are the ports that the word stands for, where a workload declares those.
func (v PortRef) Of(declared []plan.NamedPort) []plan.Port {
	for _, p := range declared {
		if v.Name != "" && p.Name == v.Name {
			return p.Ports
		}
	}
	return v.Ports
}

// PortsOf are the ports that evidence spells out, if it does.
func PortsOf(evidence string) (ports []plan.Port, ok bool) {
	var asked PortRef
	if asked.parse(evidence, "!!str") != nil || asked.Name != "" {
		return nil, false
	}
	return asked.Ports, true
}

// mostWaiverDays is ten years: more is no exception.
const mostWaiverDays = 3650

// checkWaivers refuses waivers that would accept a rule's findings wherever they are,
// and a time for waivers that is none.
func (r *Repository) checkWaivers() diag.List {
	var found diag.List
	if checks := r.Platform.Spec.Checks; checks != nil && checks.WaiverDays.Given() && (checks.WaiverDays.Value < 1 || checks.WaiverDays.Value > mostWaiverDays) {
		found = append(found, wrongType.At(checks.WaiverDays.Span, "expected a number of days from 1 to %d, found %d", mostWaiverDays, checks.WaiverDays.Value).
			Suggest("say for how many days a waiver may be granted; 90 unless it is given"))
	}
	for _, w := range r.Waivers {
		m := w.Spec.Match
		if !m.Span.IsZero() && !m.Intent.Given() && !m.Namespace.Given() && !m.Object.Given() {
			found = append(found, missingField.At(m.Span, "intent, namespace or object is missing here").
				Because("a waiver lifts traffic that lines mean, and not a rule's findings wherever they are").
				Suggest("add the intent (namespace/name), or the namespace, whose lines mean the traffic"))
		}
	}
	return found
}

// Ending is something that is written to hold until a day.
type Ending struct {
	What  string // for people
	Until At[Date]
}

// Endings are the lines and quarantines of the repository that have a last day, in
// the order of their places.
func (r *Repository) Endings() []Ending {
	var all []Ending
	add := func(what string, until At[Date]) {
		if until.Value != "" {
			all = append(all, Ending{what, until})
		}
	}
	for _, i := range r.Intents {
		for _, l := range i.Spec.Inbound {
			add("this line", l.Until)
		}
		for _, l := range i.Spec.Outbound {
			add("this line", l.Until)
		}
	}
	if r.Platform != nil {
		for _, l := range r.Platform.Spec.Flows {
			add("this line", l.Until)
		}
		for _, q := range r.Platform.Spec.Quarantine {
			add("this quarantine", q.Until)
		}
	}
	slices.SortStableFunc(all, func(a, b Ending) int { return a.Until.Span.Compare(b.Until.Span) })
	return all
}
