package overlays

import (
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// IsKustomization reports whether kustomize takes a file of this name for a kustomization.
func IsKustomization(name string) bool {
	switch path.Base(name) {
	case "kustomization.yaml", "kustomization.yml", "Kustomization":
		return true
	}
	return false
}

// kustomization is one of somebody else's, as far as it must be known before it is built.
type kustomization struct {
	dir, file string
	text      []byte // of one that no file holds; nil for the file's
	by        string // the file of whoever deploys it, where no file holds it
	component bool
	dirs      []string // other kustomizations that it lists
	files     []string // that it reads, of those that are there
	texts     []string // that its generators read, and are no manifests
	refused   *diag.Diagnostic
}

// kustomizationFields are the fields that kustomize knows, with what their values name. A nil
// function stands for a value that names no file. kustomize reads keys without regard to
// case: any other spelling is refused, for nobody would have looked at what it names.
var kustomizationFields = map[string]func(*catalogue, *kustomization, *yaml.Node){
	"apiVersion": nil, "metadata": nil, "namespace": nil, "namePrefix": nil, "nameSuffix": nil, "commonLabels": nil,
	"labels": nil, "commonAnnotations": nil, "images": nil, "replicas": nil, "generatorOptions": nil, "buildMetadata": nil,
	"sortOptions": nil, "vars": nil,
	"kind":      func(_ *catalogue, k *kustomization, n *yaml.Node) { k.component = n.Value == "Component" },
	"resources": (*catalogue).members, "bases": (*catalogue).members, "components": (*catalogue).members,
	"crds": (*catalogue).named, "configurations": (*catalogue).named, "openapi": (*catalogue).paths,
	"patches": (*catalogue).paths, "patchesJson6902": (*catalogue).paths, "replacements": (*catalogue).paths,
	"patchesStrategicMerge": (*catalogue).named,
	"configMapGenerator":    (*catalogue).generated, "secretGenerator": (*catalogue).generated,
}

// programs are the fields by which a kustomization asks other programs for objects, with who
// that is and the flag of kustomize that lets it.
var programs = map[string]struct{ name, flag string }{
	"helmCharts": helm, "helmGlobals": helm, "helmChartInflationGenerator": helm,
	"generators": plugins, "transformers": plugins, "validators": plugins,
}

var (
	helm    = struct{ name, flag string }{"Helm", "--enable-helm"}
	plugins = struct{ name, flag string }{"plugins", "--enable-alpha-plugins"}
)

// catalogue has the kustomizations among some files, by their directories.
type catalogue struct {
	files map[string][]byte // that may be read, by path
	byDir map[string]*kustomization
	doc   object.Document // that is read at the moment

	missing map[string]bool // paths that are listed, and not there
}

func newCatalogue(files map[string][]byte) *catalogue {
	c := &catalogue{files: files, byDir: map[string]*kustomization{}, missing: map[string]bool{}}
	for _, name := range diag.SortedKeys(files) {
		if IsKustomization(name) && c.byDir[path.Dir(name)] == nil {
			c.byDir[path.Dir(name)] = &kustomization{dir: path.Dir(name), file: name}
		}
	}
	for _, dir := range diag.SortedKeys(c.byDir) {
		c.read(c.byDir[dir])
	}
	return c
}

// read takes note of what a kustomization names.
func (c *catalogue) read(k *kustomization) {
	for doc := range object.Documents(k.file, c.files[k.file]) {
		c.doc = doc
		var root yaml.Node
		if err := yaml.Unmarshal(doc.Text, &root); err != nil || len(root.Content) == 0 || root.Content[0].Kind != yaml.MappingNode {
			c.refuse(k, diag.Span{File: k.file}, "it does not parse", "mend its syntax: kustomize build "+k.dir)
			return
		}
		fields := root.Content[0]
		for i := 0; i+1 < len(fields.Content); i += 2 {
			key, value := fields.Content[i], fields.Content[i+1]
			names, known := kustomizationFields[key.Value]
			program, asks := programs[key.Value]
			switch alias := aliasIn(value); {
			case asks:
				c.refuse(k, doc.Span(key), "it asks "+program.name+" for objects", "render it yourself: kustomize build "+program.flag+" "+k.dir+" | portcullis check -")
			case alias != nil:
				c.refuse(k, doc.Span(alias), "it has an alias, and what that stands for is not looked at", "write the value out, or render it yourself: kustomize build "+k.dir+" | portcullis check -")
			case !known:
				c.refuse(k, doc.Span(key), "it has a field that is not known", "see kustomize build "+k.dir)
			case names != nil:
				names(c, k, value)
			}
		}
	}
}

// aliasIn finds an alias in a value: kustomize would read what nobody has vetted there.
func aliasIn(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n
	}
	for _, member := range n.Content {
		if alias := aliasIn(member); alias != nil {
			return alias
		}
	}
	return nil
}

func (c *catalogue) refuse(k *kustomization, at diag.Span, why, how string) {
	if k.refused == nil {
		d := unbuilt.At(at, "the kustomization %s is not built: %s", k.dir, why).
			Because("what it comes to is not judged").Suggest("%s", how)
		k.refused = &d
	}
}

// members are the files and directories whose objects a kustomization takes.
func (c *catalogue) members(k *kustomization, n *yaml.Node) {
	for _, item := range n.Content {
		name := path.Join(k.dir, item.Value)
		switch {
		case remote(item.Value):
			c.refuse(k, c.doc.Span(item), "it takes objects from elsewhere", "no network is asked here: kustomize build "+k.dir+" | portcullis check -")
		case c.files[name] != nil:
			k.files = append(k.files, name)
		case c.byDir[name] != nil:
			k.dirs = append(k.dirs, name)
		default:
			c.missing[name] = true
			c.refuse(k, c.doc.Span(item), "there is no "+item.Value, "see kustomize build "+k.dir)
		}
	}
}

// named are the files that a list names; a text of several lines is a patch itself.
func (c *catalogue) named(k *kustomization, n *yaml.Node) {
	for _, item := range n.Content {
		if !strings.Contains(strings.TrimSpace(item.Value), "\n") {
			c.file(k, item)
		}
	}
}

// paths are the files that entries name in their field path.
func (c *catalogue) paths(k *kustomization, n *yaml.Node) {
	entries := n.Content
	if n.Kind == yaml.MappingNode {
		entries = []*yaml.Node{n}
	}
	for _, entry := range entries {
		if entry.Kind == yaml.ScalarNode {
			c.named(k, &yaml.Node{Content: []*yaml.Node{entry}})
		}
		for i := 0; entry.Kind == yaml.MappingNode && i+1 < len(entry.Content); i += 2 {
			switch key := entry.Content[i].Value; {
			case key == "path":
				c.file(k, entry.Content[i+1])
			case strings.EqualFold(key, "path"):
				c.refuse(k, c.doc.Span(entry.Content[i]), "it has a field that is not known", "write path")
			}
		}
	}
}

func (c *catalogue) file(k *kustomization, n *yaml.Node) {
	name := path.Join(k.dir, n.Value)
	switch {
	case remote(n.Value):
		c.refuse(k, c.doc.Span(n), "it takes a file from elsewhere", "no network is asked here: kustomize build "+k.dir+" | portcullis check -")
	case c.files[name] == nil:
		c.missing[name] = true
		c.refuse(k, c.doc.Span(n), "there is no "+n.Value, "see kustomize build "+k.dir)
	default:
		k.files = append(k.files, name)
	}
}

// generated are the files that become a ConfigMap or a Secret, which decide nothing: what
// was not read for it is no manifest may be empty.
func (c *catalogue) generated(k *kustomization, n *yaml.Node) {
	for _, entry := range n.Content {
		for i := 0; entry.Kind == yaml.MappingNode && i+1 < len(entry.Content); i += 2 {
			switch entry.Content[i].Value {
			case "files", "envs", "env":
				values := entry.Content[i+1].Content
				if entry.Content[i+1].Kind == yaml.ScalarNode {
					values = []*yaml.Node{entry.Content[i+1]}
				}
				for _, value := range values {
					name := value.Value
					if _, after, keyed := strings.Cut(name, "="); keyed && entry.Content[i].Value == "files" {
						name = after
					}
					if remote(name) {
						c.refuse(k, c.doc.Span(value), "it takes a file from elsewhere", "no network is asked here: kustomize build "+k.dir+" | portcullis check -")
					}
					k.texts = append(k.texts, path.Join(k.dir, name))
				}
			}
		}
	}
}

// remote reports whether kustomize would ask the network for what has this name.
func remote(name string) bool {
	return strings.Contains(name, "://") || strings.Contains(name, "?") || strings.Contains(name, "git::") ||
		strings.Contains(name, "@") || strings.Contains(name, "//") || strings.HasPrefix(strings.ToLower(name), "github.com") || strings.HasPrefix(name, "/")
}

// reach is what a kustomization is built from: itself and all that it lists, in order, and
// the first reason why that cannot be built.
func (c *catalogue) reach(k *kustomization) (all []*kustomization, refused *diag.Diagnostic) {
	seen := map[*kustomization]bool{}
	var walk func(k *kustomization)
	walk = func(k *kustomization) {
		if seen[k] {
			return
		}
		seen[k] = true
		all = append(all, k)
		if refused == nil {
			refused = k.refused
		}
		for _, dir := range k.dirs {
			walk(c.byDir[dir])
		}
	}
	walk(k)
	return all, refused
}

// roots are the kustomizations that no other lists, but for components, which are for others.
func (c *catalogue) roots() []*kustomization {
	listed := map[string]bool{}
	for _, k := range c.byDir {
		for _, dir := range k.dirs {
			listed[dir] = true
		}
	}
	var roots []*kustomization
	for _, dir := range diag.SortedKeys(c.byDir) {
		if k := c.byDir[dir]; !listed[dir] && !k.component {
			roots = append(roots, k)
		}
	}
	return slices.Clip(roots)
}
