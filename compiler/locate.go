package compiler

import (
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"

	"portcullis.dev/compiler/intent"
	"portcullis.dev/compiler/lower"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// origins has, for each emitted object, what it says and the lines that its parts
// came from.
type origins map[object.ID]lower.Emitted

// locateEmitted turns findings about rendered objects into findings at the lines that
// asked for them: of an intent where the object says there what we emitted, of a
// component where it does not.
func locateEmitted(found diag.List, from origins, rendered object.Set, components []overlays.Laid) diag.List {
	all := located(found, emittedAt(from, rendered, components))
	for i, d := range all {
		if d.Subject.IsZero() && len(components) > 0 {
			all[i].Related = append(slices.Clip(d.Related), changed(d.Span, from, rendered, components)...)
		}
	}
	return all
}

// emittedAt finds the line that asked for a part of a rendered object.
func emittedAt(from origins, rendered object.Set, components []overlays.Laid) func(diag.Subject) diag.Span {
	return func(s diag.Subject) diag.Span {
		emitted, ours := from[s.Object]
		if ours && unchanged(emitted, rendered, s) {
			return emitted.At(s.Pointer)
		}
		if span, known := locateComponent(s, rendered, components); known {
			return span
		}
		return emitted.At("")
	}
}

// changed are the places where components change or remove what was emitted for a line.
func changed(line diag.Span, from origins, rendered object.Set, components []overlays.Laid) []diag.Related {
	var all []diag.Related
	for _, id := range slices.SortedFunc(maps.Keys(from), object.ID.Compare) {
		for _, pointer := range diag.SortedKeys(from[id].Origins) {
			s := diag.Subject{Object: id, Pointer: pointer}
			if from[id].Origins[pointer] != line || unchanged(from[id], rendered, s) {
				continue
			}
			if span, known := locateComponent(s, rendered, components); known {
				all = append(all, diag.Related{Span: span, Message: fmt.Sprintf("changes %s, which was emitted for the line", id)})
				break
			}
		}
	}
	return all
}

// unchanged reports whether the rendered object says, where the subject points, what
// we emitted.
func unchanged(emitted lower.Emitted, rendered object.Set, s diag.Subject) bool {
	o, ok := rendered.Get(s.Object)
	if !ok {
		return false
	}
	decoded, _ := object.Decode("", emitted.Manifest.YAML())
	if len(decoded) != 1 {
		return false
	}
	before, had := decoded[0].Value(s.Pointer)
	after, has := o.Value(s.Pointer)
	return had == has && reflect.DeepEqual(before, after)
}

// locateComponent finds the place in a component's files that gave an object the value
// that the subject points at: the same object there with that value; else a patch's or
// resource's file that names the object; else the last one's kustomization. Components
// over the object's unit go before others, which may add objects to any namespace.
func locateComponent(s diag.Subject, rendered object.Set, components []overlays.Laid) (diag.Span, bool) {
	o, _ := rendered.Get(s.Object) // a component may have removed it
	unit := s.Object.Namespace
	if unit == "" {
		unit = overlays.Cluster
	}
	var over, others []overlays.Laid
	for _, c := range components {
		if slices.Contains(c.Units, unit) {
			over = append(over, c)
		} else {
			others = append(others, c)
		}
	}
	var best diag.Span
	exactness := object.NotFound
	for _, c := range append(over, others...) {
		for _, name := range diag.SortedKeys(c.Files) {
			// The component may give the whole of what the subject points into, or of the
			// list in which it stands.
			for pointer := s.Pointer; ; pointer = pointer[:strings.LastIndexByte(pointer, '/')] {
				want, _ := o.Value(pointer)
				at := diag.Subject{Object: s.Object, Pointer: pointer}
				span, how := object.Locate(path.Join(c.Path, name), c.Files[name], at, want)
				if how > exactness {
					best, exactness = span, how
				}
				if how == object.AtValue || !strings.Contains(pointer, "/") {
					break
				}
			}
		}
	}
	if exactness != object.NotFound || len(components) == 0 {
		return best, exactness != object.NotFound
	}
	if len(over) == 0 {
		over = others
	}
	return diag.Span{File: path.Join(over[len(over)-1].Path, "kustomization.yaml")}, true
}

// locateManifests turns findings about objects into findings at the lines of the
// files that they were read from.
func locateManifests(found diag.List, set object.Set, files []intent.File) diag.List {
	data := map[string][]byte{}
	for _, f := range files {
		data[f.Path] = f.Data
	}
	at := func(s diag.Subject) diag.Span {
		o, ok := set.Get(s.Object)
		if !ok {
			return diag.Span{}
		}
		if s.Pointer == "" {
			s.Pointer = "/metadata/name" // an object as a whole is pointed at by its name
		}
		value, ok := o.Value(s.Pointer)
		if !ok {
			value = nil
		}
		span, _ := object.Locate(o.File, data[o.File], s, value)
		return span
	}
	return located(found, at)
}

func located(found diag.List, at func(diag.Subject) diag.Span) diag.List {
	all := slices.Clone(found)
	for i := range all {
		d := &all[i]
		if d.Span.IsZero() && !d.Subject.Object.IsZero() {
			d.Span = at(d.Subject)
		}
		d.Related = slices.Clone(d.Related)
		for j := range d.Related {
			if r := &d.Related[j]; r.Span.IsZero() && !r.Subject.Object.IsZero() {
				r.Span = at(r.Subject)
			}
		}
	}
	return all
}
