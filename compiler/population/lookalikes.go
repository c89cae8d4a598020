package population

import (
	"maps"
	"slices"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

// lookAlikes are pods that no line means, though all but one thing about them is as a
// line asks: one label has another value or is not there, or they wear all of them where
// they do not belong, be it a namespace that nobody knows, one that misses by one label
// as well, or that of the line's other end. A rule that is wider than its line by one
// label lets one of them through, and perhaps nobody else who is there today. Where a
// line names several values of a label, there is a pod for each.
// Those who are known are left out.
func lookAlikes(p *plan.Plan, manifests map[string]map[string]string, stranger string, known []*meaning.Endpoint) []*meaning.Endpoint {
	l := alikes{p, manifests, stranger, map[string]bool{}, nil}
	for _, e := range known {
		l.add(e.Namespace, nil, e.Labels)
	}
	l.all = nil
	both := func(a, b *plan.End) {
		l.end(a, b)
		l.end(b, a)
	}
	for i := range p.Flows {
		both(&p.Flows[i].From, &p.Flows[i].To)
	}
	for i := range p.Guardrails {
		g := &p.Guardrails[i]
		both(g.From, g.To)
		for u := range g.Unless {
			l.end(&g.Unless[u], nil)
			// Where nobody holds them, and the other end alone is bound.
			for _, name := range p.Cluster.System {
				l.add(name, nil, g.Unless[u].Pods.Selector.Example())
			}
		}
	}
	for i := range p.Quarantine {
		l.end(&p.Quarantine[i].End, nil)
	}
	for _, s := range p.DNSServers() {
		l.end(&s.End, nil)
		for _, n := range p.Namespaces {
			l.end(&s.End, &plan.End{Pods: &plan.Pods{Namespace: n.Name}})
		}
	}
	for _, w := range p.Workloads {
		l.end(&plan.End{Pods: &plan.Pods{Namespace: w.Namespace, Selector: w.Selector}}, nil)
	}
	return l.all
}

type alikes struct {
	plan      *plan.Plan
	manifests map[string]map[string]string
	stranger  string // a namespace that nobody knows
	seen      map[string]bool
	all       []*meaning.Endpoint
}

// end adds those of one end of a line.
func (l *alikes) end(e, other *plan.End) {
	if e == nil || e.Pods == nil {
		return
	}
	own := e.Pods.Selector.Example()
	homes := []string{e.Pods.Namespace}
	if e.Pods.Namespace == "" {
		homes = nil
		for _, n := range l.plan.Namespaces {
			if !n.Pattern && e.Pods.In(n) {
				homes = append(homes, n.Name)
			}
		}
	}
	for _, home := range homes {
		for _, labels := range variants(e.Pods.Selector) {
			l.add(home, nil, labels)
		}
	}
	for _, labels := range append(variants(e.Pods.Namespaces), map[string]string{}) {
		l.add(l.stranger, labels, own)
	}
	if other != nil && other.Pods != nil && other.Pods.Namespace != "" {
		l.add(other.Pods.Namespace, nil, own)
	}
}

// variants are labels that satisfy a selector, each value once, and such as miss it by
// one label.
func variants(s object.Selector) []map[string]string {
	base := s.Example()
	all := []map[string]string{base}
	for _, r := range s {
		for _, value := range append(slices.Clone(r.Values), "another") {
			with := maps.Clone(base)
			with[r.Key] = value
			all = append(all, with)
		}
		without := maps.Clone(base)
		delete(without, r.Key)
		all = append(all, without)
	}
	return all
}

// add adds a pod with its labels, in a namespace that has more than what is known of it.
func (l *alikes) add(namespace string, more, labels map[string]string) {
	everywhere := maps.Clone(more)
	if everywhere == nil {
		everywhere = map[string]string{}
	}
	maps.Copy(everywhere, namespaceLabels(l.plan, l.manifests, namespace))
	name := spelt(labels)
	key := namespace + "\x00" + name + "\x00" + spelt(everywhere)
	if namespace == "" || l.seen[key] || len(labels) == 0 && namespace != l.stranger { // who asks has those without labels
		return
	}
	l.seen[key] = true
	l.all = append(l.all, &meaning.Endpoint{
		Namespace: namespace, Name: name, Labels: labels, NamespaceLabels: everywhere, ServiceAccount: "default",
	})
}

// spelt is how labels are written as a name, which sorts behind the names of workloads:
// what is known is shown first.
func spelt(labels map[string]string) string {
	if len(labels) == 0 {
		return "{}"
	}
	var words []string
	for _, k := range diag.SortedKeys(labels) {
		words = append(words, k+"="+labels[k])
	}
	return "{" + strings.Join(words, ",") + "}"
}
