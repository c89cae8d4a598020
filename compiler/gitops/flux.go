package gitops

import (
	"maps"
	"path"
	"slices"
	"strings"

	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
)

// kustomization is a Kustomization of Flux's (kustomize-controller, docs/spec/v1).
type kustomization struct {
	id   diag.ObjectID
	file string

	Spec struct {
		Path            string `json:"path"`
		TargetNamespace string `json:"targetNamespace"`
		NamePrefix      string `json:"namePrefix"`
		NameSuffix      string `json:"nameSuffix"`
		Patches         []any  `json:"patches"`
		Components      []any  `json:"components"`
		SourceRef       struct {
			Kind      string `json:"kind"`
			Name      string `json:"name"`
			Namespace string `json:"namespace"`
		} `json:"sourceRef"`
		KubeConfig *struct {
			SecretRef struct {
				Name string `json:"name"`
			} `json:"secretRef"`
		} `json:"kubeConfig"`
		CommonMetadata struct {
			Labels map[string]any `json:"labels"`
		} `json:"commonMetadata"`
		PostBuild struct {
			Substitute         map[string]string `json:"substitute"`
			SubstituteFrom     []any             `json:"substituteFrom"`
			SubstituteStrategy string            `json:"substituteStrategy"`
		} `json:"postBuild"`
	} `json:"spec"`

	root    string          // of the repository that its path is in
	covered map[string]bool // files that it deploys
	reached map[string]bool // clusters to which it is known to be deployed
}

// source tells whose objects Flux takes from the same source.
func (k *kustomization) source() string {
	namespace := k.Spec.SourceRef.Namespace
	if namespace == "" {
		namespace = k.id.Namespace
	}
	return namespace + "/" + k.Spec.SourceRef.Name
}

// flux follows the Kustomizations from those that no other one deploys, which are the beginnings
// of clusters: flux bootstrap makes one that deploys the directory of the cluster, itself included.
func (r *reader) flux() {
	var ours []*kustomization
	bySource := map[string][]*kustomization{}
	for _, k := range r.kustomizations {
		if k.Spec.SourceRef.Kind != "GitRepository" {
			r.unresolved(k.file, k.id.Kind, k.id.String(), why{"Kustomizations of Flux with another source than a Git repository", seeFlux})
			continue
		}
		bySource[k.source()] = append(bySource[k.source()], k)
	}
	for _, source := range diag.SortedKeys(bySource) {
		var paths []asked
		for _, k := range bySource[source] {
			paths = append(paths, asked{k.file, k.Spec.Path})
		}
		root, here := r.rootOf(paths)
		for _, k := range bySource[source] {
			if k.root = root; !here {
				r.unresolved(k.file, k.id.Kind, k.id.String(), why{"Kustomizations of Flux with a path that is not here", seeFlux})
				continue
			}
			k.covered, k.reached = map[string]bool{}, map[string]bool{}
			if dir, there := r.at(root, k.Spec.Path); there {
				files, dirs := r.ks.Below(dir)
				for _, f := range files {
					k.covered[f] = true
				}
				for _, d := range dirs {
					for _, f := range r.ks.Reads(d) {
						k.covered[f] = true
					}
				}
			}
			ours = append(ours, k)
		}
	}
	visited := map[*kustomization]bool{}
	for _, k := range ours {
		if !slices.ContainsFunc(ours, func(by *kustomization) bool { return by != k && by.covered[k.file] && !k.covered[k.file] }) {
			r.follow(k, k.cluster(), nil, ours, visited)
		}
	}
	for _, k := range ours { // of a circle
		if !visited[k] {
			r.follow(k, k.cluster(), nil, ours, visited)
		}
	}
}

// cluster returns what the cluster is called of a Kustomization of Flux that no other one deploys:
// the directory that it deploys with itself in it, or the one in which it lies.
func (k *kustomization) cluster() string {
	if k.covered[k.file] {
		return path.Join(k.root, k.Spec.Path)
	}
	return path.Dir(k.file)
}

// follow takes what a Kustomization of Flux deploys, and what those deploy that it deploys.
// Variables are those that are put into its own text.
func (r *reader) follow(k *kustomization, cluster string, variables func([]byte) []byte, ours []*kustomization, visited map[*kustomization]bool) {
	if k.reached[cluster] {
		return
	}
	k.reached[cluster], visited[k] = true, true
	spec := &k.Spec
	where := spec.Path
	if variables != nil {
		where = string(variables([]byte(where)))
	}
	dir, there := r.at(k.root, where)
	if !there || strings.Contains(where, "${") {
		r.unresolved(k.file, k.id.Kind, k.id.String(), why{"Kustomizations of Flux with a path that is not here", seeFlux})
		return
	}
	if kubeConfig := spec.KubeConfig; kubeConfig != nil {
		cluster += " by " + kubeConfig.SecretRef.Name
	}
	d := Deployment{Deployed: overlays.Deployed{Dir: dir, By: k.file, Fields: k.fields(variables)}, Cluster: cluster}
	d.Files, d.Dirs = r.ks.Below(dir)
	if len(spec.Components) > 0 {
		r.unresolved(k.file, k.id.Kind, k.id.String(), why{"Kustomizations of Flux with components, which are left out", seeFlux})
	}
	if len(spec.PostBuild.SubstituteFrom) > 0 {
		r.unresolved(k.file, k.id.Kind, k.id.String(), why{"Kustomizations of Flux with variables from elsewhere, whose values are not known", seeFlux})
	}
	if len(spec.PostBuild.Substitute) > 0 || spec.PostBuild.SubstituteStrategy == "Always" {
		d.Substitute = substitution{values: spec.PostBuild.Substitute, partly: len(spec.PostBuild.SubstituteFrom) > 0}.replace
	}
	r.out.All = append(r.out.All, d)
	for _, next := range ours {
		if next != k && k.covered[next.file] {
			r.follow(next, cluster, d.Substitute, ours, visited)
		}
	}
}

// fields returns what a Kustomization of Flux lays over, as fields of kustomize's.
func (k *kustomization) fields(variables func([]byte) []byte) map[string]any {
	fields := map[string]any{}
	for name, value := range map[string]string{"namespace": k.Spec.TargetNamespace, "namePrefix": k.Spec.NamePrefix, "nameSuffix": k.Spec.NameSuffix} {
		if variables != nil {
			value = string(variables([]byte(value)))
		}
		if value != "" {
			fields[name] = value
		}
	}
	if len(k.Spec.Patches) > 0 {
		fields["patches"] = k.Spec.Patches
	}
	if labels := maps.Clone(k.Spec.CommonMetadata.Labels); len(labels) > 0 {
		fields["labels"] = []any{map[string]any{"pairs": labels}}
	}
	return fields
}
