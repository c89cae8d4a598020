package sources

import (
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"portcullis.dev/compiler/gitops"
	"portcullis.dev/compiler/language"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Manifests is what is judged without intents, sorted.
type Manifests struct {
	Objects        []object.Object // that decide traffic or tell of the cluster, and that no kustomization lists
	Kustomizations overlays.Kustomizations
	Parsed         int                 // bytes of the documents that were read beyond their heads
	Deployments    []gitops.Deployment // what Flux and Argo CD deploy of it

	choice     Choice
	undeployed map[string]bool // files that nobody takes of a directory that is deployed
	files      map[string]language.File
	texts      map[string][]byte // of the files and the bases
	charts     []string
	tests      map[string]bool // directories of kuttl's tests
	survey     survey
	others     []object.Object // that decide traffic, and cannot be modelled
}

// Choice leaves out what its user knows not to be of the cluster.
type Choice struct {
	Exclude     []string // files, as patterns of paths with ** for any directories
	IgnoreKinds []string // kinds, as Kind or Kind.group
	AllowEmpty  bool     // that nothing is left to judge is meant
}

// Manifests sorts files of somebody else's: what decides traffic and tells of the cluster is
// read, what is ours is refused, and all the rest is passed over and counted. Rules of the
// user's are passed over. Bases are files that lie elsewhere, and count where a kustomization
// lists them.
func (c Choice) Manifests(files, bases []language.File, before diag.List) (*Manifests, diag.List) {
	m := &Manifests{choice: c, survey: survey{}, undeployed: map[string]bool{}, files: map[string]language.File{}}
	found := slices.Clone(before)
	texts := map[string][]byte{}
	for _, f := range files {
		m.files[f.Path] = f
		texts[f.Path] = f.Data
	}
	for _, f := range bases {
		texts[f.Path] = f.Data
	}
	m.Kustomizations, m.texts = overlays.FindKustomizations(texts), texts
	m.charts, m.tests = charts(files), testsOfKuttl(files)
	for _, dir := range m.charts {
		m.survey.add("charts", dir, "render it: helm template "+dir+" | portcullis check -")
		found = append(found, unrendered.At(diag.Span{File: path.Join(dir, "Chart.yaml")}, "a chart, which only Helm can render").
			Because("what its templates come to is not judged").
			Suggest("helm template %s | portcullis check -", dir))
	}
	found = append(found, m.deployments(texts)...)
	for _, f := range files {
		found = append(found, m.file(f)...)
	}
	return m, found
}

// deployments reads what Flux and Argo CD say of the files, and names what they do not say.
func (m *Manifests) deployments(texts map[string][]byte) diag.List {
	asked := map[string][]byte{}
	for name, text := range texts {
		if !m.left(name) && !m.ofKuttl(name) {
			asked[name] = text
		}
	}
	said := gitops.Of(asked, m.Kustomizations)
	for _, d := range said.All {
		if !slices.ContainsFunc(d.Dirs, func(dir string) bool { return !m.Deployed(dir) }) {
			d.Files = slices.DeleteFunc(d.Files, m.left)
			for _, name := range d.Left {
				m.undeployed[name] = true
			}
			m.Deployments = append(m.Deployments, d)
		}
	}
	for _, d := range m.Deployments {
		for _, name := range d.Files {
			delete(m.undeployed, name)
		}
	}
	var found diag.List
	for _, u := range said.Unresolved {
		if m.ignored(object.ID{Group: "argoproj.io", Kind: u.Kind}) {
			continue
		}
		first := m.survey.add(u.Reason, u.Name, u.Help) == 1
		if first && u.Kind != "Kustomization" {
			found = append(found, unrendered.At(diag.Span{File: u.File}, "%s %s, whose objects another program renders", article(u.Kind), u.Kind).
				Because("what it comes to is not judged").Suggest("%s", u.Help))
		}
	}
	return found
}

// Deployed reports whether the kustomization of a directory is one that is judged: it lies
// in what is asked about.
func (m *Manifests) Deployed(dir string) bool {
	for _, name := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		if f, there := m.files[path.Join(dir, name)]; there {
			return !m.left(f.Path)
		}
	}
	return false
}

// left reports whether a file of manifests is left out, by choice or as a part of a chart.
func (m *Manifests) left(file string) bool {
	return m.excluded(file) || slices.ContainsFunc(m.charts, func(dir string) bool { return below(file, dir) })
}

// file sorts the manifests in one file into what is judged, refused or passed over.
func (m *Manifests) file(f language.File) diag.List {
	switch {
	case language.IsRego(f.Path), m.Kustomizations.Takes(f.Path): // manifests have no rules of their own
		return nil
	case m.excluded(f.Path):
		m.survey.add("files that --exclude leaves out", f.Path, "")
		return nil
	case m.left(f.Path):
		return nil
	case m.ofKuttl(f.Path):
		m.survey.add("files of tests by kuttl", f.Path, "")
		return nil
	case language.Ours(f):
		return diag.List{NothingToJudge.At(diag.Span{File: f.Path}, "an intent among manifests").
			Because("intents are judged as a repository, from the directory of their %s", language.PlatformFile).
			Suggest("give that directory instead of single files")}
	}
	scanned, found := object.Scan(f.Path, f.Data)
	m.Parsed += scanned.Parsed
	if len(scanned.Objects) > 0 && m.Kustomizations.Beside(f.Path) {
		m.survey.add("files that the kustomization beside them does not list", f.Path, "list them under resources, if they are deployed")
		return nil
	}
	if len(scanned.Objects) > 0 && m.undeployed[f.Path] {
		m.survey.add("files that an Application leaves out of its directory", f.Path, "")
		return nil
	}
	m.Objects = append(m.Objects, m.Chosen(scanned.Objects)...)
	manifests := len(scanned.Objects)
	for _, p := range scanned.Passed {
		if p.Kind != "" && p.APIVersion != "" {
			manifests++
		}
	}
	if manifests == 0 && !found.Failed() {
		m.survey.add("files that are no manifests", f.Path, "")
	}
	return append(found, m.Passed(f.Path, scanned.Passed)...)
}

// Unbuilt counts the kustomizations that are not built, or not in whole, of what was found.
func (m *Manifests) Unbuilt(found diag.List) {
	for _, d := range found {
		if d.Is(overlays.Unbuilt) {
			m.survey.add("kustomizations that are not built in whole", d.Span.File, "render them: kustomize build DIR | portcullis check -")
		}
	}
}

// Chosen returns those manifests' objects that nobody left out. Of them NotModelled names those
// whose kinds are not modelled.
func (m *Manifests) Chosen(objects []object.Object) []object.Object {
	var chosen []object.Object
	for _, o := range objects {
		if m.ignored(o.ID) {
			m.survey.add("objects that --ignore-kind leaves out", o.ID.String(), "")
			continue
		}
		same := func(other object.Object) bool { return other.ID == o.ID && other.File == o.File }
		if o.Role == object.Unmodelled && !slices.ContainsFunc(m.others, same) { // nor deployed to another cluster
			m.others = append(m.others, o)
		}
		chosen = append(chosen, o)
	}
	return chosen
}

// Passed counts manifests that are passed over, for they decide nothing, and names those that
// stand for others that may.
func (m *Manifests) Passed(file string, passed []object.Passed) diag.List {
	var found diag.List
	for _, p := range passed {
		if p.Kind == "" || p.APIVersion == "" {
			continue
		}
		group := object.GroupOf(p.APIVersion)
		if gitops.Speaks(group, p.Kind) && !m.left(file) {
			continue // whose directories are judged, or which are named
		}
		how, rendered := object.Rendered(group, p.Kind)
		if !rendered || m.ignored(object.ID{Group: group, Kind: p.Kind}) {
			m.survey.add("manifests that decide nothing", file, "")
			continue
		}
		if m.survey.add(p.Kind+"s", file, how) == 1 {
			found = append(found, unrendered.At(diag.Span{File: file}, "%s %s, whose objects another program renders", article(p.Kind), p.Kind).
				Because("what it comes to is not judged").Suggest("%s", how))
		}
	}
	return found
}

// article chooses a or an before a kind's name.
func article(word string) string {
	if strings.IndexByte("AEIOU", word[0]) >= 0 {
		return "an"
	}
	return "a"
}

// NotModelled names each kind that decides traffic in a way that is not modelled, once.
func (m *Manifests) NotModelled() diag.List {
	type kind struct{ group, name, instead string }
	count := map[kind]int{}
	var first []object.Object
	for _, o := range m.others {
		k := kind{o.ID.Group, o.ID.Kind, o.Instead}
		if count[k]++; count[k] == 1 {
			first = append(first, o)
		}
		m.survey.add(o.ID.Kind+" objects of "+o.ID.Group, o.ID.String(), o.Instead)
	}
	var found diag.List
	for _, o := range first {
		message := "is not judged"
		if n := count[kind{o.ID.Group, o.ID.Kind, o.Instead}]; n > 1 {
			message = "and others of its kind are not judged"
		}
		at, _ := object.NewIndex(o.File, m.texts[o.File]).Locate(diag.Subject{Object: o.ID, Pointer: "/kind"})
		d := object.UnmodelledKind.On(diag.Subject{Object: o.ID, Pointer: "/kind"}, "%s %s", o.ID, message).
			Because("%s", o.WhyUnmodelled()).
			Suggest("%s", o.Instead)
		d.Span = at
		d.Severity = diag.Warning // the rest is judged; in a bundle of ours it is an error
		found = append(found, d)
	}
	return found
}

// Survey tells what was judged of manifests and what passed over in a run over these sets; of
// nothing at all it makes a finding.
func (m *Manifests) Survey(sets []object.Set) (diag.Survey, diag.List) {
	all := m.survey.of(sets)
	if all.Workloads+all.Policies+all.Namespaces > 0 {
		return all, nil
	}
	d := NothingToJudge.At(diag.Span{}, "no policy, namespace or workload in %s", counted(len(m.files))).
		Because("a green answer about nothing would be worse than none").
		Suggest("give the directory, the files or (as -) the stream with the manifests; where nothing is meant, --allow-empty says so")
	if m.choice.AllowEmpty {
		d.Severity = diag.Info
	}
	return all, diag.List{d}
}

// excluded reports whether the user's choice excludes a manifest's file, or a directory above it,
// by a pattern.
func (m *Manifests) excluded(file string) bool {
	return slices.ContainsFunc(m.choice.Exclude, func(pattern string) bool {
		for ; file != "." && file != "/"; file = path.Dir(file) {
			if doublestar.MatchUnvalidated(pattern, file) {
				return true
			}
		}
		return false
	})
}

// ignored reports whether the user's choice leaves out all manifests of an object's kind.
func (m *Manifests) ignored(id object.ID) bool {
	return slices.ContainsFunc(m.choice.IgnoreKinds, func(name string) bool {
		return name == id.Kind || name == id.Kind+"."+id.Group
	})
}

// charts finds the directories with a chart of Helm that lie in no other's, whose files are
// templates and no manifests.
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

// Below reports whether a manifest's file is what was asked for, or lies in the directory that
// was.
func Below(file, asked string) bool {
	asked = path.Clean(asked)
	return file == asked || below(file, asked)
}

// below reports whether a path lies in a directory. Both are clean, and begin where the other does.
func below(name, dir string) bool {
	inside, is := name, dir == "."
	if !is {
		inside, is = strings.CutPrefix(name, dir+"/")
	}
	return is && inside != ".." && !strings.HasPrefix(inside, "../")
}
