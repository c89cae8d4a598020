package object

import (
	"encoding/json"
	"iter"
	"reflect"
	"strconv"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/yamltext"
)

// Located says how exactly Locate could answer.
type Located int

const (
	NotFound Located = iota // the file does not hold the object
	AtObject                // the object is there, the value is not: the span is the object's name
	AtValue                 // the span is the value's, and it is the same value
)

// Locate finds a value in the text of a file: the document with that identity, and
// in it what the JSON pointer names. Because kustomize may have changed a value on
// its way into the rendered object, want is compared with what the file says; a
// nil want compares nothing.
//
// The span is that of the whole scalar, its quotes or its block's header included.
// A collection is pointed at by its key or, where it has none, by its first line.
func Locate(file string, data []byte, subject diag.Subject, want any) (diag.Span, Located) {
	return NewIndex(file, data).LocateValue(subject, want)
}

// same compares what a file says with what was rendered, both as the JSON that an API
// server would see.
func same(got, want any) bool {
	wanted, err := json.Marshal(want)
	if err != nil {
		return false
	}
	var w any
	return json.Unmarshal(wanted, &w) == nil && reflect.DeepEqual(got, w)
}

// manifests yields the document's object, or those of a list of whatever kind, each with its
// pointer in the document.
func manifests(n *yamlv3.Node) iter.Seq2[string, *yamlv3.Node] {
	return func(yield func(string, *yamlv3.Node) bool) {
		var walk func(at string, n *yamlv3.Node, depth int) bool
		walk = func(at string, n *yamlv3.Node, depth int) bool {
			n = target(n)
			items, ok := descend(n, "/items")
			if !ok || target(items.value).Kind != yamlv3.SequenceNode {
				return yield(at, n)
			}
			if depth == listDepth {
				return true
			}
			for i, item := range target(items.value).Content {
				if !walk(at+"/items/"+strconv.Itoa(i), item, depth+1) {
					return false
				}
			}
			return true
		}
		walk("", n, 0)
	}
}

// identity reads what a located manifest calls itself. No namespace is written where it has none,
// and may be left out where it is the default one.
func identity(n *yamlv3.Node) ID {
	apiVersion, kind := text(n, "/apiVersion"), text(n, "/kind")
	id := ID{Group: GroupOf(apiVersion), Kind: kind, Namespace: text(n, "/metadata/namespace"), Name: text(n, "/metadata/name")}
	if ClusterScoped(apiVersion, kind) {
		id.Namespace = ""
	}
	return id
}

// identityIn completes what a located item calls itself by what the list that it stands in says
// of all its items.
func identityIn(list *yamlv3.Node, id ID) ID {
	apiVersion, kind := text(list, "/apiVersion"), strings.TrimSuffix(text(list, "/kind"), "List")
	id.Group, id.Kind = GroupOf(apiVersion), kind
	if ClusterScoped(apiVersion, kind) {
		id.Namespace = ""
	}
	return id
}

// text reads the scalar that a pointer names below a YAML node, empty for none.
func text(n *yamlv3.Node, pointer string) string {
	if at, ok := descend(n, pointer); ok && target(at.value).Kind == yamlv3.ScalarNode {
		return target(at.value).Value
	}
	return ""
}

// target gives the node that is located: itself or what an alias stands for, which is never an
// alias.
func target(n *yamlv3.Node) *yamlv3.Node {
	if n.Kind == yamlv3.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

// place is a node and, in a mapping, the key it stands under.
type place struct{ key, value *yamlv3.Node }

// descend follows a JSON pointer down from a YAML node to the node that it locates, with its key.
func descend(n *yamlv3.Node, pointer string) (place, bool) {
	at := place{value: n}
	if pointer == "" {
		return at, true
	}
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		token = unescape(token)
		switch in := target(at.value); in.Kind {
		case yamlv3.MappingNode:
			at = place{}
			for i := 0; i+1 < len(in.Content); i += 2 {
				if key := target(in.Content[i]); key.Kind == yamlv3.ScalarNode && jsonKey(key) == token {
					at = place{key: in.Content[i], value: in.Content[i+1]}
				}
			}
			if at.value == nil {
				return place{}, false
			}
		case yamlv3.SequenceNode:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(in.Content) {
				return place{}, false
			}
			at = place{value: in.Content[i]}
		default:
			return place{}, false
		}
	}
	return at, true
}

// jsonKey reads a mapping's key as the API machinery does, so that pointers locate it: a plain y
// is the key "true" (YAML 1.1).
func jsonKey(n *yamlv3.Node) string {
	const quoted = yamlv3.SingleQuotedStyle | yamlv3.DoubleQuotedStyle | yamlv3.LiteralStyle | yamlv3.FoldedStyle
	if n.Style&quoted != 0 || !yamltext.Ambiguous(n.Value) {
		return n.Value
	}
	var m map[string]any
	if yaml.Unmarshal([]byte(n.Value+": 0\n"), &m) != nil || len(m) != 1 {
		return n.Value
	}
	return diag.SortedKeys(m)[0]
}
