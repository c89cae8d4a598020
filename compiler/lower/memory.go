package lower

import (
	"slices"

	"portcullis.dev/compiler/plan"
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

// remembered emits what was made for something that is equal, or else makes it and returns it among
// what is known. What somebody has to be told about is made anew each time.
func remembered[T any](l *lowering, known []kept[T], of T, equal func(T, T) bool, anew func()) []kept[T] {
	for _, k := range known {
		if equal(k.of, of) {
			l.emitted = append(l.emitted, k.emitted...)
			l.memory.Remembered += len(k.emitted)
			return known
		}
	}
	made, told := len(l.emitted), len(l.found)
	anew()
	if len(l.found) == told && len(known) < mostKept {
		known = append(known, kept[T]{of, slices.Clone(l.emitted[made:])})
	}
	return known
}

// equal reports whether the objects of every namespace depend on the same.
func (c common) equal(o common) bool {
	return c.platform == o.platform && slices.EqualFunc(c.servers, o.servers, plan.Server.Equal)
}

// home emits what is for a namespace as a whole: its default deny, and its way to DNS.
func (l *lowering) home(n plan.Namespace) {
	anew := func() { l.defaultDeny(n); l.dns(n) }
	if l.memory == nil {
		anew()
		return
	}
	all, of := l.shared.resolvers.Of(n.Name)
	l.memory.homes[n.Name] = remembered(l, l.memory.homes[n.Name], home{n, all, of}, home.equal, anew)
}

// flows emits the NetworkPolicies for a subject's halves of flows.
func (l *lowering) flows(s *subject) {
	anew := func() { l.allows(s) }
	if l.memory == nil {
		anew()
		return
	}
	key := subjectKey{s.namespace.Name, s.workload, s.text}
	l.memory.subjects[key] = remembered(l, l.memory.subjects[key], s, (*subject).equal, anew)
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
