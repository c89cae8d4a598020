package gitops

import (
	"regexp"
	"strings"
)

// substitution puts values in the place of variables, as Flux does behind kustomize.
type substitution struct {
	values map[string]string
	// partly: there are other variables, and nobody knows their values.
	partly bool
}

var (
	variable = regexp.MustCompile(`\$?\$\{([_a-zA-Z][_a-zA-Z0-9]*)(?:(:?[-=])([^}]*))?\}`)
	spared   = regexp.MustCompile(`(?m)^ *"?kustomize\.toolkit\.fluxcd\.io/substitute"?: *"?disabled"?\r?$`)
)

// replace returns the text of an object with the variables replaced that have a value: an undefined
// one is empty, or its default. Where a value is not known, the variable stays, and so does one with
// a function of the shell's that is none of these.
func (s substitution) replace(text []byte) []byte {
	if spared.Match(text) {
		return text
	}
	return []byte(variable.ReplaceAllStringFunc(string(text), func(found string) string {
		if strings.HasPrefix(found, "$$") {
			return found[1:]
		}
		parts := variable.FindStringSubmatch(found)
		value, known := s.values[parts[1]]
		empty := known && value == "" && strings.HasPrefix(parts[2], ":")
		switch {
		case known && !empty:
			return value
		case s.partly && !known:
			return found
		default:
			return parts[3]
		}
	}))
}
