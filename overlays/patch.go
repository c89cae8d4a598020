package overlays

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
	manifest "sigs.k8s.io/yaml"
)

// identity reads what a strategic merge patch names its object by. It may change nothing of which
// the last one does not count alone: a null or a directive of kustomize's means something else
// after another patch than beside it, and so does a list that is merged.
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

// mergeable reports whether a value of a strategic merge patch means the same when another patch
// is laid over it: no directive, nothing empty, and no list but where lists are replaced.
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

// targetText writes a patch's target in a way that is the same for targets that find the same
// objects.
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

// mergeValue reads a value of a strategic merge patch as kustomize does, in mappings, lists,
// texts, booleans and whole numbers: how these are spelt, when they are written again, does not
// matter.
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

// operationsOf reads the operations of a JSON patch, if they are harmless, as kustomize reads
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

// written writes an operation of a JSON patch with its value as kustomize would have written it
// before the next patch. That which a test asks for stays as it was: the two are compared as
// texts.
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

// rawBytes gives the operations of a JSON patch as texts to be joined.
func rawBytes(all []json.RawMessage) [][]byte {
	raw := make([][]byte, len(all))
	for i, r := range all {
		raw[i] = r
	}
	return raw
}

// harmless reports whether an operation of a JSON patch changes nothing by which a target is
// found, and fails in a list as it does alone.
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
