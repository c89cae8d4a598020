package compiler

import (
	"context"
	"slices"

	"portcullis.dev/compiler/facts"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/locate"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/compiler/proof"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

// Check judges manifests that somebody else wrote, by the same rules and the same
// meaning as Build. Nothing is known of what was meant: every namespace among the
// manifests, the system's excepted, is held to be governed, in a cluster as
// kubeadm and Calico's operator set it up.
func Check(ctx context.Context, files []language.File, before diag.List) (*Built, error) {
	return Options{}.Check(ctx, files, before)
}

// Check is the function of this name with options.
func (o Options) Check(ctx context.Context, files []language.File, before diag.List) (*Built, error) {
	checks := prepareChecks(ctx, nil)
	shown, found := o.show(files, before)
	for _, c := range shown.clusters {
		found = locate.Manifests(found, c.Set, files)
	}
	found = meaning.ByRelease(found, object.DefaultCluster())
	for _, c := range shown.clusters {
		judged, err := checks.cluster(ctx, c.Set)
		if err != nil {
			return nil, err
		}
		found = append(found, locate.WithEvidence(locate.Manifests(judged, c.Set, files), nil, locate.Authors{}).In(c.Name)...)
	}
	rules, broken, err := checks.wait()
	if err != nil {
		return nil, err
	}
	built := &Built{Report: diag.NewReport(everywhere(append(found, broken...), len(shown.clusters)), rules, sourcesOf(files))}
	built.Report.Survey = &shown.survey
	return built, nil
}

// cluster judges what runs in one cluster.
func (c *checks) cluster(ctx context.Context, set object.Set) (diag.List, error) {
	p := assumed(set)
	m, found := meaning.Of(set, p.Cluster)
	if found.Failed() {
		return found, nil
	}
	found = append(found, m.HostsNotEvaluated()...)
	everybody := population.Of(p, set)
	found = append(found, proof.HalfOpen(m, everybody.Described)...)
	judged, err := c.judge(ctx, facts.Of(p, population.RelationOf(p, m), set, everybody))
	return append(found, judged...), err
}

// assumed is the plan of people who have none: their namespaces, governed, and no
// flow.
func assumed(set object.Set) *plan.Plan {
	p := &plan.Plan{Environment: language.DefaultEnvironment, Cluster: object.DefaultCluster(), Stages: plan.DefaultStages()}
	labels := map[string]map[string]string{}
	for _, o := range set.All() {
		switch {
		case o.ID.Kind == "Namespace" && o.Role == object.World:
			labels[o.ID.Name] = o.Labels()
		case o.ID.Namespace != "" && o.Role != object.Foreign && labels[o.ID.Namespace] == nil:
			labels[o.ID.Namespace] = map[string]string{}
		}
	}
	for _, name := range slices.Concat(p.Cluster.System, []string{p.Cluster.DNS.Namespace}) {
		if labels[name] == nil {
			labels[name] = map[string]string{}
		}
	}
	for _, name := range diag.SortedKeys(labels) {
		system := slices.Contains(p.Cluster.System, name)
		all := map[string]string{plan.NamespaceLabel: name}
		for k, v := range labels[name] {
			all[k] = v
		}
		p.Namespaces = append(p.Namespaces, plan.Namespace{Name: name, Labels: all, System: system, Governed: !system})
	}
	return p
}
