package overlays

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
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
	fields     map[string]any    // of a strategic merge patch: mappings and texts
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

// overlay lays fields over others, if they agree on which of them are mappings.
func overlay(under, over map[string]any, write bool) bool {
	for key, value := range over {
		below, had := under[key]
		inside, isMap := value.(map[string]any)
		wasInside, wasMap := below.(map[string]any)
		switch {
		case had && isMap != wasMap, had && isMap && !overlay(wasInside, inside, write):
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
	var text []byte
	var err error
	if b.fields != nil {
		text, err = json.Marshal(b.fields)
	} else {
		text, err = json.Marshal(b.operations)
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
			text = strings.TrimSpace(value.Value)
		case key.Value == "path" && value.Kind == yaml.ScalarNode && text == "":
			text = string(c.Files[path.Clean(value.Value)])
		default:
			return alone
		}
	}
	b := *alone
	if strings.HasPrefix(text, "[") {
		if json.Unmarshal([]byte(text), &b.operations) != nil {
			return alone
		}
	} else if value, ok := plainText(text); !ok {
		return alone
	} else if fields, ok := value.(map[string]any); ok {
		b.fields = fields
	} else if encoded, err := json.Marshal(value); err != nil || json.Unmarshal(encoded, &b.operations) != nil {
		return alone
	}
	if b.fields != nil {
		id, ok := identity(b.fields)
		if !ok {
			return alone
		}
		b.key = "merge " + target + strings.Join(id, "/")
		if target == "" {
			of = map[string]string{"kind": id[1], "name": id[2]}
		}
	} else {
		if target == "" || len(b.operations) == 0 || slices.ContainsFunc(b.operations, func(raw json.RawMessage) bool { return !harmless(raw) }) {
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

// identity is what a strategic merge patch names its object by. It may change nothing but
// texts in mappings, of which the last one counts: a list, a null or a directive of
// kustomize's means something else after another patch than beside it.
func identity(fields map[string]any) (id []string, ok bool) {
	metadata, _ := fields["metadata"].(map[string]any)
	for _, value := range []any{fields["apiVersion"], fields["kind"], metadata["name"]} {
		text, isText := value.(string)
		if !isText || text == "" {
			return nil, false
		}
		id = append(id, text)
	}
	namespace, _ := metadata["namespace"].(string)
	return append(id, namespace), mergeable(fields)
}

func mergeable(fields map[string]any) bool {
	for key, value := range fields {
		inside, isMap := value.(map[string]any)
		if _, isText := value.(string); strings.HasPrefix(key, "$") || !isText && (!isMap || len(inside) == 0 || !mergeable(inside)) {
			return false
		}
	}
	return true
}

// targetText is the same for targets that find the same objects, by what they are called
// alone.
func targetText(n *yaml.Node) (string, map[string]string) {
	var of map[string]string
	if n.Decode(&of) != nil || len(of) == 0 || of["labelSelector"] != "" || of["annotationSelector"] != "" {
		return "", nil
	}
	text, err := json.Marshal(of) // in the order of keys
	if err != nil {
		return "", nil
	}
	return string(text), of
}

// plainText is a patch that is written in YAML: texts, in which no two readers of YAML
// differ, in lists and mappings, and nothing else.
func plainText(text string) (any, bool) {
	roots, wrong := plain([]byte(text))
	if wrong != nil || len(roots) != 1 {
		return nil, false
	}
	return plainValue(roots[0])
}

// plainValue is a value of mappings, lists and texts.
func plainValue(n *yaml.Node) (any, bool) {
	switch n.Kind {
	case yaml.ScalarNode:
		return n.Value, n.Tag == "!!str" && (n.Style != 0 || unmistakable(n.Value))
	case yaml.SequenceNode:
		all := make([]any, len(n.Content))
		for i, c := range n.Content {
			var ok bool
			if all[i], ok = plainValue(c); !ok {
				return nil, false
			}
		}
		return all, true
	case yaml.MappingNode:
		all := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			value, ok := plainValue(n.Content[i+1])
			if _, twice := all[key.Value]; !ok || twice || key.Tag != "!!str" || key.Style == 0 && !unmistakable(key.Value) {
				return nil, false
			}
			all[key.Value] = value
		}
		return all, true
	default:
		return nil, false
	}
}

// unmistakable reports whether a plain word is a text for readers of YAML 1.1 and 1.2
// alike: it begins with a letter or a slash, and is none of the words for true and false.
func unmistakable(word string) bool {
	if word == "" || !(word[0] == '/' || 'a' <= word[0] && word[0] <= 'z' || 'A' <= word[0] && word[0] <= 'Z') {
		return false
	}
	return !slices.Contains([]string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}, strings.ToLower(word))
}

// harmless reports whether an operation changes nothing by which a target is found, and
// fails in a list as it does alone.
func harmless(raw json.RawMessage) bool {
	var operation map[string]json.RawMessage
	if json.Unmarshal(raw, &operation) != nil {
		return false
	}
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
		case first == "metadata" && (second == "labels" || second == "annotations") && deeper:
		default:
			return false
		}
	}
	return true
}
