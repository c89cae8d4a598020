package resolve

import (
	"slices"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
)

// repository is one with what holds in every environment: the namespaces that the
// Platform lists, and where each intent stands.
type repository struct {
	*language.Repository
	entries   map[string]language.NamespaceSpec // the Platform's namespaces, by name or pattern
	order     []entry
	exclusive bool              // the Platform lists every namespace
	patterns  map[string]string // namespace made after a pattern → that pattern
	instances []instance
	found     diag.List
	common    *common
}

// entry is a namespace, or a pattern, as the Platform lists it.
type entry = language.Entry[language.NamespaceName, language.NamespaceSpec]

// instance is an intent in one of the namespaces in which it stands.
type instance struct {
	intent    *language.NetworkIntent
	namespace string
	span      diag.Span // where the namespace is written
}

// ref returns the full name, namespace/name, of the workload of an intent in one of its
// namespaces.
func (i instance) ref() string { return i.namespace + "/" + string(i.intent.Metadata.Name.Value) }

// newRepository finds out where each intent stands. A namespace that was made after a pattern
// becomes known like any other.
func newRepository(from *language.Repository, madeNamespace string) *repository {
	r := &repository{Repository: from, entries: map[string]language.NamespaceSpec{}, patterns: map[string]string{},
		instances: make([]instance, 0, len(from.Intents))}
	if listed := from.Platform.Spec.Namespaces; listed != nil {
		r.exclusive, r.order = true, *listed
	}
	r.make(madeNamespace)
	for _, e := range r.order {
		r.entries[string(e.Key.Value)] = e.Value
	}
	for _, i := range from.Intents {
		if r.place(i); len(r.instances) > mostIntents {
			break // which is refused
		}
	}
	return r
}

// make adds to the repository a namespace that was made after a pattern. Of several patterns that
// cover it the longest decides.
func (r *repository) make(namespace string) {
	if namespace == "" || slices.ContainsFunc(r.order, func(e entry) bool { return string(e.Key.Value) == namespace }) {
		return
	}
	var made entry
	for _, e := range r.order {
		if e.Key.Value.Covers(namespace) && len(e.Key.Value) > len(made.Key.Value) {
			made = e
		}
	}
	if made.Key.Value == "" {
		return // only a namespace of an intent; the caller sees whether there is one
	}
	r.patterns[namespace] = string(made.Key.Value)
	made.Key.Value = language.NamespaceName(namespace)
	r.order = append(slices.Clip(r.order), made)
}

// place finds out in which namespaces of the repository an intent stands.
func (r *repository) place(i *language.NetworkIntent) {
	if i.Metadata.Name.Value == "" {
		return // already said
	}
	here, each := i.Metadata.Namespace, i.Spec.Namespaces
	switch {
	case here.Given() && each != nil:
		r.found = append(r.found, notBoth.At(each.Span, "metadata.namespace and spec.namespaces are both given").See(here.Span, "the one namespace").
			Suggest("keep metadata.namespace for one namespace, spec.namespaces for several"))
	case here.Given():
		r.stand(i, string(here.Value), here.Span)
	case each == nil:
		r.found = append(r.found, language.MissingField.At(i.Metadata.Span, "namespace is missing here").
			Suggest("add the namespace of the workload; where it stands in several, write spec.namespaces"))
	case each.Selector == nil:
		for _, n := range each.Names {
			r.stand(i, string(n.Value), n.Span)
		}
	default:
		r.selected(i, each)
	}
}

// stand notes that an intent stands in a namespace, and in those that were made after it if it is a
// pattern.
func (r *repository) stand(i *language.NetworkIntent, namespace string, span diag.Span) {
	r.instances = append(r.instances, instance{i, namespace, span})
	for made, pattern := range r.patterns {
		if pattern == namespace {
			r.instances = append(r.instances, instance{i, made, span})
		}
	}
}

// selected finds the namespaces that an intent's replication selects by their labels.
func (r *repository) selected(i *language.NetworkIntent, each *language.Replication) {
	if !r.exclusive {
		r.found = append(r.found, missingFact.At(each.Span, "%s selects namespaces by label, and the Platform lists none", i.Metadata.Name.Value).
			Suggest("list the namespaces with their labels in the Platform, or name them here"))
		return
	}
	before := len(r.instances)
	for _, e := range r.order {
		if _, made := r.patterns[string(e.Key.Value)]; !made && each.Selector.Selector.Matches(labelsOf(e)) {
			r.stand(i, string(e.Key.Value), each.Span)
		}
	}
	if len(r.instances) == before {
		r.found = append(r.found, unknownNamespace.At(each.Span, "no namespace of the Platform has the labels %s", each.Selector.Selector).
			Suggest("add the labels to the Platform's namespaces, or name the namespaces here"))
	}
}

// labelsOf collects the labels of a listed namespace: those of its object, or, under a pattern,
// those that all its namespaces carry.
func labelsOf(e entry) map[string]string {
	labels := map[string]string{}
	for _, l := range e.Value.Labels {
		labels[string(l.Key.Value)] = string(l.Value)
	}
	if !e.Key.Value.IsPattern() {
		labels[plan.NamespaceLabel] = string(e.Key.Value)
	}
	return labels
}
