package resolve

import (
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
)

// expectations resolves tests to what they expect of the plan. One is here if both its ends exist
// in this environment.
func (s *resolver) expectations(tests []test, exist []bool) {
	for i, t := range tests {
		namespace, intent := "", ""
		if t.home != nil {
			if _, here := s.workloads[t.home.ref()]; !here {
				continue
			}
			namespace, intent = t.home.namespace, t.home.ref()
		}
		here := len(t.In) == 0
		for _, name := range t.In {
			here = here || s.is(name)
		}
		if !here {
			continue
		}
		for _, to := range s.peer(t.To.Peer, t.span, namespace, "") {
			for _, target := range s.asked(t, to) {
				for _, from := range s.peer(t.From.Peer, t.span, namespace, "") {
					exist[i] = true
					s.plan.Tests = append(s.plan.Tests, plan.Test{
						Text: t.Text, From: from.end, To: target.to.end, Ports: target.ports, Allow: t.Allow, Span: t.span, Intent: intent,
					})
				}
			}
		}
	}
}

// asked returns the ports of one destination that a test has expectations about. A number may be
// one that nobody declares: that it is closed is worth a test.
func (s *resolver) asked(t test, to party) []target {
	if t.Ports == nil {
		return []target{{to, nil}}
	}
	var numbers []plan.Port
	var names []language.At[language.PortRef]
	for _, p := range t.Ports {
		if p.Name == "" {
			numbers = append(numbers, p.Ports...)
		} else {
			names = append(names, language.At[language.PortRef]{Value: p, Span: t.span})
		}
	}
	var all []target
	if len(numbers) > 0 {
		all = append(all, target{to, plan.NormalPorts(numbers)})
	}
	if len(names) > 0 {
		all = append(all, s.ports(names, to)...)
	}
	return all
}
