package overlays

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"portcullis.dev/policies/diag"
)

// Kustomizations are those of somebody else's among some files.
type Kustomizations struct {
	all   *catalogue
	taken map[string]bool // files that one of them reads
}

// FindKustomizations looks for kustomizations among files, by their paths.
func FindKustomizations(files map[string][]byte) Kustomizations {
	ks := Kustomizations{all: newCatalogue(files), taken: map[string]bool{}}
	for _, k := range ks.all.byDir {
		ks.taken[k.file] = true
		for _, f := range k.files {
			ks.taken[f] = true
		}
	}
	return ks
}

// Takes reports whether one of the kustomizations reads a file.
func (ks Kustomizations) Takes(file string) bool { return ks.taken[file] }

// Beside reports whether a file lies in the directory of a kustomization.
func (ks Kustomizations) Beside(file string) bool { return ks.all.byDir[path.Dir(file)] != nil }

// Missing lists the paths that kustomizations name and that are not among the files, sorted.
func (ks Kustomizations) Missing() []string { return diag.SortedKeys(ks.all.missing) }

// Reads lists the files that the kustomization of a directory is built from.
func (ks Kustomizations) Reads(dir string) []string {
	k := ks.all.byDir[dir]
	if k == nil {
		return nil
	}
	reach, _ := ks.all.reach(k)
	var files []string
	for _, k := range reach {
		files = append(append(files, k.file), k.files...)
	}
	return files
}

// Below lists the manifests below a directory, and the kustomizations, none of which lies in
// another: the one in the directory itself, where there is one.
func (ks Kustomizations) Below(dir string) (files, dirs []string) {
	if ks.all.byDir[dir] != nil {
		return nil, []string{dir}
	}
	for _, name := range diag.SortedKeys(ks.all.files) {
		if !isBelow(name, dir) {
			continue
		}
		if top := ks.top(path.Dir(name), dir); top != "" {
			if !slices.Contains(dirs, top) {
				dirs = append(dirs, top)
			}
			continue
		}
		if ext := path.Ext(name); (ext == ".yaml" || ext == ".yml") && bytes.Contains(ks.all.files[name], []byte("apiVersion")) {
			files = append(files, name)
		}
	}
	return files, dirs
}

// ManifestsIn lists the manifests in a directory, and in those below it as well if they are asked
// for.
func (ks Kustomizations) ManifestsIn(dir string, below bool) []string {
	var files []string
	for _, name := range diag.SortedKeys(ks.all.files) {
		inside := path.Dir(name) == dir || below && isBelow(name, dir)
		if ext := path.Ext(name); inside && (ext == ".yaml" || ext == ".yml" || ext == ".json") && !IsKustomization(name) && bytes.Contains(ks.all.files[name], []byte("apiVersion")) {
			files = append(files, name)
		}
	}
	return files
}

// IsChart reports whether a directory holds a chart of Helm's.
func (ks Kustomizations) IsChart(dir string) bool {
	_, there := ks.all.files[path.Join(dir, "Chart.yaml")]
	return there
}

// top finds the outermost directory with a kustomization on the way from one directory to another
// above it; empty for none.
func (ks Kustomizations) top(from, to string) (top string) {
	for dir := from; dir != to && dir != "." && dir != "/"; dir = path.Dir(dir) {
		if ks.all.byDir[dir] != nil {
			top = dir
		}
	}
	return top
}

// isBelow reports whether a file lies below a directory among those with kustomizations.
func isBelow(name, dir string) bool {
	return strings.HasPrefix(name, dir+"/") || dir == "." && !strings.HasPrefix(name, "../")
}

// IsKustomization reports whether kustomize takes a file of this name for a kustomization.
func IsKustomization(name string) bool {
	switch path.Base(name) {
	case "kustomization.yaml", "kustomization.yml", "Kustomization":
		return true
	}
	return false
}
