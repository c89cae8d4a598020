package facts

import (
	"strings"

	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/relation"
)

// isKnown reports whether somebody knows the pod, so that it has a name to be called by.
func (a *asker) isKnown(e *meaning.Endpoint) bool { return a.names[e.Ref()] }

// called returns what people call a pod: its name, or what it must be like.
func (a *asker) called(e *meaning.Endpoint) string {
	if a.isKnown(e) {
		return e.Ref()
	}
	return describe(e)
}

// describe calls pods by what is known of them where they have no name: pods with app=web in shop.
func describe(e *meaning.Endpoint) string {
	var b strings.Builder
	b.WriteString("pods")
	with := " with "
	for _, key := range diag.SortedKeys(e.Labels) {
		b.WriteString(with + key + "=" + e.Labels[key])
		with = ","
	}
	if e.ServiceAccount != "default" {
		b.WriteString(" that run as " + e.ServiceAccount)
	}
	return b.String() + " in " + e.Namespace
}

// told writes the packet of a conflict for people; where an end stands for pods with a name, these
// are called by it.
func (a *asker) told(p meaning.Packet, of *meaning.Endpoint, name string) string {
	end := func(e meaning.Peer) string {
		switch {
		case e.Endpoint == nil:
			return e.String()
		case e.Endpoint == of:
			return name
		}
		return a.called(e.Endpoint)
	}
	return end(p.From) + " -> " + end(p.To) + strings.TrimPrefix(p.String(), p.From.String()+" -> "+p.To.String())
}

// witnessed makes a conflict at the pod of a witness, or at one for which that stands, with the
// packet as people call it.
func (a *asker) witnessed(kind string, first, second Reference, w *relation.Witness, e *population.Pods) Conflict {
	own := w.Own().Endpoint
	name := a.called(own)
	if e != nil {
		name = e.Ref()
	}
	return Conflict{Kind: kind, First: first, Second: second, Endpoint: name, Packet: a.told(w.Packet, own, name)}
}
