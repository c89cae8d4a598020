package overlays

import (
	"fmt"
	"io"
	"log"
	"path"
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
	tree  Tree
	files map[string][]string // directory → paths of its files
}

// NewRenderer prepares a tree for rendering.
func NewRenderer(t Tree) *Renderer {
	r := &Renderer{tree: t, files: map[string][]string{}}
	for p := range t {
		dir := path.Dir(p)
		r.files[dir] = append(r.files[dir], p)
	}
	return r
}

// Render builds one unit of an environment with kustomize, in memory: no file, no
// process and no network is within its reach. The findings are about manifests
// that cannot be read; the error is kustomize's own.
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
	manifests, err := build(fs, dir)
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
