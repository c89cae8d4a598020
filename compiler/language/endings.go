package language

import (
	"slices"
)

// Resolved forgets the intents once plans say all that they do, for those of a fleet are a sixth of
// what a build holds: all but the ones with a last day, which are asked for their [Endings].
func (r *Repository) Resolved() {
	var some []*NetworkIntent
	for _, i := range r.Intents {
		spec := &i.Spec
		if slices.ContainsFunc(spec.Inbound, func(l Inbound) bool { return l.Until.Value != "" }) ||
			slices.ContainsFunc(spec.Outbound, func(l Outbound) bool { return l.Until.Value != "" }) {
			some = append(some, i)
		}
	}
	r.Intents = some
}

// Ending is something that is written to hold until a day.
type Ending struct {
	What  string // for people
	Until At[Date]
}

// Endings collects the lines and quarantines of the repository that have a last day, in
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
