package overlays

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// vetting is one look at a component.
type vetting struct {
	component Component
	doc       object.Document // of the kustomization
	patches   int             // and replacements
	resources int
	found     diag.List
}

// add adds a finding about the component that is vetted.
func (v *vetting) add(f diag.Diagnostic) { v.found = append(v.found, f) }

// fields say what an entry of a kustomization may have, each with what its value is. A
// field of lists applies to each of their elements.
type fields map[string]func(*vetting, *yaml.Node)

// selecting are the fields by which an entry finds objects.
var selecting = fields{"group": nil, "version": nil, "kind": nil, "name": nil, "namespace": nil, "labelSelector": nil, "annotationSelector": nil}

// The tables of what may be written. kustomize reads keys without regard to case: with
// any other spelling than these it would read what nobody looked at.
var (
	patchFields = fields{
		"path": (*vetting).patchFile, "patch": (*vetting).patchText, "target": selecting.each,
		"options": func(v *vetting, n *yaml.Node) { // allowNameChange and allowKindChange
			v.add(refusedComponent.At(v.doc.Span(n), "a patch with options may rename what it patches").Suggest("remove the options"))
		},
	}
	optionFields      = fields{"delimiter": nil, "index": nil, "encoding": nil, "create": nil}
	replacementFields = fields{
		"sourceValue": nil,
		"source":      fields{"group": nil, "version": nil, "kind": nil, "name": nil, "namespace": nil, "fieldPath": nil, "options": optionFields.each}.each,
		"targets":     fields{"select": selecting.each, "reject": selecting.each, "fieldPaths": nil, "options": optionFields.each}.each,
	}
	// A file of replacements names no other.
	replacementsFields = fields{
		"path": (*vetting).replacementFile, "sourceValue": nil, "source": replacementFields["source"], "targets": replacementFields["targets"],
	}
	operationFields = []string{"op", "path", "from", "value"}
	labelFields     = fields{
		"pairs": nil, "includeSelectors": nil, "includeTemplates": nil, "includeVolumeClaimTemplates": nil,
		"fields": fields{"path": nil, "create": nil, "group": nil, "version": nil, "kind": nil}.each,
	}
)

// each vets a mapping in a kustomization, or those of a list, by the fields that it may have.
func (f fields) each(v *vetting, n *yaml.Node) {
	if n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			f.each(v, item)
		}
		return
	}
	if n.Kind != yaml.MappingNode {
		if n.Tag != "!!null" {
			v.add(refusedComponent.At(v.doc.Span(n), "expected a mapping with %s", strings.Join(diag.SortedKeys(f), ", ")).Suggest("see kustomize's reference of the field"))
		}
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		inside, known := f[key.Value]
		switch {
		case !known:
			d := refusedComponent.At(v.doc.Span(key), "the field %.60q is refused here", key.Value).
				Because("kustomize reads keys without regard to case: what is spelt otherwise than expected would be read by it, and vetted by nobody")
			if near := diag.Nearest(key.Value, diag.SortedKeys(f)); near != "" {
				v.add(d.Suggest("write %s; the fields are %s", near, strings.Join(diag.SortedKeys(f), ", ")))
			} else {
				v.add(d.Suggest("the fields are %s", strings.Join(diag.SortedKeys(f), ", ")))
			}
		case inside != nil:
			inside(v, n.Content[i+1])
		}
	}
}

// plainFile vets a file of a component: it refuses what makes one of a few bytes cost any amount.
func (v *vetting) plainFile(file string, data []byte) {
	for doc := range object.Documents(file, data) {
		if _, name := path.Split(file); name != "kustomization.yaml" && name != "kustomization.yml" {
			v.resources++
		}
		if _, wrong := plain(doc.Text); wrong != nil {
			v.add(wrong.at(wrong.node(doc.Line(1), doc.Span)))
		}
	}
}

// patchText vets a patch that stands in a string of the kustomization, like a file.
func (v *vetting) patchText(n *yaml.Node) {
	if n.Kind != yaml.ScalarNode {
		v.add(refusedComponent.At(v.doc.Span(n), "expected a patch in a string").Suggest("write patch: |- and the patch below it"))
		return
	}
	v.patch(n.Value, func(*yaml.Node) diag.Span { return v.doc.Span(n) }, v.doc.Span(n))
}

// patchFile vets a patch that stands in a file of the component's.
func (v *vetting) patchFile(n *yaml.Node) {
	if data, ok := v.own(n); ok {
		file := path.Join(v.component.Path, path.Clean(n.Value))
		for doc := range object.Documents(file, data) {
			v.patch(string(doc.Text), doc.Span, doc.Line(1))
		}
	}
}

// patch vets the text of a patch: that of a file of its own, and no operation in it that
// copies, which doubles what it copies as often as it is written.
func (v *vetting) patch(text string, at func(*yaml.Node) diag.Span, whole diag.Span) {
	roots, wrong := plain([]byte(text))
	if wrong != nil {
		v.add(wrong.inside(whole))
		return
	}
	for _, root := range roots {
		if root.Kind != yaml.SequenceNode {
			continue // a strategic merge patch
		}
		for _, operation := range root.Content {
			for i := 0; operation.Kind == yaml.MappingNode && i+1 < len(operation.Content); i += 2 {
				key, value := operation.Content[i], operation.Content[i+1]
				if !slices.Contains(operationFields, key.Value) {
					v.add(refusedComponent.At(at(key), "an operation with a field %.60q", key.Value).Suggest("the fields are %s", strings.Join(operationFields, ", ")))
				}
				if key.Value == "op" && value.Value == "copy" {
					v.add(refusedComponent.At(at(value), "an operation that copies").
						Because("each copy can double what the next one copies: thirty of them are a thousand million values").
						Suggest("add the value, written out"))
				}
			}
		}
	}
}

// replacementFile vets replacements that stand in a file of the component's.
func (v *vetting) replacementFile(n *yaml.Node) {
	data, ok := v.own(n)
	if !ok {
		return
	}
	file := path.Join(v.component.Path, path.Clean(n.Value))
	outer := v.doc
	defer func() { v.doc = outer }()
	for doc := range object.Documents(file, data) {
		v.doc = doc
		roots, _ := plain(doc.Text)
		for _, root := range roots {
			v.entries(replacementFields, root)
		}
	}
}

// entries vets a list of patches or replacements, and counts them.
func (v *vetting) entries(f fields, n *yaml.Node) {
	if n.Kind == yaml.SequenceNode {
		v.patches += len(n.Content)
	}
	f.each(v, n)
}

// costly is what plain finds.
type costly struct {
	rule    *diag.Rule
	message string
	hint    string
	where   *yaml.Node // nil: the whole
	line    int
}

// at makes a finding of what vetting a text found, at a place.
func (c *costly) at(span diag.Span) diag.Diagnostic {
	return c.rule.At(span, "%s", c.message).Suggest("%s", c.hint)
}

// node finds the span of what vetting a text found wrong.
func (c *costly) node(whole diag.Span, span func(*yaml.Node) diag.Span) diag.Span {
	if c.where == nil {
		return whole
	}
	return span(c.where)
}

// inside makes a finding of what vetting found in a patch that stands in a string.
func (c *costly) inside(whole diag.Span) diag.Diagnostic {
	d := c.at(whole)
	if c.line > 0 {
		d.Message = fmt.Sprintf("%s in the patch, in its line %d", d.Message, c.line)
	} else {
		d.Message += ", in the patch"
	}
	return d
}

// plain parses all documents of a text to be vetted, and says what in them costs more than it
// looks, or would be read by kustomize in another way.
func plain(text []byte) ([]*yaml.Node, *costly) {
	var roots []*yaml.Node
	for reader := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var n yaml.Node
		err := reader.Decode(&n)
		if errors.Is(err, io.EOF) {
			return roots, nil
		}
		if err != nil {
			return nil, &costly{rule: refusedComponent, message: "the file does not parse as YAML", hint: "mend its syntax"}
		}
		values := 0
		if wrong := plainNode(&n, 0, &values); wrong != nil {
			return nil, wrong
		}
		if len(n.Content) > 0 {
			roots = append(roots, n.Content[0])
		}
	}
}

// plainNode vets one value of a text and those in it: no anchor or alias, no tag, not too deep,
// not too many.
func plainNode(n *yaml.Node, depth int, values *int) *costly {
	if *values++; *values > mostValues {
		return &costly{rule: costlyComponent, message: fmt.Sprintf("more than %d values in one document", mostValues), hint: "split it"}
	}
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return &costly{rule: refusedComponent, message: "an anchor or alias", hint: "write the value out", where: n, line: n.Line}
	case n.Style&yaml.TaggedStyle != 0:
		return &costly{rule: refusedComponent, message: "a tag (" + n.ShortTag() + ")", hint: "write the value as it is meant", where: n, line: n.Line}
	case depth > mostLevels+1: // the document counts as one
		return &costly{rule: costlyComponent, message: fmt.Sprintf("nested deeper than %d levels", mostLevels), hint: "no policy is: write what is meant", where: n, line: n.Line}
	}
	for _, c := range n.Content {
		if wrong := plainNode(c, depth+1, values); wrong != nil {
			return wrong
		}
	}
	return nil
}

// Vet finds what a component must not do. Patches and resources are files of its own directory;
// its YAML, and that of the patches in its strings, holds no aliases, which kustomize expands
// without a bound, and copies nothing.
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

// kustomization vets the fields of a component's kustomization, and refuses those that a
// component may not have.
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

// own finds the file of the vetted component's directory that a node names, or refuses the name.
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
