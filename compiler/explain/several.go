package explain

import (
	"strings"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

// cutPorts takes the ports off the text of several destinations.
func (w *World) cutPorts(text string, q language.Question) string {
	if at := strings.LastIndexByte(text, ':'); at >= 0 && (q.Ports != nil || !q.Beside.IsEmpty()) {
		return text[:at]
	}
	return text
}

// several resolves one side of a question about several ends: all those, but some.
func (w *World) several(e language.Ends, name string) (s side, wrong, hint string) {
	s = side{name: name, set: true}
	gather := func(list []language.Asked) (all []side) {
		for _, a := range list {
			if a.Pod != nil {
				p := meaning.Pod(w.pod(a.Pod))
				all = append(all, side{ends: func() []end { return []end{{Peer: p}} }})
				continue
			}
			of, bad, mend := w.sides(a.Peer)
			if bad != "" {
				wrong, hint = bad, mend
			}
			all = append(all, of...)
		}
		return all
	}
	of, but := gather(e.Of), gather(e.But)
	for _, one := range of {
		s.ports = append(s.ports, one.ports...)
	}
	s.ends = func() []end { return w.less(of, but) }
	return s, wrong, hint
}

// less gathers the ends of several sides that are no ends of the excepted ones, each once.
func (w *World) less(of, but []side) []end {
	gone := map[string]bool{}
	var outside, taken packet.Addresses
	for _, s := range but {
		for _, e := range s.ends() {
			if e.Endpoint != nil {
				gone[keyOf(e.Endpoint)] = true
			}
			taken = taken.Union(e.addresses)
		}
	}
	var all []end
	for _, s := range of {
		for _, e := range s.ends() {
			outside = outside.Union(e.addresses)
			if e.Endpoint != nil && !gone[keyOf(e.Endpoint)] {
				gone[keyOf(e.Endpoint)] = true
				all = append(all, e)
			}
		}
	}
	if outside = outside.Subtract(taken); !outside.IsEmpty() {
		for _, e := range w.inRanges(outside) {
			if e.Endpoint == nil {
				all = append(all, e)
			}
		}
	}
	return all
}

// unlistedNamespace is what a namespace is called that nobody lists.
const unlistedNamespace = "unknown-namespace"

// pod makes one of several ends that nobody describes: a pod with the labels that the question
// gives it.
func (w *World) pod(p *language.Pod) *meaning.Endpoint {
	e := &meaning.Endpoint{Namespace: p.Namespace, Labels: p.Labels, ServiceAccount: "default"}
	if e.NamespaceLabels = w.labelsOf(p.Namespace); p.Namespace == "" {
		e.Namespace, e.NamespaceLabels = unlistedNamespace, map[string]string{}
		for key, value := range p.NamespaceLabels {
			e.NamespaceLabels[key] = value
		}
		e.NamespaceLabels[meaning.NameLabel] = unlistedNamespace
	}
	e.NamespaceUnwritten = w.unwritten(e.Namespace)
	e.Name = "*"
	return e
}
