package resolve

import (
	"cmp"
	"slices"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// describeWorkloads turns intents into workloads of the plan.
func (s *resolver) describeWorkloads() {
	s.plan.Workloads = slices.Grow(s.plan.Workloads, len(s.instances))
	for at, i := range s.instances {
		if i.intent.Partial {
			s.misread[i.ref()] = true
		}
		if !s.knownNamespace(i.namespace, i.span) || !s.in(i.intent.Spec.In) {
			s.elsewhere[i.ref()] = true
			continue
		}
		s.plan.Workloads = append(s.plan.Workloads, s.described(at))
	}
	slices.SortStableFunc(s.plan.Workloads, func(a, b plan.Workload) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	s.workloads = make(map[string]int, len(s.plan.Workloads))
	s.ends = make(map[string]plan.End, len(s.plan.Workloads))
	for i := range s.plan.Workloads {
		s.workloads[s.plan.Workloads[i].Ref()] = i
	}
	s.checkOwners()
}

// described returns the workload of one intent, and complains of it. It is described anew where its
// namespace has another owner than in the environment before.
func (s *resolver) described(at int) plan.Workload {
	n, _ := s.plan.Namespace(s.instances[at].namespace)
	d := &described{}
	if s.common != nil {
		d = &s.common.described[at]
	}
	if !d.known || d.owner != n.Owner {
		*d = described{owner: n.Owner, known: true}
		d.workload, d.found = s.describe(s.instances[at], n.Owner)
	}
	for _, f := range d.found {
		s.add(f)
	}
	return d.workload
}

// describe turns one intent into a workload of a plan: its selector, ports and owner, by default the
// namespace's.
func (r *repository) describe(i instance, owner string) (plan.Workload, diag.List) {
	var found diag.List
	spec := &i.intent.Spec
	name := i.intent.Metadata.Name
	label := cmp.Or(string(r.entries[i.namespace].NameLabel.Value), string(r.Platform.Spec.NameLabel.Value), "app.kubernetes.io/name")
	w := plan.Workload{
		Namespace: i.namespace, Name: string(name.Value), Owner: cmp.Or(spec.Owner.Value, owner),
		Selector: object.NewSelector(object.Equals(label, string(name.Value))), DNS: true, Span: name.Span,
		HostNetwork: spec.HostNetwork.Value,
	}
	if spec.Selector != nil {
		w.Selector, w.SelectorSpan = spec.Selector.Selector, spec.Selector.Span
		if len(w.Selector) > 0 && !slices.ContainsFunc(w.Selector, func(r object.Requirement) bool { return r.Op == object.In || r.Op == object.Exists }) {
			found = append(found, onlyNegates.At(spec.Selector.Span, "the selector of %s names no label that its pods carry", w.Ref()).
				Because("it selects whatever lacks those labels, also pods that somebody adds tomorrow").
				Suggest("select the pods by a label that they have"))
		}
	}
	if spec.DNS.Given() {
		w.DNS = spec.DNS.Value
	}
	w.Ports = slices.Grow(w.Ports, len(spec.Ports))
	for _, p := range spec.Ports {
		w.Ports = append(w.Ports, plan.NamedPort{Name: string(p.Key.Value), Ports: portNumbers(p.Value), Span: p.Key.Span})
	}
	slices.SortFunc(w.Ports, func(a, b plan.NamedPort) int { return cmp.Compare(a.Name, b.Name) })
	return w, found
}

// checkOwners looks for pods that the workloads of two intents with different owners certainly
// share.
func (s *resolver) checkOwners() {
	bySelector := map[string]*plan.Workload{} // of one namespace, and then of the next
	for i := range s.plan.Workloads {
		w := &s.plan.Workloads[i]
		if i > 0 && w.Namespace != s.plan.Workloads[i-1].Namespace {
			clear(bySelector)
		}
		key := w.Selector.String()
		first, shared := bySelector[key]
		if !shared {
			bySelector[key] = w
			continue
		}
		if w.Owner != first.Owner {
			s.add(sharedPods.At(w.Span, "%s and %s select the same pods, and have different owners", first.Ref(), w.Ref()).See(first.Span, "%s, of %s", first.Ref(), ownerOr(first.Owner)).
				Because("flows add up: each owner opens the other's pods").
				Suggest("give the pods one intent, or each intent a selector of its own"))
		}
	}
}

// identity returns the workload's name in full, by which other intents' lines agree with it: of
// one that stands in a namespace made after a pattern, the name in the pattern.
func (s *resolver) identity(w *plan.Workload) string {
	if pattern, made := s.patterns[w.Namespace]; made {
		return pattern + "/" + w.Name
	}
	return w.Ref()
}
