package overlays

import (
	"bytes"
	"fmt"
	"strings"

	"portcullis.dev/policies/object"
)

// definitions are the objects that cost the most, and decide nothing.
const definitions = "CustomResourceDefinition"

// withoutDefinitions leaves the schemas of custom resources out of a file: no kustomization
// that it is part of speaks of them.
func withoutDefinitions(data []byte) []byte {
	if !bytes.Contains(data, []byte(definitions)) {
		return data
	}
	var kept bytes.Buffer
	for doc := range object.Documents("", data) {
		text := doc.Text
		if name, is := definition(text); is {
			text = fmt.Appendf(nil, "---\napiVersion: apiextensions.k8s.io/v1\nkind: %s\nmetadata: {name: %s}\n", definitions, name)
		} else if !bytes.HasPrefix(text, []byte("---")) {
			kept.WriteString("---\n")
		}
		kept.Write(text)
		if !bytes.HasSuffix(text, []byte("\n")) {
			kept.WriteByte('\n')
		}
	}
	return kept.Bytes()
}

// definition finds the name of a custom resource's definition that is written as generators write
// it.
func definition(text []byte) (name string, is bool) {
	metadata := false
	for line := range bytes.Lines(text) {
		said := strings.TrimRight(string(line), " \r\n")
		switch {
		case said == "kind: "+definitions:
			is = true
		case said == "metadata:":
			metadata = true
		case metadata && name == "" && strings.HasPrefix(said, "  name: "):
			name = strings.TrimPrefix(said, "  name: ")
		case said != "" && said[0] != ' ':
			metadata = false
		}
	}
	return name, is && name != ""
}
