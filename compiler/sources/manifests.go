package sources

import (
	"path"
	"slices"

	"github.com/bmatcuk/doublestar/v4"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Manifests is what is judged without intents.
type Manifests struct {
	Set    object.Set // of what is modelled
	Survey diag.Survey
}

// Choice leaves out what its user knows not to be of the cluster.
type Choice struct {
	Exclude     []string // files, as patterns of paths with ** for any directories
	IgnoreKinds []string // kinds, as Kind or Kind.group
	AllowEmpty  bool     // that nothing is left to judge is meant
}

// Manifests sorts files of somebody else's: what decides traffic and tells of the cluster is
// read, what is ours is refused, and all the rest is passed over and counted. Rules of the
// user's are passed over.
func (c Choice) Manifests(files []language.File, before diag.List) (Manifests, diag.List) {
	s := sorting{choice: c, found: slices.Clone(before), survey: survey{}, texts: map[string][]byte{}}
	for _, dir := range charts(files) {
		s.survey.add("charts", dir, "render it: helm template "+dir+" | portcullis check -")
		s.found = append(s.found, unrendered.At(diag.Span{File: path.Join(dir, "Chart.yaml")}, "a chart, which only Helm can render").
			Because("what its templates come to is not judged").
			Suggest("helm template %s | portcullis check -", dir))
		s.charts = append(s.charts, dir)
	}
	for _, f := range files {
		s.file(f)
	}
	set, differing := object.Merge(s.objects)
	s.found = append(s.found, differing...)
	s.found = append(s.found, s.unmodelled()...)
	if set.Len() == 0 && !s.found.Failed() {
		s.found = append(s.found, s.nothing(len(files)))
	}
	return Manifests{Set: set, Survey: s.survey.of(set)}, s.found
}

// sorting is one pass over files.
type sorting struct {
	choice  Choice
	charts  []string
	objects []object.Object
	others  []object.Object   // that decide traffic, and cannot be modelled
	texts   map[string][]byte // of files with those
	survey  survey
	found   diag.List
}

func (s *sorting) file(f language.File) {
	switch base := path.Base(f.Path); {
	case IsRego(f): // manifests have no rules of their own
		return
	case s.excluded(f.Path):
		s.survey.add("files that --exclude leaves out", f.Path, "")
		return
	case slices.ContainsFunc(s.charts, func(dir string) bool { return below(f.Path, dir) }):
		return
	case base == "kustomization.yaml" || base == "kustomization.yml":
		s.found = append(s.found, kustomization.At(diag.Span{File: f.Path}, "a kustomization, not manifests").
			Because("what counts is what reaches the cluster, and a kustomization can change every manifest beside it").
			Suggest("kustomize build %s | portcullis check -", path.Dir(f.Path)))
		return
	case language.Ours(f):
		s.found = append(s.found, NothingToJudge.At(diag.Span{File: f.Path}, "an intent among manifests").
			Because("intents are judged as a repository, from the directory of their %s", language.PlatformFile).
			Suggest("give that directory instead of single files"))
		return
	}
	scanned, found := object.Scan(f.Path, f.Data)
	s.found = append(s.found, found...)
	manifests := len(scanned.Objects)
	for _, o := range scanned.Objects {
		switch {
		case s.ignored(o.ID):
			s.survey.add("objects that --ignore-kind leaves out", o.ID.String(), "")
		case o.Role == object.Unmodelled:
			s.others, s.texts[f.Path] = append(s.others, o), f.Data
		default:
			s.objects = append(s.objects, o)
		}
	}
	for _, p := range scanned.Passed {
		if p.Kind == "" || p.APIVersion == "" {
			continue
		}
		manifests++
		s.passed(f.Path, p)
	}
	if manifests == 0 && !found.Failed() {
		s.survey.add("files that are no manifests", f.Path, "")
	}
}

// passed counts a manifest that decides nothing, or stands for others that may.
func (s *sorting) passed(file string, p object.Passed) {
	how, rendered := object.Rendered(object.GroupOf(p.APIVersion), p.Kind)
	if !rendered || s.ignored(object.ID{Group: object.GroupOf(p.APIVersion), Kind: p.Kind}) {
		s.survey.add("manifests that decide nothing", file, "")
		return
	}
	if reason := p.Kind + "s"; s.survey.add(reason, file, how) == 1 {
		s.found = append(s.found, unrendered.At(diag.Span{File: file}, "a %s, whose objects another program renders", p.Kind).
			Because("what it comes to is not judged").Suggest("%s", how))
	}
}

// unmodelled names each kind that decides traffic in a way that is not modelled, once.
func (s *sorting) unmodelled() diag.List {
	type kind struct{ group, name, instead string }
	count := map[kind]int{}
	var first []object.Object
	for _, o := range s.others {
		k := kind{o.ID.Group, o.ID.Kind, o.Instead}
		if count[k]++; count[k] == 1 {
			first = append(first, o)
		}
		s.survey.add(o.ID.Kind+" objects of "+o.ID.Group, o.ID.String(), o.Instead)
	}
	var found diag.List
	for _, o := range first {
		message := "is not judged"
		if n := count[kind{o.ID.Group, o.ID.Kind, o.Instead}]; n > 1 {
			message = "and others of its kind are not judged"
		}
		at, _ := object.NewIndex(o.File, s.texts[o.File]).Locate(diag.Subject{Object: o.ID, Pointer: "/kind"})
		d := object.UnmodelledKind.At(at, "%s %s", o.ID, message).
			Because("it decides traffic in a way that is not modelled: what is said about the pods that it selects may be wrong").
			Suggest("%s", o.Instead)
		d.Severity = diag.Warning // the rest is judged; in a bundle of ours it is an error
		found = append(found, d)
	}
	return found
}

func (s *sorting) nothing(files int) diag.Diagnostic {
	d := NothingToJudge.At(diag.Span{}, "no policy, namespace or workload in %s", counted(files)).
		Because("a green answer about nothing would be worse than none").
		Suggest("give the directory, the files or (as -) the stream with the manifests; where nothing is meant, --allow-empty says so")
	if s.choice.AllowEmpty {
		d.Severity = diag.Info
	}
	return d
}

// IsPattern reports whether a text is a pattern of paths.
func IsPattern(text string) bool { return text != "" && doublestar.ValidatePattern(text) }

func (s *sorting) excluded(file string) bool {
	return slices.ContainsFunc(s.choice.Exclude, func(pattern string) bool {
		for ; file != "." && file != "/"; file = path.Dir(file) {
			if doublestar.MatchUnvalidated(pattern, file) {
				return true
			}
		}
		return false
	})
}

func (s *sorting) ignored(id object.ID) bool {
	return slices.ContainsFunc(s.choice.IgnoreKinds, func(name string) bool {
		return name == id.Kind || name == id.Kind+"."+id.Group
	})
}

// charts are the directories with a chart of Helm that lie in no other's.
func charts(files []language.File) []string {
	templates := map[string]bool{}
	for _, f := range files {
		for dir := path.Dir(f.Path); dir != "." && dir != "/"; dir = path.Dir(dir) {
			if path.Base(dir) == "templates" {
				templates[path.Dir(dir)] = true
			}
		}
	}
	var dirs []string
	for _, f := range files {
		if dir := path.Dir(f.Path); path.Base(f.Path) == "Chart.yaml" && templates[dir] {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	outer := dirs[:0]
	for _, dir := range dirs {
		if len(outer) == 0 || !below(dir, outer[len(outer)-1]) {
			outer = append(outer, dir)
		}
	}
	return outer
}

// below reports whether a path lies in a directory.
func below(name, dir string) bool {
	return dir == "." || len(name) > len(dir) && name[len(dir)] == '/' && name[:len(dir)] == dir
}
