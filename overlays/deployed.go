package overlays

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"portcullis.dev/policies/diag"
)

// Deployed is a directory that a program deploys: the kustomization in it, or the manifests below
// it, with what the program lays over them.
type Deployed struct {
	Dir, By string // By is the file of the object that says so
	Dirs    []string
	Files   []string
	// Fields are those of a kustomization: what is laid over.
	Fields map[string]any
	// Substitute changes the text of each object behind kustomize; nil leaves it as it is.
	Substitute func(text []byte) []byte
}

// plain reports whether what is deployed is what stands in files, and in kustomizations, as it
// is.
func (d Deployed) plain() bool { return len(d.Fields) == 0 && d.Substitute == nil }

// PlainFiles gives the files of what is deployed that are deployed as they stand, and that no
// kustomization reads.
func (ks Kustomizations) PlainFiles(d Deployed) []string {
	if !ks.readsPlainly(d) {
		return nil
	}
	return d.Files
}

// readsPlainly reports whether what is deployed is plain, and none of its files belongs to a
// kustomization.
func (ks Kustomizations) readsPlainly(d Deployed) bool {
	return d.plain() && !slices.ContainsFunc(d.Files, func(f string) bool { return ks.Takes(f) || ks.Beside(f) })
}

// building is a kustomization that is built.
type building struct {
	k      *kustomization
	of     []int // the places of what is deployed so; -1 for a root that nobody names
	reach  []*kustomization
	partly bool // something of what it is made of is left out
}

// shown tells the directory by which people know what is built of what is deployed.
func (b building) shown() string {
	if b.k.by != "" && len(b.k.dirs) == 1 {
		return b.k.dirs[0]
	}
	return b.k.dir
}

// place tells the file in which people find the kustomization: that of what deploys it, where
// none holds it.
func (k *kustomization) place() string {
	if k.by != "" {
		return k.by
	}
	return k.file
}

// buildings lists the kustomizations that make what is deployed, and the roots beside.
func (ks Kustomizations) buildings(wanted func(dir string) bool, deployed []Deployed) []building {
	var all []building
	taken := map[string]bool{}
	at := map[string]int{} // in all, by the directory
	for n, d := range deployed {
		for _, dir := range d.Dirs {
			reach, _ := ks.all.reach(ks.all.byDir[dir])
			for _, k := range reach {
				taken[k.dir] = true
			}
		}
		if !d.plain() || len(d.Files) > 0 && !ks.readsPlainly(d) {
			all = append(all, building{k: ks.overlaid(d), of: []int{n}})
			continue
		}
		for _, dir := range d.Dirs {
			if i, known := at[dir]; known {
				all[i].of = append(all[i].of, n)
				continue
			}
			at[dir] = len(all)
			all = append(all, building{k: ks.all.byDir[dir], of: []int{n}})
		}
	}
	for _, k := range ks.all.roots() {
		if !taken[k.dir] && wanted(k.dir) {
			all = append(all, building{k: k, of: []int{-1}})
		}
	}
	return all
}

// overlaid makes the kustomization of what is deployed with something laid over it. It stands in
// the directory of the manifests, for kustomize reads no file above its own; that of a directory
// with one stands beside that.
func (ks Kustomizations) overlaid(d Deployed) *kustomization {
	k := &kustomization{dir: d.Dir, by: d.By, files: d.Files, dirs: d.Dirs}
	resources := []string{}
	relative := func(name string) string { return strings.TrimPrefix(name, d.Dir+"/") }
	if d.Dir == "." {
		relative = func(name string) string { return name }
	}
	if slices.Contains(d.Dirs, d.Dir) {
		k.dir = path.Join(path.Dir(d.Dir), ".deployed-"+path.Base(d.Dir))
		relative = func(name string) string { return "../" + path.Base(name) }
	}
	for _, name := range slices.Concat(d.Files, d.Dirs) {
		resources = append(resources, relative(name))
	}
	k.file = path.Join(k.dir, "kustomization.yaml")
	fields := map[string]any{"resources": resources}
	for name, value := range d.Fields {
		fields[name] = value
	}
	k.text, _ = json.Marshal(fields) // of what was JSON before
	if slices.Contains(d.Dirs, ".") {
		refused := Unbuilt.At(diag.Span{File: d.By}, "the kustomization %s is not built with what is laid over it", d.Dir).
			Because("it stands at the root of what is read, and nothing can be laid beside it")
		k.refused, k.mend, k.whole = &refused, "run this in the directory above", true
	}
	return k
}

// substituted replaces variables in the text of manifests, as the program does that deploys them.
// What is no object then is left as it was.
func substituted(manifests [][]byte, substitute func([]byte) []byte) [][]byte {
	all := make([][]byte, len(manifests))
	for i, raw := range manifests {
		all[i] = raw
		text, err := yaml.JSONToYAML(raw)
		if err != nil {
			continue
		}
		changed, err := yaml.YAMLToJSON(substitute(text))
		if err == nil {
			all[i] = changed
		}
	}
	return all
}
