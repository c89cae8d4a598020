package compiler

import (
	"slices"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/compiler/variants"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// shown is what manifests of somebody else's come to: what runs in each cluster.
type shown struct {
	clusters []variants.Cluster
	survey   diag.Survey
}

// show sorts manifests, builds the kustomizations among them, and says what runs together.
func (o Options) show(files []language.File, before diag.List) (shown, diag.List) {
	choice := sources.Choice{Exclude: o.Exclude, IgnoreKinds: o.IgnoreKinds, AllowEmpty: o.AllowEmpty}
	m, found := choice.Manifests(files, o.Bases, before)
	deployed := make([]overlays.Deployed, len(m.Deployments))
	for i, d := range m.Deployments {
		deployed[i] = d.Deployed
	}
	roots, unbuilt := m.Kustomizations.Render(m.Deployed, deployed, o.Child)
	found = append(found, unbuilt...)
	m.Unbuilt(unbuilt)
	var all []variants.Source
	rest := m.Objects
	for _, d := range m.Deployments {
		if files := m.Kustomizations.PlainFiles(d.Deployed); len(files) > 0 {
			of := func(o object.Object) bool { return slices.Contains(files, o.File) }
			plain := slices.DeleteFunc(slices.Clone(m.Objects), func(o object.Object) bool { return !of(o) })
			rest = slices.DeleteFunc(slices.Clone(rest), of)
			all = append(all, variants.Source{Dir: d.Dir, Cluster: d.Cluster, Objects: d.Placed(plain)})
		}
	}
	all = append(all, variants.Directories(rest)...)
	for _, r := range roots {
		found = append(found, m.Passed(r.Dir, r.Passed)...)
		s := variants.Source{Dir: r.Dir, Objects: m.Chosen(r.Objects)}
		if r.Deployed >= 0 {
			d := m.Deployments[r.Deployed]
			s.Cluster, s.Objects = d.Cluster, d.Placed(s.Objects)
		}
		all = append(all, s)
	}
	clusters, differ := variants.Of(all)
	found = append(append(found, differ...), m.NotModelled()...)
	var sets []object.Set
	for _, c := range clusters {
		sets = append(sets, c.Set)
	}
	survey, nothing := m.Survey(sets)
	if !found.Failed() {
		found = append(found, nothing...)
	}
	return shown{clusters: clusters, survey: survey}, found
}
