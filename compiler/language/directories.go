package language

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"portcullis.dev/policies/diag"
)

// Directory is a directory of the repository, relative to its root, with slashes.
type Directory string

// parse reads the name of a directory of the repository, and refuses one that leads out of it.
func (v *Directory) parse(word, tag string) *mistake {
	clean := path.Clean(word)
	switch {
	case tag != "!!str" || word == "" || strings.ContainsAny(word, "\\\x00"):
		return &mistake{rule: badPath, message: fmt.Sprintf("%.80q is not a directory", word), hint: "write it relative to the directory of " + PlatformFile + ", with slashes"}
	case path.IsAbs(word) || clean == ".." || strings.HasPrefix(clean, "../"):
		return &mistake{rule: badPath, message: fmt.Sprintf("%.80q leads out of the repository", word), hint: "write a directory below that of " + PlatformFile}
	}
	*v = Directory(clean)
	return nil
}

// Holds reports whether the file, relative to the same root, lies in the directory
// or below it.
func (v Directory) Holds(file string) bool {
	return v == "." || strings.HasPrefix(file, string(v)+"/")
}

// Directories are those of a list, such as the ones that everybody trusts.
type Directories []At[Directory]

// Hold reports whether a file lies in one of the directories or below it.
func (d Directories) Hold(file string) bool {
	return slices.ContainsFunc(d, func(in At[Directory]) bool { return in.Value.Holds(file) })
}

// String enumerates the directories, for advice on where to move something.
func (d Directories) String() string { return diag.Enumerate(Words(d), "or") }

// Place points at where the first of the directories is written, or else at what holds the list.
func (d Directories) Place(holder diag.Span) diag.Span {
	if len(d) > 0 {
		return d[0].Span
	}
	return holder
}

// MayHold reports whether a document of the language, or a component's file, may lie at a
// path of the repository. It may lie anywhere unless the Platform says of everything where.
func (r *Repository) MayHold(file string) bool {
	places, known := r.holders()
	return !known || file == PlatformFile || slices.ContainsFunc(places, func(d Directory) bool { return d.Holds(file) })
}

// MayHoldBelow reports whether one may lie in a directory, or in one below it.
func (r *Repository) MayHoldBelow(dir string) bool {
	places, _ := r.holders()
	return r.MayHold(dir+"/x") || slices.ContainsFunc(places, func(d Directory) bool { return Directory(dir).Holds(string(d)) })
}

// holders collects the directories in which all of ours lies, beside the file of the root; not
// known unless the Platform says so.
func (r *Repository) holders() (places []Directory, known bool) {
	if r.Platform == nil || r.Partial || r.Platform.Spec.Trusted == nil || r.Platform.Spec.Namespaces == nil {
		return nil, false
	}
	spec := r.Platform.Spec
	for _, d := range *spec.Trusted {
		places = append(places, d.Value)
	}
	for _, c := range spec.Components {
		places = append(places, c.Path.Value)
	}
	for _, e := range *spec.Namespaces {
		if e.Value.Path.Value == "" {
			return nil, false
		}
		places = append(places, e.Value.Path.Value)
	}
	return places, true
}

// Undecodable reports whether a file whose YAML does not parse is more than a template: one
// where a document of the language may lie. A component's files are vetted by themselves.
func (r *Repository) Undecodable(f File) bool {
	return r.MayHold(f.Path) && !r.ofComponent(f.Path) && !bytes.Contains(f.Data, []byte("{{"))
}

// ofComponent reports whether a file lies in the directory of one of the Platform's components.
func (r *Repository) ofComponent(file string) bool {
	return r.Platform != nil && slices.ContainsFunc(r.Platform.Spec.Components, func(c ComponentSpec) bool { return c.Path.Value.Holds(file) })
}

// Repositories reads the directories that a Platform's own file calls repositories of their own.
// What is wrong with the file is told by whoever reads it in earnest.
func Repositories(platform File) []At[Directory] {
	if !bytes.Contains(platform.Data, []byte("repositories")) && !mayHide(platform.Data) {
		return nil // as most do; a Platform may list a thousand namespaces
	}
	repo := &Repository{}
	repo.parse(platform)
	var all []At[Directory]
	for _, p := range repo.Parts {
		for _, d := range p.Spec.Repositories {
			if d.Value != "" {
				all = append(all, d)
			}
		}
	}
	return all
}

// defaultRules is where the user's own rules lie unless the Platform says otherwise.
const defaultRules Directory = "checks"

// RulesDir returns the directory of the user's own rules, and where the Platform names it.
func (r *Repository) RulesDir() At[Directory] {
	if r.Platform != nil && r.Platform.Spec.Checks != nil && r.Platform.Spec.Checks.Dir.Value != "" {
		return r.Platform.Spec.Checks.Dir
	}
	return At[Directory]{Value: defaultRules}
}

// OwnRules picks the user's own rules among the files, by path: those in the directory
// of rules and below it. Rego elsewhere in the repository is not read, whoever put it
// there. The directory must lie where only those may write whom everybody trusts.
func (r *Repository) OwnRules(files []File) (map[string][]byte, diag.List) {
	if r.Platform == nil {
		return nil, nil
	}
	dir := r.RulesDir()
	sources := map[string][]byte{}
	for _, f := range files {
		if IsRego(f.Path) && dir.Value.Holds(f.Path) {
			sources[f.Path] = f.Data
		}
	}
	trusted := r.Platform.Spec.Trusted
	if trusted == nil || len(sources) == 0 && !dir.Given() ||
		trusted.Hold(string(dir.Value)+"/") {
		return sources, nil
	}
	at := dir.Span
	if !dir.Given() {
		at = diag.Span{File: diag.SortedKeys(sources)[0]}
	}
	return nil, diag.List{WrongPlace.At(at, "the directory of rules, %s, lies outside the trusted directories", dir.Value).
		See(trusted.Place(r.Platform.Span), "they are named here").
		Because("whoever writes a rule decides on everybody's policies").
		Suggest("move the rules below %s, and name their directory in checks.dir", trusted)}
}
