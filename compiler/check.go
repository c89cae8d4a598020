package compiler

import (
	"context"
	"fmt"
	"path"
	"slices"

	"portcullis.dev/compiler/facts"
	"portcullis.dev/compiler/intent"
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
func Check(ctx context.Context, files []intent.File, before diag.List) (*Built, error) {
	checks := prepareChecks(ctx, nil)
	set, found := readManifests(files, before)
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
	return &Built{Report: diag.NewReport(found, rules, sourcesOf(files))}, nil
}

// readManifests reads what Check judges, and what explain explains.
func readManifests(files []intent.File, before diag.List) (object.Set, diag.List) {
	found := slices.Clone(before)
	var objects []object.Object
	for _, f := range files {
		if isRego(f) {
			continue // manifests have no rules of their own
		}
		if path.Base(f.Path) == "kustomization.yaml" || path.Base(f.Path) == "kustomization.yml" {
			found = append(found, kustomization.At(diag.Span{File: f.Path}, "a kustomization, not manifests").
				Because("what counts is what reaches the cluster, and a kustomization can change every manifest beside it").
				Suggest("kustomize build %s | portcullis check -", path.Dir(f.Path)))
			continue
		}
		if intent.Ours(f) {
			found = append(found, nothingToCheck.At(diag.Span{File: f.Path}, "an intent among manifests").
				Because("intents are judged as a repository, from the directory of their %s", intent.PlatformFile).
				Suggest("give that directory instead of single files"))
			continue
		}
		decoded, f := object.Decode(f.Path, f.Data)
		objects = append(objects, decoded...)
		found = append(found, f...)
	}
	set, duplicates := object.NewSet(objects)
	found = append(found, duplicates...)
	if !slices.ContainsFunc(objects, func(o object.Object) bool { return o.Role == object.Policy || o.Role == object.World }) && !found.Failed() {
		found = append(found, nothingToCheck.At(diag.Span{}, "no policy, namespace or workload in %s", count(len(files), "file")).
			Because("a green answer about nothing would be worse than none").
			Suggest("give the directory, the files or (as -) the stream with the manifests"))
	}
	return set, found
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// assumed is the plan of people who have none: their namespaces, governed, and no
// flow.
func assumed(set object.Set) *plan.Plan {
	p := &plan.Plan{Environment: intent.DefaultEnvironment, Cluster: object.DefaultCluster(), Stages: plan.DefaultStages()}
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
