package lower

import (
	"slices"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/cores"
	"portcullis.dev/policies/diag"
)

// Memory keeps what plans were lowered to, by the namespaces and subjects that it is for. What
// another plan says of one alike is not lowered again: the objects, and the lines that their parts
// come from, are those that were made before, the very same, and by that others know them again.
// They are nobody's to change. It is not for several goroutines at once, and a nil one knows
// nothing.
type Memory struct {
	common   common
	homes    map[string][]kept[home]
	subjects map[subjectKey][]kept[*subject]
	// Remembered counts the objects that were not made again.
	Remembered int
}

// NewMemory makes a memory of nothing.
func NewMemory() *Memory { return &Memory{} }

// Lower emits a plan as the function of that name does, less what it remembers.
func (m *Memory) Lower(p *plan.Plan) ([]Emitted, diag.List) {
	return (&lowering{Plan: p, everywhere: true, memory: m}).lower()
}

// common is what a plan says on which the objects of every namespace depend.
type common struct {
	platform string
	servers  []plan.Server
}

// subjectKey tells subjects apart that cannot be alike.
type subjectKey struct{ namespace, workload, selector string }

// home is a namespace as a whole.
type home struct {
	namespace plan.Namespace
	everybody bool            // resolves names
	resolvers []plan.Workload // who does, unless everybody
}

// kept is something for which objects were made.
type kept[T any] struct {
	of      T
	emitted []identified
}

// mostKept bounds how many that are not alike are kept of one namespace or subject: those of four
// environments, and of the same four as somebody changes them.
const mostKept = 8

// begin forgets what was made where that on which everything depends was another.
func (m *Memory) begin(p *plan.Plan) {
	if m == nil {
		return
	}
	now := common{p.PlatformName, p.DNSServers()}
	if m.homes == nil || !m.common.equal(now) {
		m.common, m.homes, m.subjects = now, map[string][]kept[home]{}, map[subjectKey][]kept[*subject]{}
	}
}

// lookUp finds what was made for something that is equal.
func lookUp[T any](known []kept[T], of T, equal func(T, T) bool) (emitted []identified, remembered bool) {
	i := slices.IndexFunc(known, func(k kept[T]) bool { return equal(k.of, of) })
	if i < 0 {
		return nil, false
	}
	return known[i].emitted, true
}

// add keeps what was made for something, unless there is enough of its kind.
func add[T any](known []kept[T], of T, emitted []identified) []kept[T] {
	if len(known) == mostKept {
		return known
	}
	return append(known, kept[T]{of, emitted})
}

// equal reports whether the objects of every namespace depend on the same.
func (c common) equal(o common) bool {
	return c.platform == o.platform && slices.EqualFunc(c.servers, o.servers, plan.Server.Equal)
}

// home is the piece for a namespace as a whole: its default deny, and its way to DNS.
func (l *lowering) home(n plan.Namespace) piece {
	p := piece{make: func(l *lowering) { l.defaultDeny(n); l.dns(n) }}
	if m := l.memory; m != nil {
		all, of := l.shared.resolvers.Of(n.Name)
		h := home{n, all, of}
		p.recall = func() ([]identified, bool) { return lookUp(m.homes[n.Name], h, home.equal) }
		p.keep = func(made []identified) { m.homes[n.Name] = add(m.homes[n.Name], h, made) }
	}
	return p
}

// flows is the piece for a subject: the NetworkPolicies for its halves of flows.
func (l *lowering) flows(s *subject) piece {
	p := piece{make: func(l *lowering) { l.allows(s) }}
	if m := l.memory; m != nil {
		key := subjectKey{s.namespace.Name, s.workload, s.text}
		p.recall = func() ([]identified, bool) { return lookUp(m.subjects[key], s, (*subject).equal) }
		p.keep = func(made []identified) { m.subjects[key] = add(m.subjects[key], s, made) }
	}
	return p
}

// equal reports whether two namespaces are the same to those who resolve names there.
func (h home) equal(o home) bool {
	return h.namespace.Equal(&o.namespace) && h.everybody == o.everybody &&
		slices.EqualFunc(h.resolvers, o.resolvers, func(a, b plan.Workload) bool { return a.Equal(&b) })
}

// equal reports whether two subjects are the same, with the same flows in the same order.
func (s *subject) equal(o *subject) bool {
	return s.namespace.Equal(&o.namespace) && s.workload == o.workload && s.intent == o.intent && s.owner == o.owner &&
		s.text == o.text && s.selector.Equal(o.selector) && s.span == o.span && slices.EqualFunc(s.halves, o.halves, half.equal)
}

// equal reports whether two halves are the same, for the same lines.
func (h half) equal(o half) bool {
	return h.egress == o.egress && slices.Equal(h.ports, o.ports) && plan.EqualOrigins(h.origins, o.origins) && h.peer.Equal(&o.peer)
}

// piece is a part of a plan that is lowered by itself, beside others on other processors.
type piece struct {
	make   func(*lowering)
	recall func() (made []identified, remembered bool) // from the memory; nil without one
	keep   func(made []identified)                     // in the memory; nil without one

	emitted    []identified
	found      diag.List
	remembered bool
}

// each lowers pieces on all processors, and emits what they come to in their order. What somebody
// has to be told about is not kept: it is made anew each time.
func (l *lowering) each(pieces []piece) {
	cores.Share(len(pieces), func(first, end int) {
		own := &lowering{Plan: l.Plan, shared: newShared(l.shared.resolvers)}
		for i := first; i < end; i++ {
			p := &pieces[i]
			if p.recall != nil {
				if p.emitted, p.remembered = p.recall(); p.remembered {
					continue
				}
			}
			own.emitted, own.found = nil, nil
			p.make(own)
			p.emitted, p.found = own.emitted, own.found
		}
	})
	count := 0
	for i := range pieces {
		count += len(pieces[i].emitted)
	}
	l.emitted = slices.Grow(l.emitted, count)
	for i := range pieces {
		p := &pieces[i]
		l.emitted, l.found = append(l.emitted, p.emitted...), append(l.found, p.found...)
		switch {
		case p.remembered:
			l.memory.Remembered += len(p.emitted)
		case p.keep != nil && len(p.found) == 0:
			p.keep(p.emitted)
		}
	}
}
