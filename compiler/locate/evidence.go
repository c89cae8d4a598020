package locate

import (
	"slices"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
)

// WithEvidence completes what findings about objects say of themselves, for waivers and
// for people: the object, its namespace, and the intent that it goes back to.
// That is the intent that the object as a whole was emitted for or, where there is
// none, the one whose line asked for the part. What a rule said itself stands.
func WithEvidence(found diag.List, from Origins, a Authors) diag.List {
	all := make(diag.List, len(found))
	for i, d := range found {
		if id := d.Subject.Object; !id.IsZero() {
			d = d.Testify(diag.ObjectEvidence, id.Evidence()).
				Testify(diag.NamespaceEvidence, id.Namespace).
				Testify(diag.IntentEvidence, a.of(a.workloads[from[id].Span], id.Namespace)).
				Testify(diag.IntentEvidence, a.of(a.lines[d.Span], id.Namespace))
		}
		all[i] = d
	}
	return all
}

// Authors are the intents that stand behind places, as namespace/name. One place has
// several where an intent stands in several namespaces.
type Authors struct{ workloads, lines map[diag.Span][]string }

// AuthorsOf collects whose lines a plan's flows and workloads are.
func AuthorsOf(p *plan.Plan) Authors {
	a := Authors{map[diag.Span][]string{}, map[diag.Span][]string{}}
	add := func(to map[diag.Span][]string, at diag.Span, intent string) {
		if intent != "" && !slices.Contains(to[at], intent) {
			to[at] = append(to[at], intent)
		}
	}
	for _, w := range p.Workloads {
		add(a.workloads, w.Span, w.Ref())
	}
	for _, f := range p.Flows {
		for _, o := range f.Origins {
			add(a.lines, o.Span, o.Intent)
		}
	}
	return a
}

// of picks the author among some intents that an object in the namespace goes back to, or none
// where that is not certain.
func (Authors) of(intents []string, namespace string) string {
	if len(intents) == 1 {
		return intents[0]
	}
	for _, i := range intents {
		if strings.HasPrefix(i, namespace+"/") {
			return i
		}
	}
	return ""
}
