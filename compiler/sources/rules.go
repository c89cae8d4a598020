package sources

import (
	"slices"
	"strings"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
	"portcullis.dev/rego"
)

// OwnRules takes the user's own rules out of the directory that the Platform names,
// and leaves every other file of Rego out of what was read. What could not be read
// there becomes an error, whatever it is elsewhere: a rule that is left out judges
// nothing. The findings are those of the reading and its own.
func OwnRules(repo *language.Repository, files []language.File, before diag.List) (map[string][]byte, []language.File, diag.List) {
	sources, misplaced := repo.OwnRules(files)
	kept := slices.DeleteFunc(slices.Clone(files), func(f language.File) bool {
		_, own := sources[f.Path]
		return language.IsRego(f.Path) && !own
	})
	dir := repo.RulesDir()
	found := slices.Concat(before, misplaced)
	for _, name := range diag.SortedKeys(sources) {
		found = append(found, language.Unreadable(language.File{Path: name, Data: sources[name]})...)
	}
	for i, d := range before {
		if d.Severity < diag.Error && hides(d.Span.File, string(dir.Value)) {
			d.Severity = diag.Error
			found[i] = d.Because("a rule may be there, and one that is left out judges nothing")
		}
	}
	if dir.Given() && !found.Failed() && !slices.ContainsFunc(diag.SortedKeys(sources), func(name string) bool { return !rego.IsTest(name) }) {
		found = append(found, noOwnRules.At(dir.Span, "there is no rule below %s", dir.Value).
			Because("without a rule, nothing found would look like nothing wrong").
			Suggest("put the rules into %s, in files that end in .rego, or remove checks.dir", dir.Value))
	}
	return sources, kept, found
}

// hides reports whether a file that was not read may be, or hold, rules of the user's directory of
// rules: something below it, or a link in its place or in that of one above.
func hides(file, dir string) bool {
	below := dir == "." || strings.HasPrefix(file, dir+"/")
	return below && !isYAML(file) || file == dir || strings.HasPrefix(dir, file+"/")
}
