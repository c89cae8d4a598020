// Package gitops reads what objects of Flux and Argo CD say of a repository that they lie in: which
// of its directories are deployed, to which cluster, and what is laid over them.
//
// Its invariant: what an object says that it deploys is among what is returned, or is named with
// the reason why it is not.
//
// It must not know what the manifests in the directories say, nor how they are judged.
package gitops

import (
	"bytes"
	"encoding/json"
	"path"
	"slices"
	"strings"

	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Deployment is a directory that an object deploys to a cluster.
type Deployment struct {
	overlays.Deployed
	Cluster   string   // as people know it by the repository; empty where the object does not say
	Namespace string   // of objects that name none; empty for the usual one
	Left      []string // files of the directory that it leaves out
}

// Placed puts objects into the namespaces in which they are deployed: those that name none are in
// the deployment's.
func (d Deployment) Placed(objects []object.Object) []object.Object {
	placed := slices.Clone(objects)
	for i, o := range placed {
		placed[i].Unplaced = false
		if d.Namespace == "" {
			continue
		}
		unread, is := o.Unread()
		if o.Role != object.Policy && o.Role != object.World && !is || is && unread.Everywhere || object.ClusterScoped(o.APIVersion, o.ID.Kind) {
			continue
		}
		if namespace, _ := o.Value("/metadata/namespace"); namespace != nil && namespace != "" {
			continue
		}
		placed[i].ID.Namespace = d.Namespace
		if o.Kustomization == "" {
			placed[i].Kustomization = d.By // which moved it
		}
	}
	return placed
}

// Unresolved is an object that deploys something that is not known here.
type Unresolved struct {
	Reason, Help string // why, in the plural; what to do
	File, Kind   string
	Name         string
}

// Deployments are what the objects among some files deploy.
type Deployments struct {
	All        []Deployment
	Unresolved []Unresolved
}

// Speaks reports whether a kind is one of those, of Flux and Argo CD, that say what is deployed.
func Speaks(group, kind string) bool {
	return group == fluxGroup && kind == "Kustomization" || group == argoGroup && (kind == "Application" || kind == "ApplicationSet")
}

const (
	fluxGroup = "kustomize.toolkit.fluxcd.io"
	argoGroup = "argoproj.io"
)

// Of reads from the objects of Flux and Argo CD among files what is deployed. The kustomizations
// are those of the same files.
func Of(files map[string][]byte, ks overlays.Kustomizations) Deployments {
	r := &reader{ks: ks, dirs: map[string]bool{".": true}}
	for name := range files {
		for dir := path.Dir(name); !r.dirs[dir]; dir = path.Dir(dir) {
			r.dirs[dir] = true
		}
	}
	for _, name := range diag.SortedKeys(files) {
		r.read(name, files[name])
	}
	r.flux()
	r.argo()
	slices.SortStableFunc(r.out.Unresolved, func(a, b Unresolved) int { return strings.Compare(a.File, b.File) })
	return r.out
}

// reader reads the objects of one repository.
type reader struct {
	ks   overlays.Kustomizations
	dirs map[string]bool // with files in them, or below

	kustomizations []*kustomization
	applications   []application
	out            Deployments
}

// read takes the objects that say what is deployed out of a file. Of others no more is read than
// whether they may be one.
func (r *reader) read(name string, data []byte) {
	if !bytes.Contains(data, []byte(fluxGroup+"/")) && !bytes.Contains(data, []byte(argoGroup+"/")) {
		return
	}
	for doc := range object.Documents(name, data) {
		if bytes.Contains(doc.Text, []byte("CustomResourceDefinition")) || !bytes.Contains(doc.Text, []byte("Kustomization")) && !bytes.Contains(doc.Text, []byte("Application")) {
			continue
		}
		objects, found := object.Decode(name, doc.Text)
		for _, o := range objects {
			if Speaks(o.ID.Group, o.ID.Kind) {
				r.take(o)
			}
		}
		if len(found) > 0 && len(objects) == 0 { // the text of a template, mostly
			for _, kind := range [...]string{"ApplicationSet", "Application"} {
				if bytes.Contains(doc.Text, []byte("\nkind: "+kind+"\n")) {
					r.unresolved(name, kind, "", notKnown(kind))
				}
			}
		}
	}
}

// take takes one object that says what is deployed: of Flux or of Argo CD, by its kind.
func (r *reader) take(o object.Object) {
	switch o.ID.Kind {
	case "Kustomization":
		k := &kustomization{id: o.ID, file: o.File}
		if err := json.Unmarshal(o.JSON, k); err != nil {
			r.unresolved(o.File, o.ID.Kind, o.ID.String(), why{"Kustomizations of Flux with a field of another type", seeFlux})
			return
		}
		r.kustomizations = append(r.kustomizations, k)
	case "Application":
		r.application(o.File, o.ID, o.JSON)
	case "ApplicationSet":
		r.applicationSet(o)
	}
}

// why is the reason why an object is not resolved, and what to do about it.
type why struct{ reason, help string }

const (
	seeFlux = "judge what it comes to: flux build kustomization NAME --path DIR | portcullis check -"
	seeArgo = "judge what it deploys: argocd app manifests NAME | portcullis check -"
)

// notKnown makes the reason that an object of Argo CD asks for what is not known here.
func notKnown(kind string) why { return why{kind + "s", seeArgo} }

// unresolved keeps an object that deploys something not known here, with the reason, once.
func (r *reader) unresolved(file, kind, name string, because why) {
	if name == "" {
		name = file
	}
	u := Unresolved{because.reason, because.help, file, kind, name}
	if !slices.Contains(r.out.Unresolved, u) {
		r.out.Unresolved = append(r.out.Unresolved, u)
	}
}

// asked is a path that an object names, from the root of the repository that it lies in.
type asked struct{ file, path string }

// rootOf finds the directory from which most of some paths lead to directories that are there: the
// root of the repository, where it is this one. The outermost counts among equals.
func (r *reader) rootOf(paths []asked) (root string, found bool) {
	most := 0
	candidates := map[string]bool{}
	for _, p := range paths {
		for dir := path.Dir(p.file); ; dir = path.Dir(dir) {
			candidates[dir] = true
			if dir == "." || dir == "/" {
				break
			}
		}
	}
	for _, dir := range diag.SortedKeys(candidates) {
		n := 0
		for _, p := range paths {
			if clean := path.Clean(p.path); clean != "." && r.dirs[path.Join(dir, clean)] {
				n++
			}
		}
		if n > most {
			root, most = dir, n
		}
	}
	return root, most > 0
}

// at resolves a path that an object names from a root, and reports whether its directory is there.
func (r *reader) at(root, text string) (dir string, there bool) {
	dir = path.Join(root, strings.TrimPrefix(text, "/"))
	return dir, r.dirs[dir]
}
