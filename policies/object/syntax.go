package object

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"

	"portcullis.dev/policies/diag"
)

var atLine = regexp.MustCompile(`line (\d+): (.*)`)

// syntax turns a parser's error about the syntax into findings. It names lines, from 1 in the
// document, and sometimes one past the end.
func (d textDocument) syntax(err error) diag.List {
	if strings.Contains(err.Error(), "already set in map") {
		if twice := d.twice(); twice != nil {
			return twice
		}
	}
	matches := atLine.FindAllStringSubmatch(err.Error(), mostFindings)
	if matches == nil {
		return diag.List{NotYAML.At(d.start(), "%s", plain(err))}
	}
	var found diag.List
	for _, m := range matches {
		n, _ := strconv.Atoi(m[1])
		if strings.HasPrefix(m[2], "did not find expected") {
			n++ // the parser counts from 0 here, and from 1 in its other errors
		}
		found = append(found, NotYAML.At(d.lineSpan(d.lineOffset(n)), "%.300s", m[2]))
	}
	return found
}

// twice finds the keys that are written more than once in a mapping, which is a mistake of
// syntax. The parser's own error has the line of the value, which may be another.
func (d textDocument) twice() diag.List {
	var root yamlv3.Node
	if yamlv3.Unmarshal(d.text, &root) != nil {
		return nil
	}
	var found diag.List
	var walk func(n *yamlv3.Node)
	walk = func(n *yamlv3.Node) {
		if n.Kind == yamlv3.MappingNode {
			first := map[string]*yamlv3.Node{}
			for i := 0; i+1 < len(n.Content); i += 2 {
				key := n.Content[i]
				if target(key).Kind != yamlv3.ScalarNode {
					continue
				}
				name := jsonKey(target(key))
				before, ok := first[name]
				if !ok {
					first[name] = key
					continue
				}
				if len(found) == mostFindings {
					return
				}
				found = append(found, DuplicateKey.At(d.node(place{value: key}), "the key %q is written twice in one mapping", name).
					See(d.node(place{value: before}), "written here first").
					Suggest("keep one of the lines"))
			}
		}
		for _, member := range n.Content {
			walk(member)
		}
	}
	walk(&root)
	return found
}

// mergeable are the keys of a JSON text that two different YAML keys may have become,
// such as 1 and "1".
var mergeable = regexp.MustCompile(`"(true|false|null|[-+.]?[0-9][^"]*)":`)

// lost finds what the conversion to JSON drops without a word: keys that differ in
// YAML and not in JSON, and text after the end of the document's value.
func (d textDocument) lost(raw json.RawMessage) diag.List {
	if mergeable.Match(raw) {
		if twice := d.twice(); twice != nil {
			return twice
		}
	}
	// A block mapping that begins in the first column runs to the end of the
	// document; any other value may end before.
	first := d.text[content(d.text):]
	if c := first[0]; c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_' {
		return nil
	}
	dec := yamlv3.NewDecoder(bytes.NewReader(d.text))
	var n yamlv3.Node
	if dec.Decode(&n) != nil {
		return nil
	}
	err := dec.Decode(&n)
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return d.syntax(err)
	default:
		return diag.List{NotYAML.At(d.lineSpan(d.lineOffset(n.Line)), "a second document begins without a line of three dashes")}
	}
}
