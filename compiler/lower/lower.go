// Package lower turns a plan into the objects that carry it out, for each
// kind of policy that may be emitted.
//
// Its invariant: what is emitted allows the plan's flows, on both halves, and
// nothing else; and of every rule it is known which line asked for it. The same
// plan gives the same objects, whatever the order of its flows.
//
// It must not know the intent language, nor where the objects are written.
package lower

import (
	"cmp"
	"slices"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Emitted is one object, and the lines that its parts come from.
type Emitted struct {
	Manifest object.Map
	Span     diag.Span // the place in the intents that asked for the object as a whole
	Places   []Place   // of parts of it; any other part has that of its nearest ancestor
}

// Place is where a part of a manifest, by its JSON pointer, was asked for in the intents.
type Place struct {
	Pointer string
	Span    diag.Span
}

// At finds the place in the intents that asked for the part of an emitted manifest that a JSON
// pointer names.
func (e Emitted) At(pointer string) diag.Span {
	for ; strings.Contains(pointer, "/"); pointer = pointer[:strings.LastIndexByte(pointer, '/')] {
		if i := slices.IndexFunc(e.Places, func(p Place) bool { return p.Pointer == pointer }); i >= 0 {
			return e.Places[i].Span
		}
	}
	return e.Span
}

// Target is a kind of policy that may be emitted.
type Target struct {
	Name  string
	Title string
	lower func(*lowering)
}

// Targets is the table of what a Platform may name under targets.
var Targets = []Target{
	{"kubernetes", "NetworkPolicy of networking.k8s.io/v1", kubernetes},
	{"calico", "Tier, GlobalNetworkSet, and policies, staged ones too, of projectcalico.org/v3", calico},
}

// Names lists the targets that plans can be lowered to, in the order of the table.
func Names() []string {
	all := make([]string, len(Targets))
	for i, t := range Targets {
		all[i] = t.Name
	}
	return all
}

// Lower emits a plan for the targets that it names, in the order of object IDs.
// The findings are what no object can hold.
func Lower(p *plan.Plan) ([]Emitted, diag.List) {
	return (&lowering{Plan: p, everywhere: true}).lower()
}

// Near emits of a plan what can select pods of some namespaces alone: the objects of those, and
// of the cluster. Each of them is as Lower emits it.
func Near(p *plan.Plan, namespaces ...string) ([]Emitted, diag.List) {
	return (&lowering{Plan: p, namespaces: namespaces}).lower()
}

// lower emits the objects of a plan, target by target, and finds what no object can hold.
func (l *lowering) lower() ([]Emitted, diag.List) {
	p := l.Plan
	l.subjects, l.peers, l.shared = subjectsOf(p, l.asked()), map[string]plan.End{}, newShared(p.AllResolvers())
	l.memory.begin(p)
	if i := slices.IndexFunc(p.Namespaces, func(n plan.Namespace) bool { return n.Governed }); i >= 0 && !p.HasTarget("kubernetes") {
		l.add(inexpressible.At(p.Namespaces[i].Span, "nothing closes the namespace %s, for the environment does not target kubernetes", p.Namespaces[i].Name).
			Because("flows are emitted as Kubernetes policies, and as Calico's only where Kubernetes has none").
			Suggest("add kubernetes to the targets"))
	}
	for _, t := range Targets {
		if p.HasTarget(t.Name) {
			t.lower(l)
		}
	}
	slices.SortStableFunc(l.emitted, func(a, b identified) int { return a.id.Compare(b.id) })
	all := make([]Emitted, len(l.emitted))
	for i, e := range l.emitted {
		all[i] = e.Emitted
		if i > 0 && e.id == l.emitted[i-1].id {
			l.add(inexpressible.At(e.Span, "two objects would be called %s", e.id).
				Because("long names are cut and get a digest, and these two have the same").
				See(l.emitted[i-1].Span, "the other").Suggest("rename one of the two"))
		}
	}
	return all, l.found
}

// lowering is one plan on its way.
type lowering struct {
	*plan.Plan
	subjects []*subject
	peers    map[string]plan.End // the @names that a Calico policy refers to
	shared   shared
	emitted  []identified
	found    diag.List
	memory   *Memory // nil for none

	everywhere bool
	namespaces []string // in which objects are emitted, unless that is everywhere
}

// identified is an object with its identity, which the order goes by.
type identified struct {
	Emitted
	id object.ID
}

// emits reports whether objects of a namespace are asked for.
func (l *lowering) emits(namespace string) bool {
	return l.everywhere || slices.Contains(l.namespaces, namespace)
}

// asked says of which namespaces subjects are asked for: of those in which objects are, or of all
// where policies of Calico's refer to @names, which are objects of the cluster.
func (l *lowering) asked() func(namespace string) bool {
	if slices.ContainsFunc(l.Flows, func(f plan.Flow) bool { return slices.ContainsFunc(f.Ports, plan.Port.IsICMP) }) {
		return func(string) bool { return true }
	}
	return l.emits
}

// add keeps a finding about what no lowered object can hold.
func (l *lowering) add(f diag.Diagnostic) { l.found = append(l.found, f) }

// emit keeps one manifest among those that the plan is lowered to, with the line that asked for it
// and those that its parts come from.
func (l *lowering) emit(m object.Map, span diag.Span, places ...Place) {
	l.emitted = append(l.emitted, identified{Emitted{m, span, places}, object.IDOf(m)})
}

// platform names the Platform as an annotation names an intent: no namespace has a capital letter.
func (l *lowering) platform() string { return "Platform/" + l.PlatformName }

// intents names those whose lines ask for something, each once and by their names.
func (l *lowering) intents(origins []plan.Origin) string {
	all := make([]string, len(origins))
	for i, o := range origins {
		all[i] = cmp.Or(o.Intent, l.platform())
	}
	slices.Sort(all)
	return cut(strings.Join(slices.Compact(all), ", "), longestReason)
}

// why says which lines ask for a part of a policy, for the comment above it: on a line for each its
// intent and the reason that it gives, if any, once each and by their text. A line of a pattern's
// intent is also that of each namespace made after the pattern, and is then said of that alone.
func (l *lowering) why(origins []plan.Origin) string {
	ofPattern := func(o plan.Origin) bool { return strings.Contains(o.Intent, "*") }
	made := map[diag.Span]bool{} // lines of intents of no pattern, where there are both
	if slices.ContainsFunc(origins, ofPattern) {
		for _, o := range origins {
			made[o.Span] = made[o.Span] || !ofPattern(o)
		}
	}
	lines := make([]string, 0, len(origins))
	for _, o := range origins {
		if ofPattern(o) && made[o.Span] {
			continue
		}
		line := cmp.Or(o.Intent, l.platform())
		if text := reason(o.Why, o.Ticket, o.Until); text != "" {
			line += ": " + strings.Join(strings.Fields(text), " ")
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return cut(strings.Join(slices.Compact(lines), "\n"), longestComment)
}
