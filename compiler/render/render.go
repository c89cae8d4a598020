// Package render turns plans into what is deployed: it lowers them to objects, lays those out
// as a tree of overlays, and reads what comes out where components are laid over it.
//
// Its invariant: what it returns is what kustomize makes of the tree that it returns. Each
// object can be traced to the lines that it was emitted for.
//
// It must not know whether what was rendered is what was meant.
package render

import (
	"slices"

	"portcullis.dev/compiler/locate"
	"portcullis.dev/compiler/lower"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

// Rendering is what some plans come to.
type Rendering struct {
	Tree         overlays.Tree
	Environments []Environment // one for each plan, in their order
}

// Environment is what one plan comes to.
type Environment struct {
	Plan     *plan.Plan
	Emitted  locate.Origins       // what it was lowered to, and for which lines
	Overlaid overlays.Environment // with the components that are laid over that
	Objects  object.Set           // as they were rendered

	memory  *meaning.Memory      // nil for none
	units   map[object.ID]string // of those that were rendered in another unit than their namespace's
	assumed *meaning.Meaning     // see Assumed; once asked for
	unread  diag.List            // beside that
}

// Plans lowers plans, lays their objects out and renders them, with those components that they
// name, by their paths. Components are rendered in the child, or without one in this process.
// The error is a failure of the machine.
func Plans(plans []*plan.Plan, components map[string]overlays.Component, child overlays.Child) (*Rendering, diag.List, error) {
	return (*Memory)(nil).Plans(plans, components, child)
}

// Plans renders plans as the function of that name does, less what it remembers.
func (k *Memory) Plans(plans []*plan.Plan, components map[string]overlays.Component, child overlays.Child) (*Rendering, diag.List, error) {
	r, found := k.Lower(plans, components)
	if found.Failed() {
		return r, found, nil
	}
	rendered, wrong, err := k.laidOut().Render(r.Tree, r.overlaid(), child)
	if err != nil {
		return nil, nil, err // the tree is our own: no input can be at fault
	}
	found = append(found, wrong...)
	for i := range r.Environments {
		found = append(found, r.Environments[i].read(rendered[i])...)
	}
	return r, found, nil
}

// Near is what a plan comes to that can select pods of some namespaces, and has no tree. Where
// components are laid over anything, it is all that the plan comes to.
func Near(p *plan.Plan, namespaces []string, components map[string]overlays.Component, child overlays.Child) (*Environment, diag.List, error) {
	if len(p.Components) > 0 {
		r, found, err := Plans([]*plan.Plan{p}, components, child)
		if err != nil || found.Failed() {
			return nil, found, err
		}
		return &r.Environments[0], found, nil
	}
	emitted, found := lower.Near(p, namespaces...)
	var objects []object.Object
	reader, origins := object.NewReader(), locate.Origins{}
	for _, o := range emitted {
		origins[object.IDOf(o.Manifest)] = o
		decoded, wrong := reader.Decode(o.Manifest)
		objects, found = append(objects, decoded...), append(found, wrong...)
	}
	set, twice := object.NewSet(objects)
	return &Environment{Plan: p, Emitted: origins, Objects: set}, append(found, twice...), nil
}

// Lower lowers plans and lays their objects out, and renders nothing.
func Lower(plans []*plan.Plan, components map[string]overlays.Component) (*Rendering, diag.List) {
	return (*Memory)(nil).Lower(plans, components)
}

// Lower lowers plans as the function of that name does, less what it remembers.
func (k *Memory) Lower(plans []*plan.Plan, components map[string]overlays.Component) (*Rendering, diag.List) {
	r := &Rendering{}
	var found diag.List
	for _, p := range plans {
		emitted, lowered := k.lowered().Lower(p)
		found = append(found, lowered.In(p.Environment)...)
		e := Environment{Plan: p, memory: k.meant(), Emitted: make(locate.Origins, len(emitted)), Overlaid: overlays.Environment{
			Name: p.Environment, Components: laid(p, components), Objects: make([]object.Map, len(emitted)),
		}}
		for i, o := range emitted {
			e.Overlaid.Objects[i] = o.Manifest
			e.Emitted[object.IDOf(o.Manifest)] = o
		}
		r.Environments = append(r.Environments, e)
	}
	if !found.Failed() {
		r.Tree = k.laidOut().Write(r.overlaid())
	}
	return r, found
}

// overlaid collects of each environment what is written into the tree and rendered.
func (r *Rendering) overlaid() []overlays.Environment {
	var all []overlays.Environment
	for _, e := range r.Environments {
		all = append(all, e.Overlaid)
	}
	return all
}

// read collects what was rendered of an environment's units, each apart.
func (e *Environment) read(rendered []overlays.Rendered) (found diag.List) {
	size := 0
	for _, of := range rendered {
		size += len(of.Objects)
	}
	objects := make([]object.Object, 0, size)
	e.units = map[object.ID]string{}
	for _, of := range rendered {
		for _, o := range of.Objects {
			if overlays.UnitOf(o.ID) != of.Unit {
				e.units[o.ID] = of.Unit
			}
		}
		objects = append(objects, of.Objects...)
	}
	e.Objects, found = object.NewSet(objects)
	return found
}

// UnitOf tells the unit in which an object was rendered.
func (e *Environment) UnitOf(id object.ID) string {
	if unit, elsewhere := e.units[id]; elsewhere {
		return unit
	}
	return overlays.UnitOf(id)
}

// Places finds where the rendered objects have what they say from.
func (e *Environment) Places() *locate.Provenance {
	return locate.InRendered(e.Emitted, e.Objects, e.Overlaid.Components)
}

// In returns what was rendered of one namespace, in the environments that have it.
func (r *Rendering) In(namespace string) *Rendering {
	within := &Rendering{}
	for _, e := range r.Environments {
		objects := slices.DeleteFunc(slices.Clone(e.Objects.All()), func(o object.Object) bool { return o.ID.Namespace != namespace })
		if len(objects) == 0 {
			continue
		}
		e.Objects, _ = object.NewSet(objects) // a part of a set has nothing twice
		e.Overlaid.Objects = slices.DeleteFunc(slices.Clone(e.Overlaid.Objects), func(m object.Map) bool { return object.IDOf(m).Namespace != namespace })
		var components []overlays.Laid
		for _, c := range e.Overlaid.Components {
			if slices.Contains(c.Units, namespace) {
				components = append(components, overlays.Laid{Component: c.Component, Units: []string{namespace}})
			}
		}
		e.Overlaid.Components = components
		within.Environments = append(within.Environments, e)
	}
	within.Tree = overlays.Write(within.overlaid())
	return within
}
