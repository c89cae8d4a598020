package deploy

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/render"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
)

// CarriedIn is what one environment's bundle holds without a judgement.
type CarriedIn struct {
	Environment string
	Carried
}

// Judge judges what of rendered objects acts on those who deploy them. Objects of units
// without a component are as we wrote them, and were not read by anybody since: of those only
// text is looked at. The second result is what nobody judges.
func Judge(r *render.Rendering) (diag.List, []CarriedIn) {
	var found diag.List
	var all []CarriedIn
	look := newFinder()
	for i := range r.Environments {
		e := &r.Environments[i]
		p := e.Plan
		here, components := places{more: map[place]int{}}, stacks(p, e.Overlaid.Components)
		for _, o := range e.Objects.All() {
			over := components[e.UnitOf(o.ID)]
			if len(over.plan) == 0 && !bytes.ContainsRune(o.JSON, '$') {
				continue
			}
			wrong, unjudged := Vet(o, Before{
				Emitted: func() *Metadata { return emittedMetadata(e.Emitted, o.ID) }, Components: over.plan,
				Wrote: func(c plan.Component, words ...string) bool { return look.mayHaveWritten(c.Path, over.files, words) },
			})
			for _, f := range wrong {
				d := f.Diagnostic
				d.Span = look.placeOf(f, over.files)
				if len(over.plan) == 0 {
					d.Span = e.Emitted[o.ID].At(d.Subject.Pointer)
				}
				for _, c := range over.plan {
					if strings.HasPrefix(d.Span.File, c.Path+"/") {
						d = d.See(c.Span, "the Platform names the component here")
					}
				}
				here.add(d)
			}
			if unjudged != nil {
				all = append(all, CarriedIn{p.Environment, *unjudged})
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

// add keeps the first finding of each place in a component, and counts the further objects that it
// judges alike.
func (p *places) add(d diag.Diagnostic) {
	at := place{d.Span, d.Rule}
	n, known := p.more[at]
	if known && d.Span.Start.Line > 0 {
		p.more[at] = n + 1
		return
	}
	p.more[at], p.first = 0, append(p.first, d)
}

// found lists the first finding of each place, with the number of judged objects that are not
// named.
func (p *places) found() diag.List {
	for i := range p.first {
		if n := p.more[place{p.first[i].Span, p.first[i].Rule}]; n > 0 {
			p.first[i].Message += fmt.Sprintf(", and so it is with %d more object", n)
			if n > 1 {
				p.first[i].Message += "s"
			}
		}
	}
	return p.first
}

// stack are the components over one unit, as the plan and as the tree have them.
type stack struct {
	plan  []plan.Component
	files []overlays.Laid
}

// stacks gathers the components of a plan that are laid over each unit, to judge their objects by.
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

// CarriedFelix lists the names of Calico's configurations that components carry into an
// environment, unjudged.
func CarriedFelix(all []CarriedIn, environment string) []string {
	var names []string
	for _, c := range all {
		if c.Environment == environment && c.Object.Kind == "FelixConfiguration" && strings.HasSuffix(c.Object.Group, "projectcalico.org") {
			names = append(names, c.Object.Name)
		}
	}
	slices.Sort(names)
	return names
}
