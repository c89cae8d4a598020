package overlays

import (
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Component is a kustomize component of the user's own: a directory that changes or
// adds objects when the units that it is laid over are rendered.
type Component struct {
	Path  string            // of its directory, relative to the repository's root
	Files map[string][]byte // by path below that directory
}

var (
	refusedComponent = &diag.Rule{Code: "PC018", Severity: diag.Error,
		Title: "A kustomize component that cannot be laid over the policies",
		Help:  "A component may add resources and patch what is emitted, with files of its own directory. What reaches out of it (remote bases, plugins, Helm), renames objects or moves them to another namespace would make the result depend on more than the repository, or break the names by which policies are told apart."}
	brokenComponent = &diag.Rule{Code: "PC019", Severity: diag.Error,
		Title: "A kustomize component that does not apply",
		Help:  "kustomize refused to build a unit with the component. The message is kustomize's own; a patch must find its target among the objects of every unit that it is laid over."}
)

// Rules are the findings of this package.
var Rules = []*diag.Rule{refusedComponent, brokenComponent}

// allowed are the fields of a Component's kustomization that change nothing but what
// is rendered, from files that are in it; the second list are those that name files.
var (
	allowed = []string{"apiVersion", "kind", "metadata", "resources", "patches", "labels", "commonAnnotations", "replacements"}
	// instead says what to write for a field that kustomize has and we refuse.
	instead = map[string]string{
		"bases":                 "list local files under resources",
		"components":            "list each component in the Platform",
		"commonLabels":          "it changes selectors too; write labels",
		"patchesStrategicMerge": "it is deprecated; write patches",
		"patchesJson6902":       "it is deprecated; write patches",
		"vars":                  "it is deprecated; write replacements",
		"namespace":             "it puts cluster-scoped Calico objects into a namespace; write the namespace into each resource",
		"namePrefix":            "tiers and policies are told apart by their names; write the names out",
		"nameSuffix":            "tiers and policies are told apart by their names; write the names out",
	}
)

// Vet finds what a component must not do. Patches and resources are files of its own
// directory, and its YAML holds no aliases, which kustomize expands without a bound.
func (c Component) Vet() diag.List {
	file, data := c.kustomization()
	if file == "" {
		return diag.List{refusedComponent.At(diag.Span{File: c.Path}, "there is no kustomization.yaml in the component's directory").
			Suggest("write one with apiVersion: kustomize.config.k8s.io/v1alpha1 and kind: Component")}
	}
	var found diag.List
	for _, name := range diag.SortedKeys(c.Files) {
		found = append(found, plainYAML(path.Join(c.Path, name), c.Files[name])...)
	}
	if found.Failed() {
		return found
	}
	v := vetting{component: c}
	documents := 0
	for doc := range object.Documents(file, data) {
		documents++
		var root yaml.Node
		if err := yaml.Unmarshal(doc.Text, &root); err != nil || len(root.Content) == 0 || root.Content[0].Kind != yaml.MappingNode {
			v.add(refusedComponent.At(doc.Line(1), "the kustomization does not parse").Suggest("write one YAML mapping"))
			continue
		}
		v.doc = doc
		v.kustomization(root.Content[0])
	}
	if documents != 1 && !v.found.Failed() {
		v.add(refusedComponent.At(diag.Span{File: file}, "expected one document, found %d", documents).Suggest("keep one Component in a directory"))
	}
	return v.found
}

// kustomization is the component's own, under the names that kustomize knows.
func (c Component) kustomization() (file string, data []byte) {
	for _, name := range []string{"kustomization.yaml", "kustomization.yml"} {
		if data, ok := c.Files[name]; ok {
			return path.Join(c.Path, name), data
		}
	}
	return "", nil
}

// plainYAML refuses aliases: a few hundred bytes of them take all memory there is.
func plainYAML(file string, data []byte) diag.List {
	var found diag.List
	for doc := range object.Documents(file, data) {
		var root yaml.Node
		if yaml.Unmarshal(doc.Text, &root) != nil {
			return diag.List{refusedComponent.At(doc.Line(1), "the file does not parse as YAML").Suggest("mend its syntax")}
		}
		var walk func(*yaml.Node) bool
		walk = func(n *yaml.Node) bool {
			if n.Kind == yaml.AliasNode || n.Anchor != "" {
				found = append(found, refusedComponent.At(doc.Span(n), "an anchor or alias").Suggest("write the value out"))
				return false
			}
			return !slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return !walk(c) })
		}
		walk(&root)
	}
	return found
}

// vetting is one look at a component's kustomization.
type vetting struct {
	component Component
	doc       object.Document
	found     diag.List
}

func (v *vetting) add(f diag.Diagnostic) { v.found = append(v.found, f) }

func (v *vetting) kustomization(n *yaml.Node) {
	kind := ""
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case !slices.Contains(allowed, key.Value):
			f := refusedComponent.At(v.doc.Span(key), "the field %.60q is refused in a component", key.Value)
			if hint := instead[key.Value]; hint != "" {
				f = f.Suggest("%s", hint)
			} else {
				f = f.Suggest("the fields are %s", strings.Join(allowed, ", "))
			}
			v.add(f)
		case key.Value == "kind":
			kind = value.Value
		case key.Value == "resources":
			for _, item := range value.Content {
				v.file(item)
			}
		case key.Value == "patches" || key.Value == "replacements":
			for _, item := range value.Content {
				v.entry(item)
			}
		}
	}
	if kind != "Component" && !v.found.Failed() {
		v.add(refusedComponent.At(v.doc.Span(n), "expected kind: Component, found %.40q", kind).
			Suggest("a Component changes the objects that it is laid over; a Kustomization would replace them"))
	}
}

// entry is one of a list of patches or replacements: the file that it names.
func (v *vetting) entry(n *yaml.Node) {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		switch n.Content[i].Value {
		case "path":
			v.file(n.Content[i+1])
		case "options": // allowNameChange and allowKindChange
			v.add(refusedComponent.At(v.doc.Span(n.Content[i]), "a patch with options may rename what it patches").Suggest("remove the options"))
		}
	}
}

func (v *vetting) file(n *yaml.Node) {
	if _, own := v.component.Files[path.Clean(n.Value)]; !own || path.Clean(n.Value) != strings.TrimPrefix(n.Value, "./") {
		v.add(refusedComponent.At(v.doc.Span(n), "%.80q is not a YAML file of the component's directory", n.Value).
			Because("what is rendered may depend on nothing outside the repository, and on no directory that others guard").
			Suggest("put the file into %s, and name it relative to it", v.component.Path))
	}
}
