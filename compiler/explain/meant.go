package explain

import (
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/meaning"
)

// Place is where a packet begins or ends, in the words of a plan.
func Place(p meaning.Peer) plan.Place {
	if e := p.Endpoint; e != nil && !e.HostNetwork {
		return plan.Place{Namespace: e.Namespace, NamespaceLabels: e.NamespaceLabels, Labels: e.Labels}
	}
	if e := p.Endpoint; e != nil && !p.Addr.IsValid() && len(e.Addresses) > 0 {
		p.Addr = e.Addresses[0]
	}
	return plan.Place{Address: p.Addr.Unmap()}
}

// Meant are the flows of a plan that mean a packet.
func Meant(p *plan.Plan, k meaning.Packet) []plan.Flow {
	var all []plan.Flow
	for _, f := range p.Flows {
		if f.From.Has(Place(k.From)) && f.To.Has(Place(k.To)) && plan.PacketsOn(f.Ports).Contains(k.Header()) {
			all = append(all, f)
		}
	}
	return all
}

// meant names the flows of the plan that mean the packet.
func (w *World) meant(p *page, k meaning.Packet) {
	if w.Plan == nil {
		return
	}
	flows := Meant(w.Plan, k)
	if len(flows) == 0 {
		p.add(0, "No line of an intent or of the Platform means it.")
	}
	for _, f := range flows {
		for _, o := range f.Origins {
			by := "the Platform"
			if o.Intent != "" {
				by = "the intent " + o.Intent
			}
			text := "Meant by " + by + ": " + f.From.Name + " -> " + f.To.Name + " on " + plan.FormatPorts(f.Ports)
			if o.Why != "" {
				text += " (" + o.Why + ")"
			}
			p.lines = append(p.lines, Line{Text: text, At: o.Span})
		}
	}
}
