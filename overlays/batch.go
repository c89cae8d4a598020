package overlays

import (
	"bytes"
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// batched gives a file of the component as it is rendered. In its kustomization, neighbouring
// lists of JSON-patch operations for the same objects become one list: kustomize writes and
// reads an object anew for each patch, and remembers in the object by what names it went
// before each, so that its work grows with the square of their number.
//
// One list does what several did, in the same order, as long as no operation changes what
// the target is found by. What is not understood in full is left as it is.
func (c Component) batched(name string) []byte {
	file, data := c.kustomization()
	if file != path.Join(c.Path, name) {
		return c.Files[name]
	}
	var root yaml.Node
	if yaml.Unmarshal(data, &root) != nil || len(root.Content) != 1 || root.Content[0].Kind != yaml.MappingNode {
		return data
	}
	merged := false
	for i := 0; i+1 < len(root.Content[0].Content); i += 2 {
		if key, value := root.Content[0].Content[i], root.Content[0].Content[i+1]; key.Value == "patches" && value.Kind == yaml.SequenceNode {
			before := len(value.Content)
			value.Content = c.merged(value.Content)
			merged = merged || len(value.Content) < before
		}
	}
	if !merged {
		return data
	}
	uncomment(&root)
	text, err := yaml.Marshal(&root)
	if err != nil {
		return data
	}
	return text
}

// uncomment removes the comments of a kustomization that is batched, which nothing reads.
func uncomment(n *yaml.Node) {
	n.HeadComment, n.LineComment, n.FootComment = "", "", ""
	for _, c := range n.Content {
		uncomment(c)
	}
}

// batch is an entry of a kustomization's patches, or several that are one.
type batch struct {
	entry      *yaml.Node
	key        string            // the same for entries that may become one; empty: it stays alone
	object     string            // the only one that it can change, if that is known
	operations []json.RawMessage // of a JSON patch
	fields     map[string]any    // of a strategic merge patch
	entries    int
}

// merged joins a kustomization's patches to batches where that changes nothing: neighbours, and
// those between which only other objects are patched.
func (c Component) merged(entries []*yaml.Node) []*yaml.Node {
	var batches []*batch
	latest := map[string]*batch{} // by the object, since the last entry of which it is not known
	for _, entry := range entries {
		b := c.batch(entry)
		before := latest[b.object]
		if b.object == "" && len(batches) > 0 {
			before = batches[len(batches)-1]
		}
		if before != nil && b.key != "" && before.key == b.key && before.add(b) {
			continue
		}
		if b.object == "" {
			clear(latest)
		} else {
			latest[b.object] = b
		}
		batches = append(batches, b)
	}
	all := make([]*yaml.Node, len(batches))
	for i, b := range batches {
		one, ok := b.patch()
		if !ok {
			return entries
		}
		all[i] = one
	}
	return all
}

// add joins to a batch of patches the one that comes after it, if one patch can say both.
func (b *batch) add(next *batch) bool {
	if b.fields != nil && !overlay(b.fields, next.fields, false) {
		return false
	}
	overlay(b.fields, next.fields, true)
	b.operations = append(b.operations, next.operations...)
	b.entries++
	return true
}

// overlay lays the fields of a strategic merge patch over those of the batch, if they agree on
// which of them are mappings, and which lists.
func overlay(under, over map[string]any, write bool) bool {
	for key, value := range over {
		below, had := under[key]
		inside, isMap := value.(map[string]any)
		wasInside, wasMap := below.(map[string]any)
		_, isList := value.([]any)
		_, wasList := below.([]any)
		switch {
		case had && (isMap != wasMap || isList != wasList), had && isMap && !overlay(wasInside, inside, write):
			return false
		case write && !(had && isMap):
			under[key] = value
		}
	}
	return true
}

// patch makes the one entry of a kustomization's patches that does what all of the batch do.
func (b *batch) patch() (*yaml.Node, bool) {
	if b.entries == 1 {
		return b.entry, true
	}
	// Operations stand in the list as they were read: a test compares the text of its value.
	text := slices.Concat([]byte("["), bytes.Join(rawBytes(b.operations), []byte(",")), []byte("]"))
	var err error
	if b.fields != nil {
		text, err = json.Marshal(b.fields)
	}
	one := *b.entry
	one.Content = slices.Clone(one.Content)
	for i := 0; i+1 < len(one.Content); i += 2 {
		if key := one.Content[i].Value; key == "patch" || key == "path" {
			one.Content[i] = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "patch"}
			one.Content[i+1] = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: string(text), Style: yaml.DoubleQuotedStyle}
		}
	}
	return &one, err == nil
}

// batch reads one entry of a kustomization's patches into a batch, with what is understood of it.
func (c Component) batch(entry *yaml.Node) *batch {
	alone := &batch{entry: entry, entries: 1}
	if entry.Kind != yaml.MappingNode {
		return alone
	}
	var text, target string
	var of map[string]string
	for i := 0; i+1 < len(entry.Content); i += 2 {
		switch key, value := entry.Content[i], entry.Content[i+1]; {
		case key.Value == "target" && target == "":
			if target, of = targetText(value); target == "" {
				return alone
			}
		case key.Value == "patch" && value.Kind == yaml.ScalarNode && text == "":
			text = value.Value
		case key.Value == "path" && value.Kind == yaml.ScalarNode && text == "":
			text = string(c.Files[path.Clean(value.Value)])
		default:
			return alone
		}
	}
	b := *alone
	roots, wrong := plain([]byte(text))
	if wrong != nil || len(roots) != 1 {
		return alone
	}
	if roots[0].Kind == yaml.MappingNode {
		value, ok := mergeValue(roots[0])
		if !ok {
			return alone
		}
		b.fields = value.(map[string]any)
		id, ok := identity(b.fields, of)
		if !ok {
			return alone
		}
		b.key = "merge " + target + strings.Join(id, "/")
		if target == "" {
			of = map[string]string{"kind": id[1], "name": id[2]}
		}
	} else {
		var ok bool
		if b.operations, ok = operationsOf(text, of); !ok {
			return alone
		}
		b.key = "operations " + target
	}
	// A target's words are regular expressions.
	if kind, name := of["kind"], of["name"]; kind != "" && name != "" && regexp.QuoteMeta(kind+name) == kind+name {
		b.object = kind + "/" + name
	}
	return &b
}
