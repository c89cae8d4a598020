package deploy

import (
	"path"
	"strings"
	"unicode/utf8"

	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// finder finds in the files of components what they wrote. It reads no file twice, and
// gives up in the end: what one line does to all objects is asked of each of them.
type finder struct {
	indices  map[string]*object.Index // by file
	mentions map[mentioned]diag.Span  // the zero span where there is none
	bytes    int                      // that may still be searched
}

// mentioned is a word in a component's files.
type mentioned struct{ component, word string }

// newFinder prepares to look for what components mention, within a bound on the bytes that are
// searched.
func newFinder() *finder {
	const most = 1 << 30 // a second's work
	return &finder{indices: map[string]*object.Index{}, mentions: map[mentioned]diag.Span{}, bytes: most}
}

// placeOf finds where components over a unit mention what a finding is about: the object's own
// file, or whatever patch has one of the finding's words.
func (f *finder) placeOf(d Finding, components []overlays.Laid) diag.Span {
	var near diag.Span
	for _, c := range components {
		for _, name := range diag.SortedKeys(c.Files) {
			file := path.Join(c.Path, name)
			if f.indices[file] == nil {
				f.indices[file] = object.NewIndex(file, c.Files[name])
			}
			switch span, how := f.indices[file].Locate(d.Subject); {
			case how == object.AtValue:
				return span
			case how == object.AtObject && near.IsZero():
				near = span
			}
		}
	}
	for _, word := range d.Words {
		for _, c := range components {
			if span := f.mention(c, word); !span.IsZero() {
				return span
			}
		}
	}
	if near.IsZero() && len(components) > 0 {
		near.File = path.Join(components[len(components)-1].Path, "kustomization.yaml")
	}
	return near
}

// mayHaveWritten reports whether the component at a path has one of some words, or none of
// those over the unit has: a file can spell a word in more ways than one.
func (f *finder) mayHaveWritten(component string, over []overlays.Laid, words []string) bool {
	somebody := false
	for _, c := range over {
		for _, word := range words {
			if !f.mention(c, word).IsZero() {
				if c.Path == component {
					return true
				}
				somebody = true
			}
		}
	}
	return !somebody
}

// mention finds the first place where a component's files mention a word. A patch in a string has
// a form of its own, so that only its text can be searched.
func (f *finder) mention(c overlays.Laid, word string) diag.Span {
	key := mentioned{c.Path, word}
	if span, known := f.mentions[key]; known || word == "" || strings.Contains(word, "\n") {
		return span
	}
	f.mentions[key] = diag.Span{}
	for _, name := range diag.SortedKeys(c.Files) {
		if f.bytes -= len(c.Files[name]); f.bytes < 0 {
			break
		}
		if span, there := find(path.Join(c.Path, name), string(c.Files[name]), word); there {
			f.mentions[key] = span
			break
		}
	}
	return f.mentions[key]
}

// find finds the first mention of a word in a file that is in no comment of its own line.
func find(file, text, word string) (diag.Span, bool) {
	number := 0
	for line := range strings.Lines(text) {
		number++
		if strings.HasPrefix(strings.TrimLeft(line, " \t"), "#") {
			continue
		}
		for at := 0; ; {
			i := strings.Index(line[at:], word)
			if i < 0 {
				break
			}
			start := at + i
			if at = start + len(word); continues(word, line[at:]) {
				continue
			}
			column := utf8.RuneCountInString(line[:start]) + 1
			return diag.Span{File: file, Start: diag.At(number, column), End: diag.At(number, column+utf8.RuneCountInString(word))}, true
		}
	}
	return diag.Span{}, false
}

// continues reports whether a word that is mentioned goes on in the text behind it, and is another
// one.
func continues(word, rest string) bool {
	letter := func(c byte) bool {
		return c == '-' || c == '_' || c == '/' || c == '.' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
	}
	return rest != "" && letter(rest[0]) && letter(word[len(word)-1])
}
