package resolve

import (
	"slices"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
)

// components resolves the kustomize components that users lay over the emitted objects. What a
// component does is not known here.
func (s *resolver) components() {
	for _, c := range s.Platform.Spec.Components {
		if !s.in(c.In) || c.Path.Value == "" {
			continue
		}
		if (len(c.Namespaces) > 0) == c.Cluster.Value {
			s.add(notBoth.At(c.Span, "a component needs one of namespaces and cluster: true").
				Because("kustomize renders each namespace and the cluster's own objects apart").
				Suggest("namespaces: [shop] lays it over the policies of those namespaces, cluster: true over the cluster's own; for both, write two components"))
			continue
		}
		if trusted := s.Platform.Spec.Trusted; trusted != nil && !trusted.Hold(string(c.Path.Value)+"/") {
			s.add(language.WrongPlace.At(c.Path.Span, "the component %s lies outside the trusted directories", c.Path.Value).See(trusted.Place(s.plan.Platform), "they are named here").
				Because("whoever may change it may change every policy that it is laid over").
				Suggest("move it below %s", trusted))
		}
		resolved := plan.Component{Path: string(c.Path.Value), Span: c.Path.Span}
		for _, k := range c.Kinds {
			resolved.Kinds = append(resolved.Kinds, plan.NamedKind{Name: string(k.Value), Span: k.Span})
		}
		for _, l := range c.Labels {
			resolved.Labels = append(resolved.Labels, plan.NamedMetadata{Key: string(l.Key.Value), Value: string(l.Value.Value), Span: l.Key.Span})
		}
		for _, a := range c.Annotations {
			resolved.Annotations = append(resolved.Annotations, plan.NamedMetadata{Key: string(a.Key.Value), Value: a.Value.Value, Span: a.Key.Span})
		}
		for _, n := range c.Namespaces {
			if s.knownNamespace(string(n.Value), n.Span) && !n.Value.IsPattern() {
				resolved.Namespaces = append(resolved.Namespaces, string(n.Value))
			}
		}
		slices.Sort(resolved.Namespaces)
		if resolved.Namespaces != nil || c.Cluster.Value {
			s.plan.Components = append(s.plan.Components, resolved)
		}
	}
}
