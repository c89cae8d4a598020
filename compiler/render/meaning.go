package render

import (
	"slices"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

// Assumed says what the rendered objects mean where pods are, as far as the plan says, and else in the
// half of the free addresses that is assumed. It is worked out once.
func (e *Environment) Assumed() (*meaning.Meaning, diag.List) {
	if e.assumed == nil {
		e.assumed, e.unread = e.Meaning(e.Plan.Assumed()[0])
	}
	return e.assumed, slices.Clone(e.unread)
}

// Meaning says what the rendered objects mean in a cluster, in the namespaces of the plan. A
// network set inherits the labels of its namespace, whose object is deployed by others: what the
// plan lists of it counts, and that it has its name.
func (e *Environment) Meaning(cluster object.Cluster) (*meaning.Meaning, diag.List) {
	rendered, p := e.Objects, e.Plan
	known := meaning.Namespaces(rendered)
	var more []object.Object
	for _, o := range rendered.All() {
		if name := o.ID.Namespace; o.ID.Kind == "NetworkSet" && known[name] == nil {
			n, _ := p.Namespace(name)
			labels := object.Map{{Key: plan.NamespaceLabel, Value: name}}
			for _, key := range diag.SortedKeys(n.Labels) {
				if key != plan.NamespaceLabel {
					labels = append(labels, object.Field{Key: key, Value: n.Labels[key]})
				}
			}
			manifest := object.Map{
				{Key: "apiVersion", Value: "v1"}, {Key: "kind", Value: "Namespace"},
				{Key: "metadata", Value: object.Map{{Key: "name", Value: name}, {Key: "labels", Value: labels}}},
			}
			decoded, _ := object.DecodeManifest(manifest)
			more = append(more, decoded...)
			known[name] = map[string]string{}
		}
	}
	if len(more) > 0 {
		rendered, _ = object.NewSet(append(more, rendered.All()...))
	}
	return e.memory.Of(rendered, cluster)
}
