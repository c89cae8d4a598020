package diag

import (
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// Nearest finds the known word that somebody who wrote word most likely meant, or nothing where
// none is near. Of equally near ones the first in order wins.
func Nearest(word string, known []string) string {
	best, distance := "", max(2, len(word)/3)+1
	letters := utf8.RuneCountInString(word)
	for _, k := range known {
		if strings.EqualFold(k, word) {
			return k
		}
		if n := utf8.RuneCountInString(k); max(n, letters)-min(n, letters) >= distance {
			continue // words cannot be nearer than their lengths, and long ones take long
		}
		if d := levenshtein.ComputeDistance(word, k); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// Enumerate joins words as prose does: a, b and c; at most twenty-four of them.
func Enumerate(words []string, conjunction string) string {
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
		return strings.Join(words[:len(words)-1], ", ") + " " + conjunction + " " + words[len(words)-1]
	}
}
