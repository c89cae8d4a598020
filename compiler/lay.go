package compiler

import (
	"slices"

	"portcullis.dev/compiler/crosscheck"
	"portcullis.dev/compiler/deploy"
	"portcullis.dev/compiler/intent"
	"portcullis.dev/compiler/locate"
	"portcullis.dev/compiler/lower"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/render"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// layout is a repository on its way to being judged: what every later stage stands on.
type layout struct {
	world  object.Set        // the manifests beside the intents
	inputs map[string][]byte // the files that count
	plans  []*plan.Plan
	parts  map[string]overlays.Component

	rendering *render.Rendering
	deployed  diag.List          // what is wrong with what acts on those who deploy it
	carried   []deploy.CarriedIn // what is not judged, because the Platform says so
}

// lay resolves a repository and renders it. Where the findings, to which its own are
// added, fail, the rest of the result is not whole.
func (o Options) lay(repo *intent.Repository, files []intent.File, found diag.List) (layout, diag.List, error) {
	var l layout
	var resolved diag.List
	l.plans, resolved = repo.Resolve(intent.Options{Targets: lower.Names(), Namespace: o.Namespace, AllowEmpty: o.AllowEmpty})
	found = append(found, resolved...)
	found = sources.Hidden(repo, found)
	var unread diag.List
	l.world, l.inputs, unread = sources.World(repo, files)
	found = append(found, unread...)
	for _, p := range l.plans {
		found = append(found, locate.Manifests(crosscheck.Check(p, l.world), l.world, files).In(p.Environment)...)
	}
	if found.Failed() {
		return l, found, nil
	}
	if len(o.only) > 0 {
		l.plans = slices.DeleteFunc(l.plans, func(p *plan.Plan) bool { return !slices.Contains(o.only, p.Environment) })
	}
	var vetted diag.List
	l.parts, vetted = render.Components(l.plans, files)
	found = append(found, vetted...)
	for _, p := range l.plans {
		found = append(found, deploy.VetNames(p.Components).In(p.Environment)...)
	}
	if found.Failed() {
		return l, found, nil
	}
	var wrong diag.List
	var err error
	l.rendering, wrong, err = render.Plans(l.plans, l.parts, o.Child)
	if found = append(found, wrong...); err == nil && !found.Failed() {
		l.deployed, l.carried = deploy.Judge(l.rendering)
	}
	return l, found, err
}
