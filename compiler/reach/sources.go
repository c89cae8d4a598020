package reach

import (
	"cmp"
	"slices"

	"portcullis.dev/compiler/explain"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/packet"
)

// Kind is what stands behind traffic.
type Kind string

// The kinds of sources.
const (
	Intent     Kind = "intent"
	Platform   Kind = "platform"
	Guardrail  Kind = "guardrail"
	Quarantine Kind = "quarantine"
	Component  Kind = "component" // or whatever else is rendered and no line means
	Manifest   Kind = "manifest"
)

// Source is a line that means traffic, or what lets it through where none does.
type Source struct {
	Side   string `json:"side,omitempty"` // of a difference: old or new
	Kind   Kind   `json:"kind,omitempty"`
	File   string `json:"file"`
	Line   int32  `json:"line"`
	Column int32  `json:"column,omitempty"`
	Text   string `json:"text,omitempty"` // the line as it is written
	Why    string `json:"why,omitempty"`
	Owner  string `json:"owner,omitempty"`
	Intent string `json:"intent,omitempty"` // namespace/name; empty for the Platform's own
	Ticket string `json:"ticket,omitempty"`
	Until  string `json:"until,omitempty"`
}

// compare orders the sources of traffic by file, place, kind and reason.
func (s Source) compare(o Source) int {
	return cmp.Or(cmp.Compare(s.File, o.File), cmp.Compare(s.Line, o.Line), cmp.Compare(s.Column, o.Column), cmp.Compare(s.Kind, o.Kind), cmp.Compare(s.Why, o.Why))
}

// meant is traffic of a pair that some lines mean.
type meant struct {
	traffic Load
	sources []Source
}

// askedFor is a flow of the plan, or the way to DNS, as sources.
type askedFor struct {
	traffic Load
	sources []Source
}

// mean looks up for each pair with traffic which lines are its sources.
func (r *Relation) mean() {
	r.meant = map[Pair][]meant{}
	p := r.World.Plan
	if p == nil {
		return
	}
	owners := map[string]string{}
	for _, w := range p.Workloads {
		owners[w.Ref()] = w.Owner
	}
	senders, receivers := r.ends()
	for i := range p.Flows {
		f := &p.Flows[i]
		from := r.within(f.From, senders)
		if len(from) == 0 {
			continue
		}
		to := r.within(f.To, receivers)
		if len(to) == 0 {
			continue
		}
		l := askedFor{traffic: Both(plan.PacketsOn(f.Ports))}
		for _, o := range f.Origins {
			l.sources = append(l.sources, r.source(o, owners))
		}
		r.spread(l, from, to)
	}
	for _, s := range p.DNSServers() {
		dns := Source{Kind: Platform, File: p.Platform.File, Line: p.Platform.Start.Line, Column: p.Platform.Start.Column, Text: "dns", Why: DNS}
		l := askedFor{Both(plan.PacketsOn(s.Ports)), []Source{dns}}
		r.spread(l, senders.all, r.within(s.End, receivers))
	}
}

// DNS is what stands for the way to the cluster's name service, which no line need ask for.
const DNS = "names are resolved by the cluster's own DNS"

// source makes a source of the line of the plan that asked for a flow, with its owner, its reason
// and its text.
func (r *Relation) source(o plan.Origin, owners map[string]string) Source {
	s := Source{Kind: Intent, File: o.Span.File, Line: o.Span.Start.Line, Column: o.Span.Start.Column,
		Why: o.Why, Owner: owners[o.Intent], Intent: o.Intent, Ticket: o.Ticket, Until: o.Until}
	if o.Intent == "" {
		s.Kind = Platform
	}
	if r.World.Lines != nil {
		s.Text = r.World.Lines(s.File, int(s.Line))
	}
	return s
}

// some are members in order, and the pods among them by namespace.
type some struct {
	all         []int
	inNamespace map[string][]int
}

// ends gathers the members from which something passes, and those to which it does: of the others
// no line is a source of anything.
func (r *Relation) ends() (senders, receivers some) {
	sends, receives := make([]bool, len(r.Members)), make([]bool, len(r.Members))
	for p := range r.cells {
		sends[p.From], receives[p.To] = true, true
	}
	gather := func(is []bool) some {
		of := some{inNamespace: map[string][]int{}}
		for i := range r.Members {
			if !is[i] {
				continue
			}
			of.all = append(of.all, i)
			if m := &r.Members[i]; m.IsPod() {
				of.inNamespace[m.Endpoint.Namespace] = append(of.inNamespace[m.Endpoint.Namespace], i)
			}
		}
		return of
	}
	return gather(sends), gather(receives)
}

// within lists those of some members that are in an end of a flow of the plan.
func (r *Relation) within(e plan.End, among some) []int {
	candidates := among.all
	if e.Pods != nil && e.Pods.Namespace != "" {
		candidates = among.inNamespace[e.Pods.Namespace]
	}
	var all []int
	for _, i := range candidates {
		if r.World.Has(e, &r.Members[i]) {
			all = append(all, i)
		}
	}
	return all
}

// spread notes a line as a source at every pair that it means and that something passes between.
func (r *Relation) spread(l askedFor, from, to []int) {
	at := func(p Pair) {
		if f, some := r.cells[p]; some && f.Allowed.Union(f.Unknown).Overlaps(l.traffic) {
			r.meant[p] = append(r.meant[p], meant(l))
		}
	}
	if len(from)*len(to) <= len(r.cells) {
		for _, i := range from {
			for _, j := range to {
				at(Pair{i, j})
			}
		}
		return
	}
	is := make([]uint8, len(r.Members))
	for _, i := range from {
		is[i] |= 1
	}
	for _, j := range to {
		is[j] |= 2
	}
	for p := range r.cells {
		if is[p.From]&1 != 0 && is[p.To]&2 != 0 {
			at(p)
		}
	}
}

// parts parts some traffic of a pair by the lines that are its sources; what none means comes
// last.
func (r *Relation) parts(p Pair, of Load) []meant {
	all := []meant{{traffic: of}}
	for _, m := range r.meant[p] {
		var next []meant
		for _, part := range all {
			if both := part.traffic.Intersect(m.traffic); !both.IsEmpty() {
				next = append(next, meant{both, slices.Concat(part.sources, m.sources)})
			}
			if rest := part.traffic.Subtract(m.traffic); !rest.IsEmpty() {
				next = append(next, meant{rest, part.sources})
			}
		}
		all = next
	}
	return all
}

// Unmeant returns the traffic of a pair that has no line as its source.
func (r *Relation) Unmeant(p Pair, of Load) Load {
	for _, m := range r.meant[p] {
		of = of.Subtract(m.traffic)
	}
	return of
}

// decided finds the sources of traffic that no line means: the rule of the receiver that lets it
// through or, where it has none, of the sender.
func (r *Relation) decided(p Pair, of Load) []Source {
	t := of.V4
	if t.IsEmpty() {
		t = of.V6
	}
	x := r.World.Deciding(r.Members[p.From], r.Members[p.To], t)
	var all []Source
	for _, h := range []*explain.Half{&x.Ingress, &x.Egress} {
		if h.Policy == nil || h.By != "rule" {
			continue
		}
		if r.World.Locate != nil {
			r.World.Locate(&h.At)
		}
		s := Source{Kind: Component, File: h.At.File, Line: h.At.Start.Line, Column: h.At.Start.Column, Why: "a rule of " + h.Policy.String()}
		if r.World.Plan == nil {
			s.Kind = Manifest
		}
		if r.World.Lines != nil {
			s.Text = r.World.Lines(s.File, int(s.Line))
		}
		all = append(all, s)
	}
	return all
}

// MeantBy returns the part of a pair's traffic of which a line is the source, of whichever family.
func (r *Relation) MeantBy(p Pair, of Load, s Source) packet.Traffic {
	var all packet.Traffic
	for _, m := range r.meant[p] {
		if slices.ContainsFunc(m.sources, func(x Source) bool { return x.key() == s.key() }) {
			both := m.traffic.Intersect(of)
			all = all.Union(both.V4).Union(both.V6)
		}
	}
	return all
}
