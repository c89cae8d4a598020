package overlays

import (
	"fmt"
	"io"
	"log"
	"path"
	"strings"
	"sync"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// kustomize's OpenAPI schema is global and its log goes to the process' own:
// renderings take turns.
var kustomize sync.Mutex

// Renderer renders the units of one tree. The tree must not change meanwhile.
type Renderer struct {
	tree       Tree
	files      map[string][]string               // directory → paths of its files
	components map[string]map[string][]Component // environment → unit → those laid over it
}

// NewRenderer prepares a tree, which Write made of these environments.
func NewRenderer(t Tree, environments []Environment) *Renderer {
	r := &Renderer{tree: t, files: map[string][]string{}, components: map[string]map[string][]Component{}}
	for _, e := range environments {
		r.components[e.Name] = map[string][]Component{}
		for _, c := range e.Components {
			for _, unit := range c.Units {
				r.components[e.Name][unit] = append(r.components[e.Name][unit], c.Component)
			}
		}
	}
	for p := range t {
		dir := path.Dir(p)
		r.files[dir] = append(r.files[dir], p)
	}
	return r
}

// Render builds one unit of an environment with kustomize, in memory: no file, no
// process and no network is within its reach. The findings are about components that
// do not apply and manifests that cannot be read; the error is kustomize's own, about
// what we wrote.
func (r *Renderer) Render(environment, unit string) (objects []object.Object, found diag.List, err error) {
	dir := path.Join("overlays", environment, unit)
	fs := filesys.MakeFsInMemory()
	for _, part := range []string{dir, path.Join("base", unit)} {
		for _, p := range r.files[part] {
			if err := fs.WriteFile(p, r.tree[p]); err != nil {
				return nil, nil, fmt.Errorf("preparing %s: %w", p, err)
			}
		}
	}
	components := r.components[environment][unit]
	for _, c := range components {
		for name, data := range c.Files {
			if err := fs.WriteFile(path.Join("components", c.Path, name), data); err != nil {
				return nil, nil, fmt.Errorf("preparing %s: %w", c.Path, err)
			}
		}
	}
	manifests, err := build(fs, dir)
	if err != nil && len(components) > 0 {
		last := components[len(components)-1]
		file, _ := last.kustomization()
		return nil, diag.List{brokenComponent.At(diag.Span{File: file}, "over %s: %.400s", unit, oneLine(err)).
			Suggest("render it by itself to see more: kustomize build %s, in the tree of the last build that passed", dir)}, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("rendering %s: %w", dir, err)
	}
	for _, raw := range manifests {
		decoded, f := object.DecodeJSON(raw)
		objects = append(objects, decoded...)
		found = append(found, f...)
	}
	return objects, found, nil
}

// oneLine is an error's text on one line, without the directories of the file system
// in memory.
func oneLine(err error) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(err.Error()), " "), "'/", "'")
}

func build(fs filesys.FileSystem, dir string) (manifests [][]byte, err error) {
	kustomize.Lock()
	defer kustomize.Unlock()
	writer := log.Writer()
	log.SetOutput(io.Discard)
	defer log.SetOutput(writer)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("kustomize panicked: %v", p)
		}
	}()
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = types.LoadRestrictionsRootOnly
	options.PluginConfig = types.DisabledPluginConfig()
	resources, err := krusty.MakeKustomizer(options).Run(fs, dir)
	if err != nil {
		return nil, err
	}
	for _, r := range resources.Resources() {
		raw, err := r.MarshalJSON()
		if err != nil {
			return nil, err
		}
		manifests = append(manifests, raw)
	}
	return manifests, nil
}
