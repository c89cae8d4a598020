package compiler

import (
	"bytes"
	"strings"
)

// Manifests writes the environment as a stream of YAML documents, in the order of the objects'
// IDs. It is never empty for an environment that was built. What no component changes stands as it
// does in the tree, with the reasons at its rules.
func (e Environment) Manifests() (string, error) {
	var b strings.Builder
	for i, o := range e.Objects.All() {
		text, err := o.YAML()
		if err != nil {
			return "", err
		}
		if emitted, is := e.emitted[o.ID]; is && bytes.Equal(emitted.Manifest.JSON(), o.JSON) {
			text = emitted.Manifest.YAML()
		}
		if i > 0 {
			b.WriteString("---\n")
		}
		b.Write(text)
	}
	return b.String(), nil
}
