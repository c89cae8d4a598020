package gitops

import (
	"cmp"
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"

	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// application is an Application of Argo CD's, or one that an ApplicationSet makes (argo-cd,
// docs/user-guide/application-specification.md).
type application struct {
	file, kind, name string

	Spec struct {
		Source      *argoSource  `json:"source"`
		Sources     []argoSource `json:"sources"`
		Destination struct {
			Server    string `json:"server"`
			Name      string `json:"name"`
			Namespace string `json:"namespace"`
		} `json:"destination"`
	} `json:"spec"`
}

type argoSource struct {
	RepoURL   string          `json:"repoURL"`
	Path      string          `json:"path"`
	Chart     string          `json:"chart"`
	Ref       string          `json:"ref"`
	Plugin    json.RawMessage `json:"plugin"`
	Directory *struct {
		Recurse bool            `json:"recurse"`
		Include string          `json:"include"`
		Exclude string          `json:"exclude"`
		Jsonnet json.RawMessage `json:"jsonnet"`
	} `json:"directory"`
	Kustomize map[string]any `json:"kustomize"`
}

// sources lists the sources of an Application of Argo CD: several go before a single one.
func (a application) sources() []argoSource {
	if len(a.Spec.Sources) > 0 { // which goes before source
		return a.Spec.Sources
	}
	if a.Spec.Source != nil {
		return []argoSource{*a.Spec.Source}
	}
	return nil
}

// application takes an Application of Argo CD out of its manifest; one without a source that is
// known is unresolved.
func (r *reader) application(file string, id diag.ObjectID, raw []byte) {
	a := application{file: file, kind: id.Kind, name: id.String()}
	if json.Unmarshal(raw, &a) != nil || len(a.sources()) == 0 {
		r.unresolved(file, id.Kind, id.String(), notKnown(id.Kind))
		return
	}
	r.applications = append(r.applications, a)
}

// cluster returns what an Application of Argo CD calls the cluster that it deploys to.
func (a application) cluster() string {
	switch to := a.Spec.Destination; {
	case strings.Contains(to.Name+to.Server, "{{"):
		return ""
	case to.Name == "in-cluster", to.Name == "" && to.Server == "https://kubernetes.default.svc":
		return "in-cluster"
	default:
		return cmp.Or(to.Name, to.Server)
	}
}

// argo follows what Argo CD's Applications deploy of this repository.
func (r *reader) argo() {
	byURL := map[string][]asked{}
	for _, a := range r.applications {
		for _, s := range a.sources() {
			byURL[s.RepoURL] = append(byURL[s.RepoURL], asked{a.file, s.Path})
		}
	}
	roots := map[string]string{}
	for url, paths := range byURL {
		if root, found := r.rootOf(paths); found {
			roots[url] = root
		}
	}
	for _, a := range r.applications {
		for _, s := range a.sources() {
			if s.Ref != "" && s.Path == "" { // of values for a chart, and deploys nothing itself
				continue
			}
			root, here := roots[s.RepoURL]
			dir, there := r.at(root, s.Path)
			switch plugin := string(s.Plugin); {
			case s.Chart != "" || !here || !there:
				r.unresolved(a.file, a.kind, a.name, notKnown(a.kind))
			case plugin != "" && plugin != "null" || s.Directory != nil && len(s.Directory.Jsonnet) > 4 || r.ks.IsChart(dir):
				r.unresolved(a.file, a.kind, a.name, notKnown(a.kind))
			default:
				r.deploys(a, s, dir)
			}
		}
	}
}

// kustomizeFields are what an Application lays over a kustomization that can decide something, by
// their names there.
var kustomizeFields = [...]string{"namePrefix", "nameSuffix", "namespace", "patches", "commonLabels"}

// deploys takes a directory that an Application of Argo CD deploys, as one of its cluster.
func (r *reader) deploys(a application, s argoSource, dir string) {
	d := Deployment{Deployed: overlays.Deployed{Dir: dir, By: a.file, Fields: map[string]any{}}, Cluster: a.cluster(), Namespace: a.Spec.Destination.Namespace}
	_, dirs := r.ks.Below(dir)
	switch {
	case s.Directory == nil && slices.Contains(dirs, dir):
		d.Dirs = dirs
		for _, name := range kustomizeFields {
			if value, there := s.Kustomize[name]; there {
				d.Fields[name] = value
			}
		}
		if _, there := s.Kustomize["components"]; there {
			r.unresolved(a.file, a.kind, a.name, why{a.kind + "s with components, which are left out", seeArgo})
		}
	default:
		d.Files = r.ks.ManifestsIn(dir, s.Directory != nil && s.Directory.Recurse)
		if s.Directory != nil {
			include, exclude := globOf(s.Directory.Include), globOf(s.Directory.Exclude)
			d.Files = slices.DeleteFunc(d.Files, func(name string) bool {
				below := strings.TrimPrefix(strings.TrimPrefix(name, dir), "/")
				if include != nil && !include.MatchString(below) || exclude != nil && exclude.MatchString(below) {
					d.Left = append(d.Left, name)
					return true
				}
				return false
			})
		}
	}
	r.out.All = append(r.out.All, d)
}

// globOf compiles a pattern of Argo CD's, in which a star stands for slashes too; nil for none.
func globOf(pattern string) *regexp.Regexp {
	if pattern == "" {
		return nil
	}
	var b strings.Builder
	depth := 0
	for _, c := range pattern {
		switch {
		case c == '*':
			b.WriteString(".*")
		case c == '?':
			b.WriteString(".")
		case c == '{':
			depth++
			b.WriteString("(?:")
		case c == '}' && depth > 0:
			depth--
			b.WriteString(")")
		case c == ',' && depth > 0:
			b.WriteString("|")
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	glob, err := regexp.Compile("^(?:" + b.String() + ")$")
	if err != nil {
		return nil
	}
	return glob
}

// applicationSet takes the Applications that an ApplicationSet makes of lists and of directories
// of this repository. What other generators ask is not known.
func (r *reader) applicationSet(o object.Object) {
	var set struct {
		Spec struct {
			Generators []struct {
				List *struct {
					Elements []map[string]any `json:"elements"`
				} `json:"list"`
				Git *struct {
					RepoURL     string `json:"repoURL"`
					Directories []struct {
						Path    string `json:"path"`
						Exclude bool   `json:"exclude"`
					} `json:"directories"`
				} `json:"git"`
			} `json:"generators"`
			Template      json.RawMessage `json:"template"`
			TemplatePatch string          `json:"templatePatch"`
		} `json:"spec"`
	}
	if json.Unmarshal(o.JSON, &set) != nil || set.Spec.TemplatePatch != "" {
		r.unresolved(o.File, o.ID.Kind, o.ID.String(), notKnown(o.ID.Kind))
		return
	}
	for _, g := range set.Spec.Generators {
		switch {
		case g.List != nil:
			for _, element := range g.List.Elements {
				values := map[string]string{}
				for key, value := range element {
					if text, is := value.(string); is {
						values[key] = text
					}
				}
				r.generated(o, set.Spec.Template, values)
			}
		case g.Git != nil && len(g.Git.Directories) > 0:
			var paths []asked
			for _, d := range g.Git.Directories {
				if !d.Exclude {
					paths = append(paths, asked{o.File, literal(d.Path)})
				}
			}
			root, here := r.rootOf(paths)
			if !here {
				r.unresolved(o.File, o.ID.Kind, o.ID.String(), notKnown(o.ID.Kind))
			}
			for _, dir := range diag.SortedKeys(r.dirs) {
				below, inside := strings.CutPrefix(dir, root+"/")
				if root == "." {
					below, inside = dir, dir != "."
				}
				takes := false
				for _, d := range g.Git.Directories {
					if matches, _ := path.Match(d.Path, below); matches && here && inside {
						takes = !d.Exclude
						if d.Exclude {
							break
						}
					}
				}
				if takes {
					r.generated(o, set.Spec.Template, map[string]string{"path": below, "path.path": below, "path.basename": path.Base(below)})
				}
			}
		default:
			r.unresolved(o.File, o.ID.Kind, o.ID.String(), notKnown(o.ID.Kind))
		}
	}
}

// literal returns the part of a pattern of Argo CD's before the first directory that is one.
func literal(pattern string) string {
	if at := strings.IndexAny(pattern, "*?["); at >= 0 {
		return path.Dir(pattern[:at] + "x")
	}
	return pattern
}

var parameter = regexp.MustCompile(`\{\{-? *\.?([A-Za-z_][A-Za-z0-9_.-]*) *-?\}\}`)

// generated takes an Application that an ApplicationSet makes with some parameters.
func (r *reader) generated(o object.Object, template json.RawMessage, values map[string]string) {
	text := parameter.ReplaceAllStringFunc(string(template), func(found string) string {
		value, known := values[parameter.FindStringSubmatch(found)[1]]
		if !known {
			return found
		}
		quoted, _ := json.Marshal(value) // of a text
		return string(quoted[1 : len(quoted)-1])
	})
	r.application(o.File, o.ID, []byte(text))
}
