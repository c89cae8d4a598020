package overlays

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"path"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"portcullis.dev/policies/cores"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// kustomize's OpenAPI schema is global and its log goes to the process' own:
// renderings take turns.
var kustomize sync.Mutex

// Render renders every unit of every environment of a tree, which Write made of these
// environments, each unit apart: no file, no process and no network is within its reach.
// The units are those of each environment, beside the environments.
//
// What no component touches is what was written: the objects themselves. The rest is built
// by kustomize, all of it in one process that child starts; without one it is built in
// this process, which is for components that nobody need fear. The findings are about
// components that do not apply or cost too much, and manifests that cannot be read; the
// error is about what we wrote.
func Render(t Tree, environments []Environment, child Child) ([][]Rendered, diag.List, error) {
	return (*Memory)(nil).Render(t, environments, child)
}

// Render renders a tree as the function of that name does, and reads no manifest again that it
// knows.
func (k *Memory) Render(t Tree, environments []Environment, child Child) ([][]Rendered, diag.List, error) {
	r := newRenderer(t, environments)
	all := make([][]Rendered, len(environments))
	built, found, err := r.buildAll(child)
	if err != nil || found.Failed() {
		return all, found, err
	}
	for i, e := range environments {
		names := t.Units(e.Name)
		written := make([][]object.Map, len(names)) // of units that no component touches
		cores.Share(len(names), func(first, end int) {
			for j := first; j < end; j++ {
				if u := r.unit(e.Name, names[j]); len(u.components) == 0 {
					written[j] = r.listed(u, r.objects[e.Name][names[j]])
				}
			}
		})
		read := k.read(slices.Concat(written...))
		for j, name := range names {
			objects := make([]object.Object, 0, len(written[j]))
			for range written[j] {
				objects, found, read = append(objects, read[0].objects...), append(found, read[0].found...), read[1:]
			}
			for _, raw := range built[r.unit(e.Name, name).dir] {
				decoded, f := object.DecodeJSON(raw)
				objects, found = append(objects, decoded...), append(found, f...)
			}
			all[i] = append(all[i], Rendered{name, objects})
		}
	}
	return all, found, nil
}

// Rendered is a unit as it was rendered.
type Rendered struct {
	Unit    string
	Objects []object.Object
}

// renderer knows which files of a tree belong to which unit.
type renderer struct {
	tree         Tree
	environments []Environment
	files        map[string][]string                // directory → paths of its files, in order
	shared       map[string][]string                // unit → directories of what environments share, in order
	components   map[string]map[string][]Component  // environment → unit → those laid over it
	objects      map[string]map[string][]object.Map // environment → unit → its objects
}

// newRenderer sorts the files, components and objects of a tree by the units that are rendered.
func newRenderer(t Tree, environments []Environment) *renderer {
	r := &renderer{
		tree: t, environments: environments, files: map[string][]string{}, shared: map[string][]string{},
		components: map[string]map[string][]Component{}, objects: map[string]map[string][]object.Map{},
	}
	for _, e := range environments {
		r.components[e.Name], r.objects[e.Name] = map[string][]Component{}, map[string][]object.Map{}
		for _, o := range e.Objects {
			unit := UnitOf(object.IDOf(o))
			r.objects[e.Name][unit] = append(r.objects[e.Name][unit], o)
		}
		for _, c := range e.Components {
			for _, unit := range c.Units {
				r.components[e.Name][unit] = append(r.components[e.Name][unit], c.Component)
			}
		}
	}
	for _, p := range t.Paths() {
		dir := path.Dir(p)
		if below, is := strings.CutPrefix(dir, "base/"); is && r.files[dir] == nil {
			name, _, _ := strings.Cut(below, "/")
			r.shared[name] = append(r.shared[name], dir)
		}
		r.files[dir] = append(r.files[dir], p)
	}
	for _, dirs := range r.shared {
		slices.Sort(dirs)
	}
	return r
}

// unit is what is rendered at a time.
type unit struct {
	name       string
	dir        string
	under      []string // directories of the base, in the order in which it lists them
	components []Component
}

// unit gathers what is rendered as one unit of an environment: its directory, what it shares with
// other environments, and its components.
func (r *renderer) unit(environment, name string) unit {
	u := unit{name: name, dir: path.Join("overlays", environment, name), components: r.components[environment][name]}
	for _, dir := range r.shared[name] {
		if below := strings.TrimPrefix(dir, "base/"+name); !excepts(strings.TrimPrefix(below, "/"), environment) {
			u.under = append(u.under, dir)
		}
	}
	return u
}

// listed sorts the manifests of a unit as its kustomization and those that it lists name them.
func (r *renderer) listed(u unit, manifests []object.Map) []object.Map {
	type listed struct {
		dir  int // its place among those that the unit lists
		file string
		m    object.Map
	}
	all := make([]listed, len(manifests))
	for i, m := range manifests {
		file := fileName(object.IDOf(m))
		dir := slices.IndexFunc(u.under, func(dir string) bool { return r.tree[path.Join(dir, file)] != nil })
		if dir < 0 {
			dir = len(u.under)
		}
		all[i] = listed{dir, file, m}
	}
	slices.SortFunc(all, func(a, b listed) int { return cmp.Or(a.dir-b.dir, strings.Compare(a.file, b.file)) })
	sorted := make([]object.Map, len(all))
	for i, l := range all {
		sorted[i] = l.m
	}
	return sorted
}

// buildAll builds the units that have components, all in one job, by their directories.
func (r *renderer) buildAll(child Child) (map[string][][]byte, diag.List, error) {
	j := job{Files: map[string][]byte{}}
	var units []unit
	for _, e := range r.environments {
		for _, name := range r.tree.Units(e.Name) {
			if u := r.unit(e.Name, name); len(u.components) > 0 {
				units = append(units, u)
				j.Units = append(j.Units, r.jobUnit(u, j.Files))
			}
		}
	}
	if len(units) == 0 {
		return nil, nil, nil
	}
	results, died := j.do(child)
	built := map[string][][]byte{}
	var found diag.List
	for i, result := range results {
		if result.Error != "" {
			found = append(found, broken(units[i], result.Error))
		}
		built[units[i].dir] = result.Manifests
	}
	if died != nil {
		found = append(found, costs(units[len(results)], died))
	}
	return built, found, nil
}

// jobUnit names the files of a unit that is rendered, and adds them to those of the job.
func (r *renderer) jobUnit(u unit, files map[string][]byte) jobUnit {
	ju := jobUnit{Dir: u.dir}
	add := func(p string, data []byte) {
		files[p] = data
		ju.Files = append(ju.Files, p)
	}
	for _, dir := range append(slices.Clone(u.under), u.dir) {
		for _, p := range r.files[dir] {
			add(p, r.tree[p])
		}
	}
	for _, c := range u.components {
		for _, name := range diag.SortedKeys(c.Files) {
			add(path.Join("components", c.Path, name), c.batched(name))
		}
	}
	return ju
}

// broken makes the finding that a unit cannot be rendered with its components, in kustomize's
// words.
func broken(u unit, problem string) diag.Diagnostic {
	last := u.components[len(u.components)-1]
	file, _ := last.kustomization()
	return brokenComponent.At(diag.Span{File: file}, "over %s: %.400s", u.name, problem).
		Suggest("render it by itself to see more: kustomize build %s, in the tree of the last build that passed", u.dir)
}

// costs makes the finding that rendering a unit with its components took too much.
func costs(u unit, died error) diag.Diagnostic {
	last := u.components[len(u.components)-1]
	d := costlyComponent.At(last.Span, "rendering %s with the component %s did not come to an end: %s", u.name, last.Path, reasonOf(died)).
		Because("kustomize builds it in a process of its own, which ends before the machine does").
		Suggest("look in %s for what grows as it is built: values that replacements put into themselves, patches of everything, long texts for each object", last.Path)
	for _, c := range u.components[:len(u.components)-1] {
		d = d.See(c.Span, "laid over %s as well", u.name)
	}
	return d
}

// oneLine writes kustomize's error on one line, without the directories of the file system in
// memory.
func oneLine(err error) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(err.Error()), " "), "'/", "'")
}

// build runs kustomize on a directory of a file system, with no plugins and nothing outside in
// its reach, and gives what it rendered as JSON.
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
	if n := resources.Size(); n > mostResources {
		return nil, fmt.Errorf("there are %d resources, expected %d at most", n, mostResources)
	}
	for _, r := range resources.Resources() {
		fields, err := r.Map() // its own MarshalJSON writes YAML in between, and reads that
		if err != nil {
			return nil, err
		}
		raw, err := json.Marshal(fields)
		if err != nil {
			return nil, err
		}
		manifests = append(manifests, raw)
	}
	return manifests, nil
}
