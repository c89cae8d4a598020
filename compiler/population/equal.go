package population

import (
	"maps"
	"slices"

	"portcullis.dev/policies/meaning"
)

// Equal reports whether two sets of pods are the same in every field.
func (p *Pods) Equal(o *Pods) bool {
	return p == o || p.Kind == o.Kind && p.Resolves == o.Resolves && equalEndpoints(p.Endpoint, o.Endpoint)
}

// equalEndpoints reports whether two endpoints are the same. No labels of a Namespace are something
// else than none that are known.
func equalEndpoints(e, o *meaning.Endpoint) bool {
	if e == o || e == nil || o == nil {
		return e == o
	}
	return e.Namespace == o.Namespace && e.Name == o.Name && e.NamespaceUnwritten == o.NamespaceUnwritten && e.LabelsUnwritten == o.LabelsUnwritten &&
		e.ServiceAccount == o.ServiceAccount && e.HostNetwork == o.HostNetwork && e.PortsKnown == o.PortsKnown && e.Object == o.Object &&
		maps.Equal(e.Labels, o.Labels) && (e.NamespaceLabels == nil) == (o.NamespaceLabels == nil) && maps.Equal(e.NamespaceLabels, o.NamespaceLabels) &&
		maps.Equal(e.ServiceAccountLabels, o.ServiceAccountLabels) && slices.Equal(e.Ports, o.Ports) && slices.Equal(e.Addresses, o.Addresses)
}
