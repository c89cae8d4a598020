package sources

import (
	"path"
	"path/filepath"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
)

// link reports a symbolic link. One with the name of a YAML file could stand for an intent, so
// leaving it out would change what is compiled. One that leads out of the directory, nowhere,
// or to what is not walked may stand for a directory of intents: see hiddenByLink. What
// another one leads to is read where it lies, unless it stands where rules are: see OwnRules.
func (r *reader) link(name string) {
	f := refusedFile.At(diag.Span{File: name}, "a symbolic link, which is not followed").
		Because("a link can lead out of the repository, to files that are not the author's").
		Suggest("put the file itself here")
	if !isYAML(name) {
		f.Severity = diag.Warning
		switch info, err := r.root.Stat(name); {
		case err != nil:
		case !info.IsDir() && !language.IsRego(name):
			return // a link to some other file
		case !info.IsDir() || r.walks(name):
			f.Severity = diag.Info
		}
	}
	r.found = append(r.found, f)
}

// walks reports whether the directory that a link leads to, by a way inside the root, is one
// of those that are read.
func (r *reader) walks(link string) bool {
	below, inside := r.target(link)
	if !inside {
		return false
	}
	for dir := below; dir != "."; dir = path.Dir(dir) {
		if path.Base(dir) == ".git" || r.apart[dir] {
			return false
		}
	}
	return true
}

// target follows a symbolic link to what it leads to, where that lies in the root.
func (r *reader) target(link string) (name string, inside bool) {
	root, err := filepath.EvalSymlinks(r.root.Name())
	if err != nil {
		return "", false
	}
	target, err := filepath.EvalSymlinks(filepath.Join(root, filepath.FromSlash(link)))
	if err != nil {
		return "", false
	}
	below, err := filepath.Rel(root, target)
	return filepath.ToSlash(below), err == nil && filepath.IsLocal(below)
}

// readElsewhere reports whether a symbolic link leads to a directory that is walked as well, or to
// a file that is read there.
func (r *reader) readElsewhere(link string) bool {
	target, inside := r.target(link)
	info, err := r.root.Stat(link)
	if err != nil || !inside || !r.walks(link) {
		return false
	}
	return info.IsDir() || info.Mode().IsRegular() && (isYAML(target) || language.IsJSON(target) || !isYAML(link) && !language.IsJSON(link))
}
