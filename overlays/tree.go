// Package overlays lays objects out as a kustomize tree, and renders such a tree
// in memory.
//
// Its invariant: rendering an overlay gives back the objects that were put in for
// its environment, and each unit (a namespace, or the cluster) renders by itself,
// so that the work grows with the number of units and not with its square.
//
// It must not know what the objects mean, nor where the tree is kept.
package overlays

import (
	"maps"
	"path"
	"slices"
	"strings"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/yamltext"
)

// Cluster is the unit of the objects that belong to no namespace.
const Cluster = "cluster"

// Tree is a kustomize tree: path with slashes → bytes. It has
//
//	base/<unit>/                  what is the same wherever the unit exists
//	base/<unit>/all-but-<envs>/   what is the same there, but for few environments
//	components/<path>/            the user's own components
//	overlays/<env>/<unit>/        what differs, beside what is shared, under the components
//	overlays/<env>/               all units, for kubectl apply -k
type Tree map[string][]byte

// Environment is what one environment holds, in any order.
type Environment struct {
	Name       string
	Objects    []object.Map
	Components []Laid
}

// Laid is a component and the units of an environment that it is laid over.
type Laid struct {
	Component
	Units []string
}

const generated = "# Compiled by portcullis: change the intent, not this file.\n"

// Write lays the environments' objects out. An object goes to the base if every
// environment in which its unit exists has it, the same to the byte, or all but few do.
// Nothing in an overlay takes away or replaces what is in the base: an environment has
// what is in the directories that it lists, and no more. A component over a unit that has
// no objects makes the unit.
func Write(environments []Environment) Tree { return (*Memory)(nil).Write(environments) }

// Write lays objects out as the function of that name does, and writes none of them again.
func (k *Memory) Write(environments []Environment) Tree {
	tree := Tree{}
	units := map[string]map[string]map[string][]byte{} // unit → environment → file → bytes
	for _, e := range environments {
		texts := k.write(e.Objects)
		for i, o := range e.Objects {
			id := object.IDOf(o)
			unit := UnitOf(id)
			if units[unit] == nil {
				units[unit] = map[string]map[string][]byte{}
			}
			if units[unit][e.Name] == nil {
				units[unit][e.Name] = map[string][]byte{}
			}
			units[unit][e.Name][fileName(id)] = texts[i]
		}
	}
	components := map[string]map[string][]string{} // unit → environment → directories in the tree
	for _, e := range environments {
		for _, c := range e.Components {
			dir := path.Join("components", c.Path)
			for name, data := range c.Files {
				tree[path.Join(dir, name)] = data
			}
			for _, unit := range c.Units {
				if units[unit] == nil {
					units[unit] = map[string]map[string][]byte{}
				}
				if units[unit][e.Name] == nil {
					units[unit][e.Name] = map[string][]byte{}
				}
				if components[unit] == nil {
					components[unit] = map[string][]string{}
				}
				components[unit][e.Name] = append(components[unit][e.Name], path.Join("../../..", dir))
			}
		}
	}
	for unit, byEnvironment := range units {
		shared := share(byEnvironment)
		for dir, files := range shared {
			tree.add(path.Join("base", unit, dir), nil, nil, files)
		}
		for environment, files := range byEnvironment {
			own := maps.Clone(files)
			var under []string
			for _, dir := range diag.SortedKeys(shared) {
				if excepts(dir, environment) {
					continue
				}
				under = append(under, path.Join("../../../base", unit, dir))
				for name := range shared[dir] {
					delete(own, name)
				}
			}
			tree.add(path.Join("overlays", environment, unit), under, components[unit][environment], own)
		}
	}
	for _, e := range environments {
		if present := tree.Units(e.Name); len(present) > 0 {
			tree.add(path.Join("overlays", e.Name), present, nil, nil)
		}
	}
	return tree
}

// UnitOf tells the unit of the tree that an object belongs to. A component may add one to another
// unit.
func UnitOf(id object.ID) string {
	if id.Namespace == "" {
		return Cluster
	}
	return id.Namespace
}

// fileName names the file of an object in the tree, which tells objects apart as an API server
// does: two APIs have a NetworkPolicy.
func fileName(id object.ID) string {
	kind := strings.ToLower(id.Kind)
	if id.Kind == "NetworkPolicy" && id.Group != "networking.k8s.io" {
		kind += "." + id.Group
	}
	return kind + "-" + id.Name + ".yaml"
}

// add writes a directory of the tree: its files and the kustomization that lists them, after
// whatever it stands on, and the components that are laid over all of it.
func (t Tree) add(dir string, under, components []string, files map[string][]byte) {
	kustomization := object.Map{
		{Key: "apiVersion", Value: "kustomize.config.k8s.io/v1beta1"},
		{Key: "kind", Value: "Kustomization"},
		{Key: "resources", Value: yamltext.Strings(slices.Concat(under, diag.SortedKeys(files)))},
	}
	if len(components) > 0 {
		kustomization = append(kustomization, object.Field{Key: "components", Value: yamltext.Strings(components)})
	}
	t[dir+"/kustomization.yaml"] = kustomization.AppendYAML([]byte(generated))
	for name, data := range files {
		t[dir+"/"+name] = data
	}
}

// Units lists the units of an environment in the tree: its namespaces, and Cluster if it holds
// anything, in order.
func (t Tree) Units(environment string) []string {
	var all []string
	for p := range t {
		rest, ok := strings.CutPrefix(p, path.Join("overlays", environment)+"/")
		if unit, file, nested := strings.Cut(rest, "/"); ok && nested && file == "kustomization.yaml" {
			all = append(all, unit)
		}
	}
	slices.Sort(all)
	return all
}

// Environments lists the environments that have overlays in the tree, in order.
func (t Tree) Environments() []string {
	var all []string
	for p := range t {
		if rest, ok := strings.CutPrefix(p, "overlays/"); ok {
			name, _, _ := strings.Cut(rest, "/")
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Paths lists the paths of the tree's files, in order.
func (t Tree) Paths() []string { return diag.SortedKeys(t) }
