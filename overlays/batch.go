package overlays

import (
	"bytes"
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
	manifest "sigs.k8s.io/yaml"
)

// batched is a file of the component as it is rendered. In its kustomization, neighbouring
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

// uncomment removes what nothing reads.
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

// merged joins entries where that changes nothing: neighbours, and those between which
// only other objects are patched.
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

// add joins what comes after the batch, if one patch can say both.
func (b *batch) add(next *batch) bool {
	if b.fields != nil && !overlay(b.fields, next.fields, false) {
		return false
	}
	overlay(b.fields, next.fields, true)
	b.operations = append(b.operations, next.operations...)
	b.entries++
	return true
}

// overlay lays fields over others, if they agree on which of them are mappings, and which
// lists.
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

// patch is the entry that does what all of the batch do.
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

// batch is what is understood of one entry.
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

// identity is what a strategic merge patch names its object by. It may change nothing of
// which the last one does not count alone: a null or a directive of kustomize's means
// something else after another patch than beside it, and so does a list that is merged.
func identity(fields map[string]any, target map[string]string) (id []string, ok bool) {
	metadata, _ := fields["metadata"].(map[string]any)
	for _, value := range []any{fields["apiVersion"], fields["kind"], metadata["name"]} {
		text, isText := value.(string)
		if !isText || text == "" {
			return nil, false
		}
		id = append(id, text)
	}
	namespace, _ := metadata["namespace"].(string)
	replaced := slices.Contains(replacingLists, id[1]) && (len(target) == 0 || target["kind"] == id[1])
	for key, value := range fields {
		if !mergeable(key, value, replaced && key == "spec") {
			return nil, false
		}
	}
	return append(id, namespace), selectable(target, fields)
}

// replacingLists are the kinds in whose spec no list is merged: a patch replaces it.
var replacingLists = []string{"NetworkPolicy", "GlobalNetworkPolicy"}

// selectable reports whether a patch leaves alone what its target is found by.
func selectable(target map[string]string, fields map[string]any) bool {
	metadata, _ := fields["metadata"].(map[string]any)
	return (target["labelSelector"] == "" || metadata["labels"] == nil) && (target["annotationSelector"] == "" || metadata["annotations"] == nil)
}

func mergeable(key string, value any, lists bool) bool {
	if strings.HasPrefix(key, "$") {
		return false
	}
	switch value := value.(type) {
	case map[string]any:
		for key, inside := range value {
			if !mergeable(key, inside, lists) {
				return false
			}
		}
		return len(value) > 0
	case []any:
		return lists && len(value) > 0 && !slices.ContainsFunc(value, func(item any) bool { return !mergeable("", item, true) })
	default:
		return true
	}
}

// targetText is the same for targets that find the same objects.
func targetText(n *yaml.Node) (string, map[string]string) {
	var of map[string]string
	if n.Decode(&of) != nil || len(of) == 0 {
		return "", nil
	}
	text, err := json.Marshal(of) // in the order of keys
	if err != nil {
		return "", nil
	}
	return string(text), of
}

// mergeValue is a value of a strategic merge patch as kustomize reads it, in mappings, lists,
// texts, booleans and whole numbers: how these are spelt, when they are written again, does
// not matter.
func mergeValue(n *yaml.Node) (any, bool) {
	switch n.Kind {
	case yaml.ScalarNode:
		switch n.Tag {
		case "!!str":
			return n.Value, true
		case "!!bool":
			return n.Value == "true", n.Value == "true" || n.Value == "false"
		default:
			return json.Number(n.Value), n.Tag == "!!int" && wholeNumber.MatchString(n.Value)
		}
	case yaml.SequenceNode:
		all := make([]any, len(n.Content))
		for i, c := range n.Content {
			var ok bool
			if all[i], ok = mergeValue(c); !ok {
				return nil, false
			}
		}
		return all, true
	case yaml.MappingNode:
		all := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			value, ok := mergeValue(n.Content[i+1])
			if _, twice := all[key.Value]; !ok || twice || key.Kind != yaml.ScalarNode || key.Tag != "!!str" {
				return nil, false
			}
			all[key.Value] = value
		}
		return all, true
	default:
		return nil, false
	}
}

var wholeNumber = regexp.MustCompile(`^(0|-?[1-9][0-9]{0,14})$`)

// operationsOf are those of a JSON patch, if they are harmless, read as kustomize reads
// them: JSON, or YAML 1.1, in which y is a boolean.
func operationsOf(text string, target map[string]string) ([]json.RawMessage, bool) {
	raw := []byte(text)
	if !strings.HasPrefix(text, "[") {
		var err error
		if raw, err = manifest.YAMLToJSON(raw); err != nil {
			return nil, false
		}
	}
	var all []map[string]json.RawMessage
	if len(target) == 0 || json.Unmarshal(raw, &all) != nil || len(all) == 0 {
		return nil, false
	}
	operations := make([]json.RawMessage, len(all))
	for i, operation := range all {
		if !harmless(operation, target) {
			return nil, false
		}
		var err error
		if operations[i], err = written(operation); err != nil {
			return nil, false
		}
	}
	return operations, true
}

// written is an operation with its value as kustomize would have written it before the
// next patch. That which a test asks for stays as it was: the two are compared as texts.
func written(operation map[string]json.RawMessage) (json.RawMessage, error) {
	var op string
	if err := json.Unmarshal(operation["op"], &op); err != nil {
		return nil, err
	}
	if raw, ok := operation["value"]; ok && op != "test" {
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			return nil, err
		}
		raw, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		operation["value"] = raw
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(operation)
	return bytes.TrimSpace(b.Bytes()), err
}

func rawBytes(all []json.RawMessage) [][]byte {
	raw := make([][]byte, len(all))
	for i, r := range all {
		raw[i] = r
	}
	return raw
}

// harmless reports whether an operation changes nothing by which a target is found, and
// fails in a list as it does alone.
func harmless(operation map[string]json.RawMessage, target map[string]string) bool {
	for key, value := range operation {
		var pointer string
		switch key {
		case "op", "value":
			continue
		case "path", "from":
			if json.Unmarshal(value, &pointer) != nil {
				return false
			}
		default:
			return false
		}
		first, rest, _ := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
		second, _, deeper := strings.Cut(rest, "/")
		switch {
		case !strings.HasPrefix(pointer, "/") || strings.Contains(first+second, "~"):
			return false
		case first == "spec" && rest != "":
		case first == "metadata" && (second == "labels" || second == "annotations") && deeper && target[strings.TrimSuffix(second, "s")+"Selector"] == "":
		default:
			return false
		}
	}
	return true
}
