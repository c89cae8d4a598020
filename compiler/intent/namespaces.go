package intent

import (
	"maps"
	"slices"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
)

// namespaces settles which namespaces are known here, and which are governed.
func (s *resolver) namespaces() {
	byName := map[string]plan.Namespace{}
	add := func(n plan.Namespace) {
		labels := maps.Clone(n.Labels)
		if labels == nil {
			labels = map[string]string{}
		}
		labels[plan.NamespaceLabel] = n.Name
		n.Labels = labels
		n.System = slices.Contains(s.plan.Cluster.System, n.Name)
		n.Governed = n.Governed && !n.System
		byName[n.Name] = n
	}
	for _, name := range s.plan.Cluster.System {
		add(plan.Namespace{Name: name})
		s.handshakes[name] = Either
	}
	platformHandshake := Callee
	if s.spec.Handshake.Given() {
		platformHandshake = s.spec.Handshake.Value
	}
	if s.exclusive = s.spec.Namespaces != nil; s.exclusive {
		for _, e := range *s.spec.Namespaces {
			name, n := string(e.Key.Value), e.Value
			s.handshakes[name] = platformHandshake
			if n.Handshake.Given() {
				s.handshakes[name] = n.Handshake.Value
			}
			if !s.in(n.In) {
				continue
			}
			labels := map[string]string{}
			for _, l := range n.Labels {
				labels[string(l.Key.Value)] = string(l.Value)
			}
			enforce := true
			if n.Enforce.Span != (diag.Span{}) {
				v := pick(s, n.Enforce)
				if v == nil {
					s.add(missingFact.At(n.Enforce.Span, "enforce does not say what holds here").
						Suggest("add the environment, or its group, to the mapping"))
					continue
				}
				enforce = v.Value
			}
			add(plan.Namespace{Name: name, Owner: n.Owner.Value, Labels: labels, Governed: enforce, Span: e.Key.Span})
		}
	} else {
		for _, i := range s.repo.Intents {
			name := string(i.Metadata.Namespace.Value)
			if _, known := byName[name]; !known && name != "" {
				s.handshakes[name] = platformHandshake
				add(plan.Namespace{Name: name, Governed: true, Span: i.Metadata.Namespace.Span})
			}
		}
	}
	for _, name := range diag.SortedKeys(byName) {
		s.plan.Namespaces = append(s.plan.Namespaces, byName[name])
	}
	if d := s.plan.Cluster.DNS.Namespace; s.plan.DenyUnknown {
		if n, ok := byName[d]; !ok || !n.System && !n.Governed {
			s.add(missingFact.At(s.spec.UnknownNamespaces.Span, "the DNS pods' namespace %s is neither system nor governed", d).
				Because("a default deny over the whole cluster would cut off the name service").
				Suggest("add %s to system", d))
		}
	}
}

// namespaceEntry is what the Platform wrote of a namespace, in any environment.
func (s *resolver) namespaceEntry(name string) (NamespaceSpec, bool) {
	if s.spec.Namespaces != nil {
		for _, e := range *s.spec.Namespaces {
			if string(e.Key.Value) == name {
				return e.Value, true
			}
		}
	}
	return NamespaceSpec{}, false
}

// knownNamespace reports whether a namespace is declared, here or in another
// environment, and complains at the span if it is not.
func (s *resolver) knownNamespace(name string, span diag.Span) (here bool) {
	if _, ok := s.plan.Namespace(name); ok {
		return true
	}
	if _, ok := s.namespaceEntry(name); ok {
		return false
	}
	var known []string
	for _, n := range s.plan.Namespaces {
		known = append(known, n.Name)
	}
	if !s.exclusive && s.repo.lost {
		return false // a document that could not be read may stand in it
	}
	f := unknownNamespace.At(span, "there is no namespace called %s", name)
	if s.exclusive {
		f = f.Because("the Platform lists the namespaces, and that list is complete")
	}
	s.add(suggestName(f, span, name, known, "the namespaces are"))
	return false
}
