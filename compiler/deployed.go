package compiler

import (
	"bytes"
	"slices"
	"strings"

	"portcullis.dev/compiler/bundle"
	"portcullis.dev/compiler/deploy"
	"portcullis.dev/compiler/locate"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// carried is what one environment's bundle holds without a judgement.
type carried struct {
	environment string
	deploy.Carried
}

// vetDeployed judges what of rendered objects acts on those who deploy them. Objects of
// units without a component are as we wrote them, and were not read by anybody since: of
// those only text is looked at.
func vetDeployed(plans []*plan.Plan, r rendering) (diag.List, []carried) {
	var found diag.List
	var all []carried
	look := newFinder()
	for i, p := range plans {
		e := r.environments[i]
		here, components := places{more: map[place]int{}}, stacks(p, r.overlaid[i].Components)
		for _, o := range e.Objects.All() {
			over := components[e.unitOf(o.ID)]
			if len(over.plan) == 0 && !bytes.ContainsRune(o.JSON, '$') {
				continue
			}
			wrong, unjudged := deploy.Vet(o, deploy.Before{
				Emitted: func() *deploy.Metadata { return emittedMetadata(r.emitted[i], o.ID) }, Components: over.plan,
				Wrote: func(c plan.Component, words ...string) bool { return look.mayHaveWritten(c.Path, over.files, words) },
			})
			for _, f := range wrong {
				d := f.Diagnostic
				d.Span = look.placeOf(f, over.files)
				if len(over.plan) == 0 {
					d.Span = r.emitted[i][o.ID].At(d.Subject.Pointer)
				}
				for _, c := range over.plan {
					if strings.HasPrefix(d.Span.File, c.Path+"/") {
						d = d.See(c.Span, "the Platform names the component here")
					}
				}
				here.add(d)
			}
			if unjudged != nil {
				all = append(all, carried{p.Environment, *unjudged})
			}
		}
		found = append(found, here.found().In(p.Environment)...)
	}
	return found, all
}

// places collects what one line of a component does to many objects.
type places struct {
	first diag.List // of each place
	more  map[place]int
}

type place struct {
	span diag.Span
	rule *diag.Rule
}

func (p *places) add(d diag.Diagnostic) {
	at := place{d.Span, d.Rule}
	n, known := p.more[at]
	if known && d.Span.Start.Line > 0 {
		p.more[at] = n + 1
		return
	}
	p.more[at], p.first = 0, append(p.first, d)
}

// found is the first finding of each place, with the number of objects that are not named.
func (p *places) found() diag.List {
	for i := range p.first {
		if n := p.more[place{p.first[i].Span, p.first[i].Rule}]; n > 0 {
			p.first[i].Message += ", and so it is with " + count(n, "more object")
		}
	}
	return p.first
}

// stack are the components over one unit, as the plan and as the tree have them.
type stack struct {
	plan  []plan.Component
	files []overlays.Laid
}

// stacks are the components of a plan by unit.
func stacks(p *plan.Plan, laid []overlays.Laid) map[string]stack {
	all := map[string]stack{}
	for i, c := range p.Components { // laid has one for each, in this order
		for _, unit := range laid[i].Units {
			s := all[unit]
			all[unit] = stack{append(s.plan, c), append(s.files, laid[i])}
		}
	}
	return all
}

// emittedMetadata are the labels and annotations that we wrote, or nil.
func emittedMetadata(from locate.Origins, id object.ID) *deploy.Metadata {
	emitted, ours := from[id]
	if !ours {
		return nil
	}
	decoded, _ := object.Decode("", emitted.Manifest.YAML())
	if len(decoded) != 1 {
		return nil
	}
	m := deploy.MetadataOf(decoded[0])
	return &m
}

// carriedFelix are the names of Calico's configurations that components carry into an environment.
func carriedFelix(all []carried, environment string) []string {
	var names []string
	for _, c := range all {
		if c.environment == environment && c.Object.Kind == "FelixConfiguration" && strings.HasSuffix(c.Object.Group, "projectcalico.org") {
			names = append(names, c.Object.Name)
		}
	}
	slices.Sort(names)
	return names
}

// carriedOf are the entries of bundle.json, of one namespace where one is given.
func carriedOf(all []carried, namespace string) []bundle.Carried {
	var entries []bundle.Carried
	for _, c := range all {
		if namespace == "" || c.Object.Namespace == namespace {
			entries = append(entries, bundle.Carried{Environment: c.environment, Object: c.Object, Labels: c.Labels, Annotations: c.Annotations})
		}
	}
	return entries
}

// withoutTold leaves out warnings about parts of objects that are refused as it is.
func withoutTold(found, refused diag.List) diag.List {
	if len(refused) == 0 {
		return found
	}
	return slices.DeleteFunc(slices.Clone(found), func(d diag.Diagnostic) bool {
		return d.Severity < diag.Error && slices.ContainsFunc(refused, func(r diag.Diagnostic) bool { return r.Subject == d.Subject })
	})
}
