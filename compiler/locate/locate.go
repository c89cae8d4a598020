// Package locate says where in the files that people wrote what was found in objects comes
// from: the line of an intent, or of a component, or of a manifest.
//
// Its invariant: a line of an intent is blamed only for what the object still says as it was
// emitted. It does nothing until somebody asks, and parses no text twice.
//
// It must not know what was found, nor whether it counts.
package locate

import (
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/lower"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Origins has, for each emitted object, what it says and the lines that its parts
// came from.
type Origins map[object.ID]lower.Emitted

// Provenance finds what is in rendered objects in the files that gave it. It reads each text
// once, and answers each question once: a rule may find something in every value of a list.
type Provenance struct {
	from       Origins
	rendered   object.Set
	components []overlays.Laid

	emitted  map[object.ID]object.Values // as we emitted them
	objects  map[object.ID]object.Values // as they were rendered
	indices  map[string]*object.Index    // of the components' files
	answers  map[question]answer
	subjects map[diag.Span][]diag.Subject // what was emitted for a line, in order; nil until somebody asks
	read     int                          // how often a text was parsed: what all this costs
}

// question is whether a file gave an object a value.
type question struct {
	file    string
	subject diag.Subject
}

type answer struct {
	span diag.Span
	how  object.Located
}

// InRendered prepares to locate where rendered objects have what they say from: lines of intents,
// and the components that were laid over what was emitted for those.
func InRendered(from Origins, rendered object.Set, components []overlays.Laid) *Provenance {
	return &Provenance{
		from: from, rendered: rendered, components: components,
		emitted: map[object.ID]object.Values{}, objects: map[object.ID]object.Values{}, indices: map[string]*object.Index{}, answers: map[question]answer{},
	}
}

// Findings turns findings about rendered objects into findings at the lines that asked for
// them: of an intent where the object says there what was emitted, of a component where it
// does not.
func (p *Provenance) Findings(found diag.List) diag.List {
	all := located(found, p.At)
	withContents(all, p.rendered)
	for i, d := range all {
		if d.Subject.IsZero() && len(p.components) > 0 {
			all[i].Related = append(slices.Clip(d.Related), p.changed(d.Span)...)
		}
	}
	return all
}

// At locates the line that asked for a part of a rendered object.
func (p *Provenance) At(s diag.Subject) diag.Span {
	emitted, ours := p.from[s.Object]
	if ours && p.unchanged(s) {
		return emitted.At(s.Pointer)
	}
	if span, known := p.ofComponent(s); known {
		return span
	}
	return emitted.At("")
}

// changed locates the places where components change or remove what was emitted for a line.
func (p *Provenance) changed(line diag.Span) []diag.Related {
	if p.subjects == nil {
		p.subjects = map[diag.Span][]diag.Subject{}
		for _, id := range slices.SortedFunc(maps.Keys(p.from), object.ID.Compare) {
			emitted := p.from[id]
			p.subjects[emitted.Span] = append(p.subjects[emitted.Span], diag.Subject{Object: id})
			for _, part := range slices.SortedFunc(slices.Values(emitted.Places), func(a, b lower.Place) int { return strings.Compare(a.Pointer, b.Pointer) }) {
				p.subjects[part.Span] = append(p.subjects[part.Span], diag.Subject{Object: id, Pointer: part.Pointer})
			}
		}
	}
	var all []diag.Related
	told := map[object.ID]bool{}
	for _, s := range p.subjects[line] {
		if told[s.Object] || p.unchanged(s) {
			continue
		}
		if span, known := p.ofComponent(s); known {
			all = append(all, diag.Related{Span: span, Message: fmt.Sprintf("changes %s, which was emitted for the line", s.Object)})
			told[s.Object] = true
		}
	}
	return all
}

// unchanged reports whether the rendered object says, where the subject points, what
// we emitted.
func (p *Provenance) unchanged(s diag.Subject) bool {
	if _, there := p.rendered.Get(s.Object); !there {
		return false
	}
	values, known := p.emitted[s.Object]
	if !known {
		if decoded, _ := object.DecodeManifest(p.from[s.Object].Manifest); len(decoded) == 1 {
			values = decoded[0].Values()
		}
		p.read++
		p.emitted[s.Object] = values
	}
	before, had := values.At(s.Pointer)
	after, has := p.value(s)
	return had == has && reflect.DeepEqual(before, after)
}

// value returns what the rendered object says where the subject points; nothing where a component
// has removed it.
func (p *Provenance) value(s diag.Subject) (any, bool) {
	values, known := p.objects[s.Object]
	if !known {
		if o, there := p.rendered.Get(s.Object); there {
			values = o.Values()
		}
		p.read++
		p.objects[s.Object] = values
	}
	return values.At(s.Pointer)
}

// ofComponent finds the place in a component's files that gave an object the value
// that the subject points at: the same object there with that value; else a patch's or
// resource's file that names the object; else the last one's kustomization. Components
// over the object's unit go before others, which may add objects to any namespace.
func (p *Provenance) ofComponent(s diag.Subject) (diag.Span, bool) {
	unit := overlays.UnitOf(s.Object)
	var over, others []overlays.Laid
	for _, c := range p.components {
		if slices.Contains(c.Units, unit) {
			over = append(over, c)
		} else {
			others = append(others, c)
		}
	}
	var best answer
	for _, c := range append(over, others...) {
		for _, name := range diag.SortedKeys(c.Files) {
			// The component may give the whole of what the subject points into, or of the
			// list in which it stands.
			for pointer := s.Pointer; ; pointer = pointer[:strings.LastIndexByte(pointer, '/')] {
				a := p.inFile(path.Join(c.Path, name), c.Files[name], diag.Subject{Object: s.Object, Pointer: pointer})
				if a.how > best.how {
					best = a
				}
				if a.how == object.AtValue || a.how == object.NotFound || !strings.Contains(pointer, "/") {
					break
				}
			}
		}
	}
	if best.how != object.NotFound || len(p.components) == 0 {
		return best.span, best.how != object.NotFound
	}
	if len(over) == 0 {
		over = others
	}
	return diag.Span{File: path.Join(over[len(over)-1].Path, "kustomization.yaml")}, true
}

// inFile looks in a component's file for a value of a rendered object.
func (p *Provenance) inFile(file string, data []byte, s diag.Subject) answer {
	asked := question{file, s}
	a, known := p.answers[asked]
	if !known {
		if p.indices[file] == nil {
			p.indices[file] = object.NewIndex(file, data)
			p.read++
		}
		want, _ := p.value(s)
		a.span, a.how = p.indices[file].LocateValue(s, want)
		p.answers[asked] = a
	}
	return a
}

// Texts are files in which the places of objects are looked up: each is read once, when it is
// asked about, however many clusters its objects run in.
type Texts struct {
	files   []language.File
	indices map[string]*object.Index
}

// TextsOf prepares files so that the places of objects in them can be located.
func TextsOf(files []language.File) Texts {
	t := Texts{files: files, indices: map[string]*object.Index{}}
	for _, f := range files {
		t.indices[f.Path] = object.NewIndex(f.Path, f.Data)
	}
	return t
}

// Manifests turns findings about objects into findings at the lines of the files that they
// were read from. What is about a namespace and no object of it stands at the Namespace or,
// where nobody wrote it down, at what is in it.
func (t Texts) Manifests(found diag.List, set object.Set) diag.List {
	at := t.Of(set)
	all := located(found, at)
	respelt(all, set, t.files)
	withContents(all, set)
	return atNamespaces(all, func(name string) diag.Span { return at(diag.Subject{Object: inNamespace(set, name)}) })
}

// inNamespace picks the object that stands for a namespace when it is to be located: the Namespace
// itself, else the first of the policies in it, else the first of everything.
func inNamespace(set object.Set, name string) diag.ObjectID {
	id := diag.ObjectID{Kind: "Namespace", Name: name}
	if _, there := set.Get(id); there {
		return id
	}
	var first diag.ObjectID
	for _, o := range set.All() {
		switch {
		case o.ID.Namespace != name:
		case o.Role == object.Policy:
			return o.ID
		case first.IsZero():
			first = o.ID
		}
	}
	return first
}

// Governed places what is about a namespace, and no object of it, where a plan has the
// namespace from.
func Governed(found diag.List, p *plan.Plan) diag.List {
	return atNamespaces(slices.Clone(found), func(name string) diag.Span {
		i := slices.IndexFunc(p.Namespaces, func(n plan.Namespace) bool { return n.Name == name })
		if i < 0 {
			return diag.Span{}
		}
		return p.Namespaces[i].Span
	})
}

// atNamespaces gives a place to what has none and is about one namespace.
func atNamespaces(found diag.List, at func(name string) diag.Span) diag.List {
	for i := range found {
		d := &found[i]
		if names := d.EvidenceOf(diag.NamespaceEvidence); d.Span.IsZero() && d.Subject.IsZero() && len(names) == 1 {
			d.Span = at(names[0])
		}
	}
	return found
}

// Of finds where the objects of a set and their parts are written.
func (t Texts) Of(set object.Set) func(diag.Subject) diag.Span {
	return func(s diag.Subject) diag.Span {
		o, ok := set.Get(s.Object)
		if !ok || t.indices[o.File] == nil {
			return diag.Span{}
		}
		if s.Pointer == "" {
			s.Pointer = "/metadata/name"
		}
		if o.Kustomization == "" {
			span, _ := t.indices[o.File].Locate(s)
			return span
		}
		want, _ := o.Value(s.Pointer)
		span, how := t.indices[o.File].LocateRendered(s, want)
		if how == object.AtValue || how == object.AtObject && s.Pointer == "/metadata/name" {
			return span
		}
		return diag.Span{File: o.Kustomization} // which changed it, or a patch that it lists
	}
}

// located gives each finding, and what it relates to, the line at which its object is located.
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
