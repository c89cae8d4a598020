package render

import (
	"strings"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
)

// Components reads what users lay over the emitted objects, and vets it before
// kustomize sees it. Each directory is one component, however many plans name it.
func Components(plans []*plan.Plan, files []language.File) (map[string]overlays.Component, diag.List) {
	byPath := map[string]overlays.Component{}
	var found diag.List
	for _, p := range plans {
		for _, c := range p.Components {
			if _, known := byPath[c.Path]; known {
				continue
			}
			read := overlays.Component{Path: c.Path, Files: map[string][]byte{}, Span: c.Span}
			for _, f := range files {
				if name, below := strings.CutPrefix(f.Path, c.Path+"/"); below {
					read.Files[name] = f.Data
				}
			}
			byPath[c.Path] = read
			for _, d := range read.Vet() {
				found = append(found, d.See(c.Span, "the Platform names the component here"))
			}
		}
	}
	return byPath, found
}

// laid collects the components of one plan with the units that they are laid over.
func laid(p *plan.Plan, byPath map[string]overlays.Component) []overlays.Laid {
	var all []overlays.Laid
	for _, c := range p.Components {
		units := c.Namespaces
		if len(units) == 0 {
			units = []string{overlays.Cluster}
		}
		all = append(all, overlays.Laid{Component: byPath[c.Path], Units: units})
	}
	return all
}
