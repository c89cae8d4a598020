package compiler

import (
	"strings"
)

// Manifests writes the environment as a stream of YAML documents, in the order of the objects'
// IDs. It is never empty for an environment that was built.
func (e Environment) Manifests() (string, error) {
	var b strings.Builder
	for i, o := range e.Objects.All() {
		text, err := o.YAML()
		if err != nil {
			return "", err
		}
		if i > 0 {
			b.WriteString("---\n")
		}
		b.Write(text)
	}
	return b.String(), nil
}
