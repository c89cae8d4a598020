package compiler

import (
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/compiler/variants"
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
	roots, unbuilt := m.Kustomizations.Render(m.Deployed, o.Child)
	found = append(found, unbuilt...)
	all := []variants.Source{{Objects: m.Objects}}
	for _, r := range roots {
		found = append(found, m.Passed(r.Dir, r.Passed)...)
		all = append(all, variants.Source{Dir: r.Dir, Objects: m.Chosen(r.Objects)})
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
