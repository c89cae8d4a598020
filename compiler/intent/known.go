package intent

import (
	"slices"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
)

// known is a repository with what holds in every environment: the namespaces that
// the Platform lists, and where each intent stands.
type known struct {
	*Repository
	entries   map[string]NamespaceSpec // the Platform's namespaces, by name or pattern
	order     []Entry[NamespaceName, NamespaceSpec]
	exclusive bool              // the Platform lists every namespace
	patterns  map[string]string // namespace made after a pattern → that pattern
	instances []instance
	found     diag.List
}

// instance is an intent in one of the namespaces in which it stands.
type instance struct {
	intent    *NetworkIntent
	namespace string
	span      diag.Span // where the namespace is written
}

// ref is the workload's name in full.
func (i instance) ref() string { return i.namespace + "/" + string(i.intent.Metadata.Name.Value) }

func (r *Repository) know(o Options) *known {
	k := &known{Repository: r, entries: map[string]NamespaceSpec{}, patterns: map[string]string{}}
	if listed := r.Platform.Spec.Namespaces; listed != nil {
		k.exclusive, k.order = true, *listed
	}
	k.make(o.Namespace)
	for _, e := range k.order {
		k.entries[string(e.Key.Value)] = e.Value
	}
	for i := range r.Intents {
		if k.place(&r.Intents[i]); len(k.instances) > mostIntents {
			break // which is refused
		}
	}
	return k
}

// make adds a namespace that was made after a pattern. Of several patterns that
// cover it the longest decides.
func (k *known) make(namespace string) {
	if namespace == "" || slices.ContainsFunc(k.order, func(e Entry[NamespaceName, NamespaceSpec]) bool { return string(e.Key.Value) == namespace }) {
		return
	}
	var made Entry[NamespaceName, NamespaceSpec]
	for _, e := range k.order {
		if e.Key.Value.Covers(namespace) && len(e.Key.Value) > len(made.Key.Value) {
			made = e
		}
	}
	if made.Key.Value == "" {
		return // only a namespace of an intent; the caller sees whether there is one
	}
	k.patterns[namespace] = string(made.Key.Value)
	made.Key.Value = NamespaceName(namespace)
	k.order = append(slices.Clip(k.order), made)
}

// place finds out in which namespaces an intent stands.
func (k *known) place(i *NetworkIntent) {
	if i.Metadata.Name.Value == "" {
		return // already said
	}
	add := func(namespace string, span diag.Span) {
		k.instances = append(k.instances, instance{i, namespace, span})
		for made, pattern := range k.patterns {
			if pattern == namespace {
				k.instances = append(k.instances, instance{i, made, span})
			}
		}
	}
	here, each := i.Metadata.Namespace, i.Spec.Namespaces
	switch {
	case here.Given() && each != nil:
		k.found = append(k.found, notBoth.At(each.Span, "metadata.namespace and spec.namespaces are both given").See(here.Span, "the one namespace").
			Suggest("keep metadata.namespace for one namespace, spec.namespaces for several"))
	case here.Given():
		add(string(here.Value), here.Span)
	case each == nil:
		k.found = append(k.found, missingField.At(i.Metadata.Span, "namespace is missing here").
			Suggest("add the namespace of the workload; where it stands in several, write spec.namespaces"))
	case each.Selector == nil:
		for _, n := range each.Names {
			add(string(n.Value), n.Span)
		}
	default:
		k.selected(i, each, add)
	}
}

// selected finds the namespaces that a replication selects by their labels.
func (k *known) selected(i *NetworkIntent, each *Replication, add func(string, diag.Span)) {
	if !k.exclusive {
		k.found = append(k.found, missingFact.At(each.Span, "%s selects namespaces by label, and the Platform lists none", i.Metadata.Name.Value).
			Suggest("list the namespaces with their labels in the Platform, or name them here"))
		return
	}
	before := len(k.instances)
	for _, e := range k.order {
		if _, made := k.patterns[string(e.Key.Value)]; !made && each.Selector.Selector.Matches(labelsOf(e)) {
			add(string(e.Key.Value), each.Span)
		}
	}
	if len(k.instances) == before {
		k.found = append(k.found, unknownNamespace.At(each.Span, "no namespace of the Platform has the labels %s", each.Selector.Selector).
			Suggest("add the labels to the Platform's namespaces, or name the namespaces here"))
	}
}

// labelsOf are the labels of the Namespace object, or, under a pattern, those that
// all its namespaces carry.
func labelsOf(e Entry[NamespaceName, NamespaceSpec]) map[string]string {
	labels := map[string]string{}
	for _, l := range e.Value.Labels {
		labels[string(l.Key.Value)] = string(l.Value)
	}
	if !e.Key.Value.IsPattern() {
		labels[plan.NamespaceLabel] = string(e.Key.Value)
	}
	return labels
}
