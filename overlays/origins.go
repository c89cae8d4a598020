package overlays

import (
	"slices"
	"strings"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// origins knows which objects the files hold that kustomizations list.
type origins struct {
	files map[string][]byte
	held  map[string][]object.ID // by file; those that were asked about
}

// read reads what kustomize made of a root, and tells of each object the file that it comes from.
func (from origins) read(k *kustomization, reach []*kustomization, manifests [][]byte) (Root, diag.List) {
	root := Root{Dir: k.dir}
	var found diag.List
	for _, raw := range manifests {
		scanned, wrong := object.ScanRendered(raw, k.place())
		for i := range scanned.Objects {
			scanned.Objects[i].File = from.of(scanned.Objects[i].ID, k, reach)
		}
		if len(scanned.Objects) == 0 {
			from.place(wrong, raw, k, reach)
		}
		root.Objects, root.Passed = append(root.Objects, scanned.Objects...), append(root.Passed, scanned.Passed...)
		found = append(found, wrong...)
	}
	return root, found
}

// place puts what is found in an object that cannot be read where the value is written: in the file
// that the object comes from, or in a kustomization. Of other objects whoever has the set says it.
func (from origins) place(found diag.List, raw []byte, k *kustomization, reach []*kustomization) {
	for i, d := range found {
		if d.Span.HasPosition() || d.Subject.Object.IsZero() {
			continue
		}
		value, _ := object.Object{JSON: raw}.Value(d.Subject.Pointer)
		file := from.of(d.Subject.Object, k, reach)
		at, how := object.NewIndex(file, from.files[file]).LocateRendered(d.Subject, value)
		if how == object.AtValue {
			found[i].Span = at
			continue
		}
		text, _ := value.(string)
		stretch, is := object.TemplateText(text)
		for _, k := range reach {
			for _, name := range slices.Concat([]string{k.file}, k.files) {
				if patch, there := object.Find(name, from.files[name], stretch); is && there {
					at, is = patch, false
				}
			}
		}
		if at.HasPosition() {
			found[i].Span = at
		}
	}
}

// of finds the file that an object of a root comes from: the one that holds an object of its kind
// whose name is a part of the new one, for kustomize may have renamed it and moved it to another
// namespace; the longest such name counts, and then the namespace. Where there is none it is the
// kustomization itself.
func (from origins) of(id object.ID, k *kustomization, reach []*kustomization) string {
	best, file := object.ID{}, k.place()
	for _, k := range reach {
		for _, f := range k.files {
			for _, held := range from.in(f) {
				if held.Kind != id.Kind || held.Group != id.Group || !strings.Contains(id.Name, held.Name) {
					continue
				}
				if longer := len(held.Name) - len(best.Name); longer > 0 || longer == 0 && held.Namespace == id.Namespace && best.Namespace != id.Namespace {
					best, file = held, f
				}
			}
		}
	}
	return file
}

// in lists the objects that a file holds, which may be the origin of rendered ones.
func (from origins) in(file string) []object.ID {
	held, known := from.held[file]
	if !known {
		scanned, _ := object.Scan(file, from.files[file])
		for _, o := range scanned.Objects {
			held = append(held, o.ID)
		}
		from.held[file] = held
	}
	return held
}
