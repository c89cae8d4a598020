package resolve

import (
	"cmp"
	"slices"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/yamltext"
)

// namespaces settles which namespaces are known here, and which are governed.
func (s *resolver) namespaces() {
	byName := map[string]plan.Namespace{}
	for _, name := range s.plan.Cluster.System {
		byName[name] = plan.Namespace{Name: name, System: true, Labels: map[string]string{plan.NamespaceLabel: name}, Span: s.plan.Platform}
		s.agreements[name] = agreement{handshake: language.Either}
	}
	if s.exclusive {
		for _, e := range s.order {
			if n, here := s.namespace(e); here {
				byName[n.Name] = n
			}
		}
	} else {
		for _, i := range s.instances {
			if _, known := byName[i.namespace]; !known {
				e := entry{Key: language.At[language.NamespaceName]{Value: language.NamespaceName(i.namespace), Span: i.span}}
				byName[i.namespace], _ = s.namespace(e)
			}
		}
	}
	for _, name := range diag.SortedKeys(byName) {
		s.plan.Namespaces = append(s.plan.Namespaces, byName[name])
	}
	if d := s.plan.Cluster.DNS.Namespace; s.plan.DenyUnknown {
		if n, ok := byName[d]; !ok || !n.System && !n.Governed {
			s.add(missingFact.At(s.Platform.Spec.UnknownNamespaces.Span, "the DNS pods' namespace %s is neither system nor governed", d).
				Because("a default deny over the whole cluster would cut off the name service").
				Suggest("add %s to system", d))
		}
	}
}

// namespace resolves one namespace that the Platform lists, if it is in this environment.
func (s *resolver) namespace(e entry) (n plan.Namespace, here bool) {
	name, spec := string(e.Key.Value), e.Value
	terms := agreement{handshake: cmp.Or(spec.Handshake.Value, s.Platform.Spec.Handshake.Value, language.Callee)}
	s.agreements[name] = terms
	if !s.in(spec.In) {
		return n, false
	}
	enforce := language.Enforced
	if !spec.Enforce.Span.IsZero() {
		v := pick(&s.scope, spec.Enforce)
		if v == nil {
			s.add(missingFact.At(spec.Enforce.Span, "enforce does not say what holds here").
				Suggest("add the environment, or its group, to the mapping"))
			return n, false
		}
		enforce = v.Value
		if enforce == language.Staged {
			s.requireCalico(v.Span, "enforce: staged")
		}
	}
	if e.Key.Value.IsPattern() && len(spec.Labels) == 0 {
		s.add(language.MissingField.At(e.Key.Span, "the pattern %s has no labels", name).
			Because("the namespaces are made elsewhere, and the other ends of their flows can select them by label alone").
			Suggest("add the labels that all of them carry"))
	}
	n = plan.Namespace{Name: name, Owner: spec.Owner.Value, Labels: labelsOf(e), Pattern: e.Key.Value.IsPattern(), Span: e.Key.Span}
	n.System = slices.Contains(s.plan.Cluster.System, name)
	n.Governed = enforce == language.Enforced && !n.System && !n.Pattern
	n.Staged = enforce == language.Staged && !n.System
	n.Open = enforce == language.Described && n.Pattern
	terms.held = enforce == language.Enforced && !n.System
	s.agreements[name] = terms
	return n, true
}

// pods returns all pods of a namespace, or of all namespaces of a pattern.
func (s *resolver) pods(namespace string) plan.Pods {
	if n, ok := s.plan.Namespace(namespace); ok && n.Pattern {
		return plan.Pods{Namespaces: exactly(n.Labels)}
	}
	return plan.Pods{Namespace: namespace}
}

// knownNamespace reports whether a namespace is declared and exists here, and
// complains at the span if it is declared nowhere.
func (s *resolver) knownNamespace(name string, span diag.Span) (here bool) {
	if _, ok := s.plan.Namespace(name); ok {
		return true
	}
	if _, ok := s.entries[name]; ok {
		return false
	}
	var known []string
	for _, n := range s.plan.Namespaces {
		known = append(known, n.Name)
	}
	if !s.exclusive && s.Lost {
		return false // a document that could not be read may stand in it
	}
	f := unknownNamespace.At(span, "there is no namespace called %s", name)
	if s.exclusive {
		f = f.Because("the Platform lists the namespaces, and that list is complete")
	}
	for _, e := range s.order {
		if e.Key.Value.Covers(name) {
			s.add(f.Suggest("it is one of %s: write that", yamltext.Quote(string(e.Key.Value))).See(e.Key.Span, "the pattern"))
			return false
		}
	}
	s.add(suggestName(f, span, name, known, "the namespaces are"))
	return false
}
