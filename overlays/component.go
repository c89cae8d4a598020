package overlays

import (
	"path"

	"portcullis.dev/policies/diag"
)

// Component is a kustomize component of the user's own: a directory that changes or
// adds objects when the units that it is laid over are rendered.
type Component struct {
	Path  string            // of its directory, relative to the repository's root
	Files map[string][]byte // by path below that directory
	Span  diag.Span         // where the Platform names it
}

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

// kustomization finds the component's own kustomization, under the names that kustomize knows.
func (c Component) kustomization() (file string, data []byte) {
	for _, name := range []string{"kustomization.yaml", "kustomization.yml"} {
		if data, ok := c.Files[name]; ok {
			return path.Join(c.Path, name), data
		}
	}
	return "", nil
}
