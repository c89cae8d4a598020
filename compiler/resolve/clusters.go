package resolve

import (
	"net/netip"
	"slices"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
)

// Cluster is what a Platform says of one environment beside lines: its cluster and its
// namespaces, and the addresses to which it gives names.
type Cluster struct {
	*plan.Plan
	Named []netip.Prefix
	// Calico and DNS: it says which release runs, and who resolves names.
	Calico, DNS bool
}

// Clusters resolves what a Platform says of the clusters of its environments, for whoever has no
// intents. No line, guardrail or test is looked at: they may speak of workloads that are not here.
func Clusters(r *language.Repository, o Options) ([]Cluster, diag.List) {
	all := newRepository(r, o.Namespace)
	var clusters []Cluster
	var found diag.List
	for _, name := range r.Environments() {
		s := newResolver(all, name, o.Targets)
		s.cluster()
		s.namespaces()
		found = append(found, s.found.In(name)...)
		c := Cluster{
			Plan:   s.plan,
			Calico: s.settings.Calico != nil && s.settings.Calico.Version.Given() || s.settings.Calico == nil && r.Platform.Spec.Calico != nil && r.Platform.Spec.Calico.Version.Given(),
			DNS:    s.settings.DNS != nil || r.Platform.Spec.DNS != nil,
		}
		for _, peer := range r.Platform.Spec.Peers {
			for _, p := range s.named(string(peer.Key.Value), peer.Key.Span) {
				c.Named = append(c.Named, plan.Ranges(p.end.Blocks)...)
			}
		}
		for _, a := range s.plan.Cluster.DNS.NodeLocal {
			c.Named = append(c.Named, netip.PrefixFrom(a, a.BitLen()))
		}
		clusters = append(clusters, c)
	}
	if len(clusters) == 1 {
		for i := range found {
			found[i].Environments = nil
		}
	}
	return clusters, slices.Clip(found)
}
