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
	Span  diag.Span         // where the Platform names it
}

var (
	refusedComponent = &diag.Rule{Code: "PC018", Severity: diag.Error,
		Title: "A kustomize component that cannot be laid over the policies",
		Why:   "A component may add resources and patch what is emitted, with files of its own directory. What reaches out of it (remote bases, plugins, Helm), renames objects or moves them to another namespace would make the result depend on more than the repository, or break the names by which policies are told apart.",
		Mend:  "Keep to the fields that the message lists, and to files of the component's own directory."}
	costlyComponent = &diag.Rule{Code: "PC029", Severity: diag.Error,
		Title: "A kustomize component that costs more than it may",
		Why:   "What is rendered with components is rendered in a process of its own, which ends where it takes more than 512 MiB of memory, 300 s of CPU or 64 MiB of stack. A component may have 10,000 patches and replacements and 100,000 resources, its files and patches 1,000,000 values and 64 levels each.",
		Mend:  "Far below that lies whatever somebody writes by hand: look for a value that contains itself again and again."}
	brokenComponent = &diag.Rule{Code: "PC019", Severity: diag.Error,
		Title: "A kustomize component that does not apply",
		Why:   "kustomize refused to build a unit with the component.",
		Mend:  "The message is kustomize's own; a patch must find its target among the objects of every unit that it is laid over."}
)

// Rules are the findings of this package.
var Rules = []*diag.Rule{Unbuilt, refusedComponent, costlyComponent, brokenComponent}

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

// The caps of a component. Nobody writes as much by hand; what costs more than it looks is
// for the limits of the process that renders it.
const (
	mostPatches   = 10_000
	mostResources = 100_000
	mostValues    = 1_000_000 // of one file or patch
	mostLevels    = 64
)

// Vet finds what a component must not do. Patches and resources are files of its own
// directory; its YAML, and that of the patches in its strings, holds no aliases, which
// kustomize expands without a bound, and copies nothing.
func (c Component) Vet() diag.List {
	file, data := c.kustomization()
	if file == "" {
		return diag.List{refusedComponent.At(diag.Span{File: c.Path}, "there is no kustomization.yaml in the component's directory").
			Suggest("write one with apiVersion: kustomize.config.k8s.io/v1alpha1 and kind: Component")}
	}
	v := vetting{component: c}
	for _, name := range diag.SortedKeys(c.Files) {
		v.plainFile(path.Join(c.Path, name), c.Files[name])
	}
	if v.found.Failed() {
		return v.found
	}
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
	if v.patches > mostPatches {
		v.add(costlyComponent.At(diag.Span{File: file}, "%d patches and replacements, expected %d at most", v.patches, mostPatches).
			Suggest("write patches of the same target into one, as a list of operations or with all its fields"))
	}
	if v.resources > mostResources {
		v.add(costlyComponent.At(diag.Span{File: file}, "%d resources, expected %d at most", v.resources, mostResources).
			Suggest("lay a component of its own over each namespace"))
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
				v.own(item)
			}
		case key.Value == "patches":
			v.entries(patchFields, value)
		case key.Value == "replacements":
			v.entries(replacementsFields, value)
		case key.Value == "labels":
			labelFields.each(v, value)
		}
	}
	if kind != "Component" && !v.found.Failed() {
		v.add(refusedComponent.At(v.doc.Span(n), "expected kind: Component, found %.40q", kind).
			Suggest("a Component changes the objects that it is laid over; a Kustomization would replace them"))
	}
}

// own is the file of the component's directory that a node names.
func (v *vetting) own(n *yaml.Node) ([]byte, bool) {
	data, own := v.component.Files[path.Clean(n.Value)]
	if own && path.Clean(n.Value) == strings.TrimPrefix(n.Value, "./") {
		return data, true
	}
	v.add(refusedComponent.At(v.doc.Span(n), "%.80q is not a YAML file of the component's directory", n.Value).
		Because("what is rendered may depend on nothing outside the repository, and on no directory that others guard").
		Suggest("put the file into %s, and name it relative to it", v.component.Path))
	return nil, false
}
