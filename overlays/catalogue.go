package overlays

import (
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// kustomization is one of somebody else's, as far as it must be known before it is built.
type kustomization struct {
	dir, file string
	text      []byte // of one that no file holds; nil for the file's
	by        string // the file of whoever deploys it, where no file holds it
	component bool
	dirs      []string // other kustomizations that it lists
	files     []string // that it reads, of those that are there
	members   []string // those of the files whose objects it takes
	texts     []string // that its generators read, and are no manifests
	refused   *diag.Diagnostic
	mend      string // what to do where it is refused, with DIR for the directory that is built
	whole     bool   // it cannot be built without what is refused of it
	without   []byte // its text less what is refused of it; nil where that is nothing, or all
}

// kustomizationFields are the fields that kustomize knows, with what their values name. A nil
// function stands for a value that names no file. kustomize reads keys without regard to
// case: any other spelling is refused, for nobody would have looked at what it names.
var kustomizationFields = map[string]func(*catalogue, *kustomization, *yaml.Node){
	"apiVersion": nil, "metadata": nil, "namespace": nil, "namePrefix": nil, "nameSuffix": nil, "commonLabels": nil,
	"labels": nil, "commonAnnotations": nil, "images": nil, "replicas": nil, "generatorOptions": nil, "buildMetadata": nil,
	"sortOptions": nil, "vars": nil,
	"kind":      func(_ *catalogue, k *kustomization, n *yaml.Node) { k.component = n.Value == "Component" },
	"resources": (*catalogue).resources, "bases": (*catalogue).resources, "components": (*catalogue).members,
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

// adding are those of the fields that ask for objects beside the others, and change none.
var adding = []string{"helmCharts", "helmGlobals", "helmChartInflationGenerator", "generators"}

var (
	helm    = struct{ name, flag string }{"Helm", "--enable-helm"}
	plugins = struct{ name, flag string }{"plugins", "--enable-alpha-plugins"}
)

// catalogue has the kustomizations among some files, by their directories.
type catalogue struct {
	files map[string][]byte // that may be read, by path
	byDir map[string]*kustomization
	doc   object.Document // that is read at the moment
	left  []*yaml.Node    // of it: keys and items that are left out, as others refuse the kustomization as a whole

	missing map[string]bool // paths that are listed, and not there
}

// newCatalogue catalogues the kustomizations among some files, and reads what each of them names.
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

// read takes note, in the catalogue, of what a kustomization names, and of why it cannot be
// built.
func (c *catalogue) read(k *kustomization) {
	for doc := range object.Documents(k.file, c.files[k.file]) {
		c.doc, c.left = doc, nil
		var root yaml.Node
		if err := yaml.Unmarshal(doc.Text, &root); err != nil || len(root.Content) == 0 || root.Content[0].Kind != yaml.MappingNode {
			c.refuse(k, diag.Span{File: k.file}, "it does not parse", "mend its syntax: kustomize build DIR")
			return
		}
		fields := root.Content[0]
		for i := 0; i+1 < len(fields.Content); i += 2 {
			key, value := fields.Content[i], fields.Content[i+1]
			names, known := kustomizationFields[key.Value]
			program, asks := programs[key.Value]
			switch alias := aliasIn(value); {
			case asks && program == plugins && c.builtIn(k, value):
			case asks && slices.Contains(adding, key.Value):
				c.leaveOut(k, key, "it asks "+program.name+" for objects", "render it yourself: kustomize build "+program.flag+" DIR | portcullis check -")
			case asks:
				c.refuse(k, doc.Span(key), "it asks "+program.name+" to change objects", "render it yourself: kustomize build "+program.flag+" DIR | portcullis check -")
			case alias != nil:
				c.refuse(k, doc.Span(alias), "it has an alias, and what that stands for is not looked at", "write the value out, or render it yourself: kustomize build DIR | portcullis check -")
			case !known:
				c.refuse(k, doc.Span(key), "it has a field that is not known", "see kustomize build DIR")
			case names != nil:
				names(c, k, value)
			}
		}
		k.whole = k.whole || k.without != nil // by a document before
		if len(c.left) > 0 {
			k.without, _ = yaml.Marshal(less(fields, c.left)) // of what was YAML before
		}
	}
}

// less leaves out of a kustomization some of its keys, and some items of its lists.
func less(fields *yaml.Node, left []*yaml.Node) *yaml.Node {
	kept := &yaml.Node{Kind: yaml.MappingNode}
	for i := 0; i+1 < len(fields.Content); i += 2 {
		key, value := fields.Content[i], *fields.Content[i+1]
		if slices.Contains(left, key) {
			continue
		}
		value.Content = slices.DeleteFunc(slices.Clone(value.Content), func(item *yaml.Node) bool { return slices.Contains(left, item) })
		kept.Content = append(kept.Content, key, &value)
	}
	return kept
}

// aliasIn finds an alias in a value of a kustomization: kustomize would read what nobody has
// vetted there.
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

// refuse notes why a kustomization is not built, and what to do about it.
func (c *catalogue) refuse(k *kustomization, at diag.Span, why, how string) {
	if k.whole = true; k.refused == nil {
		d := Unbuilt.At(at, "the kustomization %s is not built: %s", k.dir, why).Because("what it comes to is not judged")
		k.refused, k.mend = &d, how
	}
}

// leaveOut notes why one of a kustomization's keys or items is not built. The rest is, without
// it.
func (c *catalogue) leaveOut(k *kustomization, n *yaml.Node, why, how string) {
	whole := k.whole
	first := k.refused == nil
	c.refuse(k, c.doc.Span(n), why, how)
	if k.whole = whole; first {
		k.refused.Message = strings.Replace(k.refused.Message, " is not built: ", " is not built in whole: ", 1)
		*k.refused = k.refused.Because("what is left out is not judged; the rest is, as far as it can be built without it")
	}
	c.left = append(c.left, n)
}

// resources takes note of a kustomization's resources: members without which the rest can be
// built.
func (c *catalogue) resources(k *kustomization, n *yaml.Node) {
	for _, item := range n.Content {
		name := path.Join(k.dir, item.Value)
		switch {
		case remote(item.Value):
			c.leaveOut(k, item, "it takes objects from elsewhere", "no network is asked here: kustomize build DIR | portcullis check -")
		case c.files[name] == nil && c.byDir[name] == nil:
			c.missing[name] = true
			c.leaveOut(k, item, "there is no "+item.Value, "see kustomize build DIR")
		default:
			c.members(k, &yaml.Node{Content: []*yaml.Node{item}})
		}
	}
}

// members takes note of the files and directories whose objects a kustomization takes.
func (c *catalogue) members(k *kustomization, n *yaml.Node) {
	for _, item := range n.Content {
		name := path.Join(k.dir, item.Value)
		switch {
		case remote(item.Value):
			c.refuse(k, c.doc.Span(item), "it takes objects from elsewhere", "no network is asked here: kustomize build DIR | portcullis check -")
		case c.files[name] != nil:
			k.files, k.members = append(k.files, name), append(k.members, name)
		case c.byDir[name] != nil:
			k.dirs = append(k.dirs, name)
		default:
			c.missing[name] = true
			c.refuse(k, c.doc.Span(item), "there is no "+item.Value, "see kustomize build DIR")
		}
	}
}

// named takes note of the files that a list in a kustomization names; a text of several lines is
// a patch itself.
func (c *catalogue) named(k *kustomization, n *yaml.Node) {
	for _, item := range n.Content {
		if !strings.Contains(strings.TrimSpace(item.Value), "\n") {
			c.file(k, item)
		}
	}
}

// paths takes note of the files that entries of a kustomization name in their field path.
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

// file takes note of one file that a kustomization names, or why it cannot be read.
func (c *catalogue) file(k *kustomization, n *yaml.Node) {
	name := path.Join(k.dir, n.Value)
	switch {
	case remote(n.Value):
		c.refuse(k, c.doc.Span(n), "it takes a file from elsewhere", "no network is asked here: kustomize build DIR | portcullis check -")
	case c.files[name] == nil:
		c.missing[name] = true
		c.refuse(k, c.doc.Span(n), "there is no "+n.Value, "see kustomize build DIR")
	default:
		k.files = append(k.files, name)
	}
}

// generated takes note of the files of which a kustomization makes a ConfigMap or a Secret, which
// decide nothing: what was not read for it is no manifest may be empty.
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
						c.refuse(k, c.doc.Span(value), "it takes a file from elsewhere", "no network is asked here: kustomize build DIR | portcullis check -")
					}
					k.texts = append(k.texts, path.Join(k.dir, name))
				}
			}
		}
	}
}

// builtIn reports whether the entries of a field ask kustomize's own transformers alone, and takes
// note of the files in which these are described.
func (c *catalogue) builtIn(k *kustomization, n *yaml.Node) bool {
	var files []string
	for _, entry := range n.Content {
		text := []byte(entry.Value)
		if !strings.Contains(strings.TrimSpace(entry.Value), "\n") {
			name := path.Join(k.dir, entry.Value)
			if text = c.files[name]; remote(entry.Value) || text == nil {
				return false
			}
			files = append(files, name)
		}
		if !describesOwn(text) {
			return false
		}
	}
	k.files = append(k.files, files...)
	return n.Kind == yaml.SequenceNode
}

// remote reports whether kustomize would ask the network for what has this name.
func remote(name string) bool {
	return strings.Contains(name, "://") || strings.Contains(name, "?") || strings.Contains(name, "git::") ||
		strings.Contains(name, "@") || strings.Contains(name, "//") || strings.HasPrefix(strings.ToLower(name), "github.com") || strings.HasPrefix(name, "/")
}

// reach follows from a kustomization to all that it is built from: itself and all that it lists,
// in order, and the first of them that cannot be built as it is.
func (c *catalogue) reach(k *kustomization) (all []*kustomization, refused *kustomization) {
	seen := map[*kustomization]bool{}
	var walk func(k *kustomization)
	walk = func(k *kustomization) {
		if seen[k] {
			return
		}
		seen[k] = true
		all = append(all, k)
		if refused == nil && k.refused != nil {
			refused = k
		}
		for _, dir := range k.dirs {
			walk(c.byDir[dir])
		}
	}
	walk(k)
	return all, refused
}

// roots lists the kustomizations of the catalogue that no other lists, but for components, which
// are for others.
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
