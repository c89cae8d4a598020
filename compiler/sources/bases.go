package sources

import (
	"os"
	"path"
	"path/filepath"
	"strings"

	"portcullis.dev/compiler/language"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
)

// ReadBases reads what kustomizations among the files of a directory list outside of it, up to
// the root of the Git repository that the directory lies in: an overlay often has its base
// above it. Paths are relative to the working directory, as those of the files are. What
// lies outside of the repository is not read, and the kustomization says so.
func ReadBases(dir string, files []language.File, limits Limits) ([]language.File, diag.List, error) {
	top, above := gitRoot(dir)
	if !above {
		return nil, nil, nil
	}
	root, err := openDisk(top)
	if err != nil {
		return nil, nil, err
	}
	defer root.Close()
	limits.FileBytes = limits.TotalBytes
	r := &reader{root: root, limits: limits}
	texts := map[string][]byte{}
	for _, f := range files {
		texts[f.Path] = f.Data
		r.total += int64(len(f.Data))
	}
	var bases []language.File
	asked := map[string]bool{}
	for more := true; more; {
		more = false
		for _, name := range overlays.FindKustomizations(texts).Missing() {
			if asked[name] || below(name, filepath.ToSlash(filepath.Clean(dir))) {
				continue
			}
			asked[name] = true
			inside, is := within(top, name)
			if !is {
				continue
			}
			for _, candidate := range []string{"", "kustomization.yaml", "kustomization.yml", "Kustomization"} {
				file := path.Join(inside, candidate)
				info, err := root.Stat(file)
				if err != nil || !info.Mode().IsRegular() {
					continue
				}
				if err := r.readNext(file); err != nil || len(r.files) == 0 {
					return bases, r.found, nil
				}
				read := language.File{Path: path.Join(name, candidate), Data: r.files[len(r.files)-1].Data}
				bases, texts[read.Path], more = append(bases, read), read.Data, true
				break
			}
		}
	}
	return bases, r.found, nil
}

// gitRoot finds the root of the Git repository that a directory lies in, above which no base is
// read.
func gitRoot(dir string) (root string, inside bool) {
	at, err := filepath.Abs(dir)
	if err != nil {
		return "", false
	}
	for {
		if _, err := os.Stat(filepath.Join(at, ".git")); err == nil {
			return at, true
		}
		if filepath.Dir(at) == at {
			return "", false
		}
		at = filepath.Dir(at)
	}
}

// within turns a path of the working directory, at which a base is listed, into one of the
// repository's root.
func within(root, name string) (inside string, is bool) {
	at, err := filepath.Abs(filepath.FromSlash(name))
	if err != nil {
		return "", false
	}
	inside, err = filepath.Rel(root, at)
	return filepath.ToSlash(inside), err == nil && inside != ".." && !strings.HasPrefix(inside, ".."+string(filepath.Separator))
}
