package intent

import (
	"path"
	"slices"

	"portcullis.dev/policies/diag"
)

// defaultRules is where the user's own rules lie unless the Platform says otherwise.
const defaultRules Directory = "checks"

// IsRego reports whether a file would hold rules. It does so only in the directory of
// rules: see OwnRules.
func IsRego(name string) bool { return path.Ext(name) == ".rego" }

// RulesDir is the directory of the user's own rules, and where the Platform names it.
func (r *Repository) RulesDir() At[Directory] {
	if r.Platform != nil && r.Platform.Spec.Checks != nil && r.Platform.Spec.Checks.Dir.Value != "" {
		return r.Platform.Spec.Checks.Dir
	}
	return At[Directory]{Value: defaultRules}
}

// OwnRules are the user's own rules among the files, by path: those in the directory
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
		slices.ContainsFunc(*trusted, func(d At[Directory]) bool { return d.Value == dir.Value || d.Value.Holds(string(dir.Value)) }) {
		return sources, nil
	}
	at := dir.Span
	if !dir.Given() {
		at = diag.Span{File: diag.SortedKeys(sources)[0]}
	}
	return nil, diag.List{wrongPlace.At(at, "the directory of rules, %s, lies outside the trusted directories", dir.Value).
		See(first(*trusted, r.Platform.Span), "they are named here").
		Because("whoever writes a rule decides on everybody's policies").
		Suggest("move the rules below %s, and name their directory in checks.dir", listed(wordsOf(*trusted), "or"))}
}
