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

// lookAlikes are pods that no line means, though all but one thing about them is what a
// line asks for: one label has another value or is not there, or they wear all labels
// where they do not belong, which is a namespace that nobody knows, one with all but one
// of the labels, and that of the line's other end. A rule that is wider than its line by
// one label lets one of them through, and perhaps nobody else who is there today. There
// are also the pods of each value where a line names several.
func lookAlikes(p *plan.Plan, manifests map[string]map[string]string, stranger string) []*meaning.Endpoint {
	l := alikes{p, manifests, stranger, map[string]bool{}, nil}
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

func (l *alikes) add(namespace string, namespaceLabels, labels map[string]string) {
	everywhere := namespaceLabels2(l.plan, l.manifests, namespace, namespaceLabels)
	name := spelt(labels)
	key := namespace + "\x00" + name + "\x00" + spelt(everywhere)
	if namespace == "" || l.seen[key] {
		return
	}
	l.seen[key] = true
	l.all = append(l.all, &meaning.Endpoint{
		Namespace: namespace, Name: name, Labels: labels, NamespaceLabels: everywhere, ServiceAccount: "default",
	})
}

func namespaceLabels2(p *plan.Plan, manifests map[string]map[string]string, name string, more map[string]string) map[string]string {
	all := maps.Clone(more)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, namespaceLabels(p, manifests, name))
	return all
}

// spelt is how labels are written as a name.
func spelt(labels map[string]string) string {
	if len(labels) == 0 {
		return "*"
	}
	var words []string
	for _, k := range diag.SortedKeys(labels) {
		words = append(words, k+"="+labels[k])
	}
	return strings.Join(words, ",")
}
