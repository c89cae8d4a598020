package intent

import (
	"strings"

	"portcullis.dev/policies/diag"
)

// nearest is the known word that was most likely meant.
var nearest = diag.Nearest

// listed joins words as prose does, at most twenty-four of them.
func listed(words []string, last string) string {
	const most = 24
	if len(words) > most {
		return strings.Join(words[:most], ", ") + ", …"
	}
	switch len(words) {
	case 0:
		return "nothing"
	case 1:
		return words[0]
	default:
		return strings.Join(words[:len(words)-1], ", ") + " " + last + " " + words[len(words)-1]
	}
}
