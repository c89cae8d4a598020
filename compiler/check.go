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
	"portcullis.dev/compiler/sources"
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
	shown, found := o.choice().Manifests(files, before)
	set := shown.Set
	found = meaning.ByRelease(found, object.DefaultCluster())
	if !found.Failed() {
		p := assumed(set)
		m, unread := meaning.Of(set, p.Cluster)
		if found = append(found, unread...); !unread.Failed() {
			found = append(found, m.HostsNotEvaluated()...)
			everybody := population.Of(p, set)
			found = append(found, proof.HalfOpen(m, everybody.Described)...)
			judged, err := checks.judge(ctx, facts.Of(p, population.RelationOf(p, m), set, everybody))
			if err != nil {
				return nil, err
			}
			found = append(found, judged...)
		}
	}
	rules, broken, err := checks.wait()
	if err != nil {
		return nil, err
	}
	found = locate.WithEvidence(locate.Manifests(append(found, broken...), set, files), nil, locate.Authors{})
	built := &Built{Report: diag.NewReport(found, rules, sourcesOf(files))}
	built.Report.Survey = &shown.Survey
	return built, nil
}

func (o Options) choice() sources.Choice {
	return sources.Choice{Exclude: o.Exclude, IgnoreKinds: o.IgnoreKinds, AllowEmpty: o.AllowEmpty}
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
