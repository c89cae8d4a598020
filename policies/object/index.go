package object

import (
	"strings"
	"sync"

	yamlv3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"

	"portcullis.dev/policies/diag"
)

// Index finds values in the text of one file, as Locate does, and reads the text once
// for all questions. It is not for several goroutines at a time.
type Index struct {
	file    string
	data    []byte
	objects map[ID]indexed // nil until somebody asks
	whole   bool           // whether they are all of the text's
}

// indexed is where an object stands.
type indexed struct {
	doc     textDocument
	node    *yamlv3.Node
	values  func() Values // of the document, decoded once for all objects in it
	pointer string        // of the object in its document
	again   bool          // whether a further one is called the same
}

// NewIndex makes an index of a file, which reads nothing until it is asked.
func NewIndex(file string, data []byte) *Index { return &Index{file: file, data: data} }

// Locate finds the place of the value that a pointer names in an indexed object or, where the
// text has none there, of the object's name. It compares nothing: it is for objects that were
// read from this very text.
func (x *Index) Locate(subject diag.Subject) (diag.Span, Located) {
	return x.LocateValue(subject, nil)
}

// LocateValue finds the place of a value as Locate does, of objects that were rendered: the value
// is there if it is the one that is wanted. A nil value compares nothing.
func (x *Index) LocateValue(subject diag.Subject, want any) (diag.Span, Located) {
	o, ok := x.find(subject.Object)
	if !ok {
		return diag.Span{}, NotFound
	}
	if at, ok := descend(o.node, subject.Pointer); ok && (want == nil || o.holds(subject.Pointer, want)) {
		return o.doc.node(at), AtValue
	}
	if name, ok := descend(o.node, "/metadata/name"); ok {
		return o.doc.node(name), AtObject
	}
	return o.doc.node(place{value: o.node}), AtObject
}

// Count counts the objects of the indexed file that are called so: none, one, or several.
func (x *Index) Count(id ID) int {
	switch o, ok := x.find(id); {
	case !ok:
		return 0
	case o.again:
		return 2
	}
	return 1
}

// LocateRendered finds the place of a value of an object that kustomize may have renamed, or
// moved to another namespace, on its way out of the file: it is the one of its kind whose name is
// a part of the new one, the longest of them.
func (x *Index) LocateRendered(subject diag.Subject, want any) (diag.Span, Located) {
	best := x.origin(subject.Object)
	if best.IsZero() {
		return diag.Span{}, NotFound
	}
	return x.LocateValue(diag.Subject{Object: best, Pointer: subject.Pointer}, want)
}

// origin finds the indexed object that another may have been rendered from; zero for none.
func (x *Index) origin(rendered ID) (best ID) {
	x.read(false)
	for id := range x.objects {
		same := id.Kind == rendered.Kind && id.Group == rendered.Group && strings.Contains(rendered.Name, id.Name)
		longer := len(id.Name) - len(best.Name)
		if same && (longer > 0 || longer == 0 && (id.Namespace == rendered.Namespace || best.Namespace != rendered.Namespace && id.Compare(best) < 0)) {
			best = id
		}
	}
	if best.IsZero() && x.read(true) {
		return x.origin(rendered)
	}
	return best
}

// find finds where an object stands in the indexed file, and whether it does anywhere.
func (x *Index) find(id ID) (indexed, bool) {
	x.read(false)
	o, ok := x.objects[id]
	if !ok && x.read(true) {
		o, ok = x.objects[id]
	}
	return o, ok
}

// holds compares what the indexed document says of the object with what was rendered.
func (o indexed) holds(pointer string, want any) bool {
	got, ok := o.values().At(o.pointer + pointer)
	return ok && same(got, want)
}

// read indexes the objects of the file, and reports whether it had to. Of two with one identity
// the first counts. Definitions of kinds and whatever else decides nothing are the most of many a
// file: they are parsed where the whole is asked for.
func (x *Index) read(whole bool) bool {
	if x.objects != nil && (x.whole || !whole) {
		return false
	}
	x.objects, x.whole = map[ID]indexed{}, whole
	for doc := range newSource(x.file, x.data).manifests() {
		if h, sure := doc.head(); !whole && sure && !concerns(h) {
			continue
		}
		var root yamlv3.Node
		if yamlv3.Unmarshal(doc.text, &root) != nil || len(root.Content) == 0 {
			continue
		}
		values := sync.OnceValue(func() Values {
			raw, err := yaml.YAMLToJSON(doc.text)
			if err != nil {
				return Values{}
			}
			return valuesOf(raw)
		})
		for pointer, n := range manifests(root.Content[0]) {
			id := identity(n)
			if id.Kind == "" { // an item of a kind's own list may leave it to the list
				id = identityIn(root.Content[0], id)
			}
			ids := []ID{id}
			if id.Namespace == "" && !clusterScoped(id) {
				id.Namespace = "default"
				ids = append(ids, id)
			}
			for _, id := range ids {
				if first, known := x.objects[id]; known {
					first.again = true
					x.objects[id] = first
				} else {
					x.objects[id] = indexed{doc: doc, node: n, values: values, pointer: pointer}
				}
			}
		}
	}
	return true
}
