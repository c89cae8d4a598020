package object

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	yamlv3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"

	"portcullis.dev/policies/diag"
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
// nil want compares nothing. The span is that of the value, or for a mapping's
// member of the key when the value is itself a collection.
func Locate(file string, data []byte, subject diag.Subject, want any) (diag.Span, Located) {
	for first, doc := range documents(data) {
		if blank(doc) {
			continue
		}
		var root yamlv3.Node
		if yamlv3.Unmarshal(doc, &root) != nil || len(root.Content) == 0 {
			continue
		}
		for _, n := range manifests(root.Content[0]) {
			if !names(n, subject.Object) {
				continue
			}
			s := spanner{file: file, lines: strings.Split(string(doc), "\n"), first: first}
			if at, ok := descend(n, subject.Pointer); ok && (want == nil || sameValue(at.value, want)) {
				return s.span(at), AtValue
			}
			if name, ok := descend(n, "/metadata/name"); ok {
				return s.span(name), AtObject
			}
			return s.span(place{value: n}), AtObject
		}
	}
	return diag.Span{}, NotFound
}

// manifests returns the document's object, or a List's items.
func manifests(n *yamlv3.Node) []*yamlv3.Node {
	if items, ok := descend(n, "/items"); ok && strings.HasSuffix(text(n, "/kind"), "List") {
		return items.value.Content
	}
	return []*yamlv3.Node{n}
}

func names(n *yamlv3.Node, id ID) bool {
	apiVersion, kind := text(n, "/apiVersion"), text(n, "/kind")
	group, _, hasGroup := strings.Cut(apiVersion, "/")
	if !hasGroup {
		group = ""
	}
	namespace := text(n, "/metadata/namespace")
	if ClusterScoped(apiVersion, kind) {
		namespace = ""
	} else if namespace == "" && id.Namespace == "default" {
		namespace = "default"
	}
	return id == ID{Group: group, Kind: kind, Namespace: namespace, Name: text(n, "/metadata/name")}
}

func text(n *yamlv3.Node, pointer string) string {
	if at, ok := descend(n, pointer); ok && at.value.Kind == yamlv3.ScalarNode {
		return at.value.Value
	}
	return ""
}

// place is a node and, in a mapping, the key it stands under.
type place struct{ key, value *yamlv3.Node }

func descend(n *yamlv3.Node, pointer string) (place, bool) {
	at := place{value: n}
	if pointer == "" {
		return at, true
	}
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		token = unescape(token)
		for at.value.Kind == yamlv3.AliasNode {
			at.value = at.value.Alias
		}
		switch at.value.Kind {
		case yamlv3.MappingNode:
			content := at.value.Content
			at = place{}
			for i := 0; i+1 < len(content); i += 2 {
				if content[i].Value == token {
					at = place{key: content[i], value: content[i+1]}
				}
			}
			if at.value == nil {
				return place{}, false
			}
		case yamlv3.SequenceNode:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(at.value.Content) {
				return place{}, false
			}
			at = place{value: at.value.Content[i]}
		default:
			return place{}, false
		}
	}
	return at, true
}

// sameValue compares what the file says with what was rendered, both as the JSON
// that an API server would see.
func sameValue(n *yamlv3.Node, want any) bool {
	out, err := yamlv3.Marshal(n)
	if err != nil {
		return false
	}
	raw, err := yaml.YAMLToJSON(out)
	if err != nil {
		return false
	}
	wanted, err := json.Marshal(want)
	if err != nil {
		return false
	}
	var a, b any
	return json.Unmarshal(raw, &a) == nil && json.Unmarshal(wanted, &b) == nil && reflect.DeepEqual(a, b)
}

// Value is what a JSON pointer names in the object, as decoded JSON.
func (o Object) Value(pointer string) (any, bool) {
	var v any
	if json.Unmarshal(o.JSON, &v) != nil {
		return nil, false
	}
	if pointer == "" {
		return v, true
	}
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		switch c := v.(type) {
		case map[string]any:
			member, ok := c[unescape(token)]
			if !ok {
				return nil, false
			}
			v = member
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(c) {
				return nil, false
			}
			v = c[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// spanner turns nodes, which know only where they begin, into spans.
type spanner struct {
	file  string
	lines []string // of the document
	first int      // lines before the document
}

func (s spanner) span(at place) diag.Span {
	n := at.value
	if n.Kind != yamlv3.ScalarNode && at.key != nil {
		n = at.key // a collection is pointed at by its key: one line, one caret
	}
	line := s.lines[min(n.Line, len(s.lines))-1]
	start := n.Column - 1 // yaml/v3 counts runes from 1
	runes := []rune(strings.TrimRight(line, "\r"))
	start = min(start, len(runes))
	length := scalarLength(runes[start:], n)
	return diag.Span{
		File:  s.file,
		Start: diag.Position{Line: s.first + n.Line, Column: start + 1},
		End:   diag.Position{Line: s.first + n.Line, Column: start + 1 + length},
	}
}

// scalarLength is how many runes the node takes on its first line.
func scalarLength(rest []rune, n *yamlv3.Node) int {
	switch {
	case n.Kind == yamlv3.ScalarNode && n.Style&(yamlv3.SingleQuotedStyle|yamlv3.DoubleQuotedStyle) != 0:
		quote := rest[0]
		for i := 1; i < len(rest); i++ {
			if rest[i] == '\\' && quote == '"' {
				i++
			} else if rest[i] == quote {
				if quote == '\'' && i+1 < len(rest) && rest[i+1] == quote {
					i++
					continue
				}
				return i + 1
			}
		}
		return len(rest)
	case n.Kind == yamlv3.ScalarNode && n.Style&(yamlv3.LiteralStyle|yamlv3.FoldedStyle) == 0:
		return min(utf8.RuneCountInString(n.Value), len(rest))
	default: // a collection or a block scalar: the rest of its first line
		return len([]rune(strings.TrimRight(stripComment(string(rest)), " \t")))
	}
}

func stripComment(line string) string {
	if i := strings.Index(line, " #"); i >= 0 {
		return line[:i]
	}
	return line
}

// lineSpan is one line of text without its indentation.
func lineSpan(file string, n int, line string) diag.Span {
	trimmed := strings.TrimRight(line, "\r \t")
	indent := len(trimmed) - len(strings.TrimLeft(trimmed, " \t"))
	return diag.Span{
		File:  file,
		Start: diag.Position{Line: n, Column: indent + 1},
		End:   diag.Position{Line: n, Column: max(utf8.RuneCountInString(trimmed), indent) + 1},
	}
}

// Pointer builds a JSON pointer (RFC 6901) out of its tokens.
func Pointer(tokens ...string) string {
	var b bytes.Buffer
	for _, t := range tokens {
		b.WriteByte('/')
		b.WriteString(escape(t))
	}
	return b.String()
}

var (
	escaper   = strings.NewReplacer("~", "~0", "/", "~1")
	unescaper = strings.NewReplacer("~1", "/", "~0", "~")
)

func escape(token string) string   { return escaper.Replace(token) }
func unescape(token string) string { return unescaper.Replace(token) }
