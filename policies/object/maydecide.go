package object

import (
	"bytes"
	"regexp"
	"strings"
)

// mayDecide reports whether a text that does not parse, or that nobody has filled in, may hold an
// object that decides traffic: it has the name of such a kind and the group of its API, or leaves
// one of the two open, or hides letters behind escapes. Names of kinds alone are words that
// anything may hold: Server, Profile and imagePullPolicy say nothing of policies.
func mayDecide(text []byte) bool {
	if hidesLetters(text) || hasKind(text, "NetworkPolicy", true) { // of whatever API
		return true
	}
	open := openHead.Match(text)
	for group, names := range decidingKinds() {
		spoken := bytes.Contains(text, []byte(group))
		if spoken && (open || !bytes.Contains(text, []byte("kind"))) {
			return true
		}
		for _, name := range names {
			if name == "*" && spoken || (spoken || open) && hasKind(text, name, false) {
				return true
			}
		}
	}
	return false
}

// openHead is an apiVersion or a kind that some program is to fill in.
var openHead = regexp.MustCompile(`\b(apiVersion|kind)["']?\s*:\s*["']?(\{\{|\$\{)`)

// decidingKinds lists the names of the kinds that decide traffic, by their group; a star for all.
func decidingKinds() map[string][]string {
	all := map[string][]string{}
	for apiVersion, byName := range kinds {
		for name, k := range byName {
			if k.role == Policy {
				group := GroupOf(apiVersion)
				all[group] = append(all[group], name)
			}
		}
	}
	for group, list := range others {
		for _, o := range list {
			if o.decides() {
				all[group] = append(all[group], strings.Fields(o.kinds)...)
			}
		}
	}
	return all
}

// hidesLetters reports whether a text that may decide has escapes that may stand for letters, or
// for none where a word runs over lines.
func hidesLetters(text []byte) bool {
	for i := bytes.IndexByte(text, '\\'); i >= 0 && i+1 < len(text); {
		switch text[i+1] {
		case 'x', 'u', 'U', '\n', '\r':
			return true
		}
		next := bytes.IndexByte(text[i+2:], '\\')
		if next < 0 {
			return false
		}
		i += 2 + next
	}
	return false
}

// hasKind reports whether the name of a deciding kind, or of its list, stands in a text as a
// word, or as the end of one.
func hasKind(text []byte, name string, ending bool) bool {
	for at := 0; ; {
		i := bytes.Index(text[at:], []byte(name))
		if i < 0 {
			return false
		}
		start := at + i
		at = start + len(name)
		rest := bytes.TrimPrefix(text[at:], []byte("List"))
		if (ending || start == 0 || !letter(text[start-1])) && (len(rest) == 0 || !letter(rest[0])) {
			return true
		}
	}
}
