package intent

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// nearest is the known word that somebody who wrote word most likely meant, or
// nothing where none is near. Of equally near ones the first in order wins.
func nearest(word string, known []string) string {
	best, distance := "", max(2, len(word)/3)+1
	for _, k := range known {
		if strings.EqualFold(k, word) {
			return k
		}
		if d := levenshtein.ComputeDistance(word, k); d < distance {
			best, distance = k, d
		}
	}
	return best
}

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
