// Package mend makes the edits of findings in the text of files: those that are safe, for nobody
// need think about them.
//
// Its invariant: a file is changed in the scalars that the edits name, and in nothing else of what it
// says, or not at all. Comments, line ends and every other byte stay.
//
// It must not know what is wrong with a file, nor where files lie.
package mend

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Mended is a file with its edits made.
type Mended struct {
	Path          string
	Before, After []byte
}

// Files makes the safe edits of findings in the files that may be changed, and returns those that
// differ, in order. What stands in the text of a template is left: what becomes of it is not
// known.
func Files(found diag.List, files map[string][]byte, may func(file string) bool) []Mended {
	edits := map[string][]diag.Edit{}
	for _, d := range found {
		if !d.Safe || d.WaivedBy != "" {
			continue
		}
		for _, e := range d.Fix {
			edits[e.Span.File] = append(edits[e.Span.File], e)
		}
	}
	var all []Mended
	for _, file := range diag.SortedKeys(edits) {
		before, there := files[file]
		if !there || !may(file) || bytes.Contains(before, []byte("{{")) || bytes.Contains(before, []byte("${")) {
			continue
		}
		if after, ok := edited(before, edits[file]); ok && !bytes.Equal(before, after) {
			all = append(all, Mended{file, before, after})
		}
	}
	return all
}

// change is an edit in bytes of a text.
type change struct {
	from, to int
	text     string
}

// edited makes edits of one text, all of them or none, to mend it.
func edited(text []byte, edits []diag.Edit) ([]byte, bool) {
	var changes []change
	for _, e := range edits {
		from, ok := offset(text, e.Span.Start)
		to, also := offset(text, e.Span.End)
		if !ok || !also || from >= to {
			return nil, false
		}
		changes = append(changes, change{from, to, e.NewText})
	}
	slices.SortFunc(changes, func(a, b change) int { return a.from - b.from })
	changes = slices.Compact(changes)
	var b bytes.Buffer
	end := 0
	for _, c := range changes {
		if c.from < end {
			return nil, false // two findings want different texts
		}
		b.Write(text[end:c.from])
		b.WriteString(c.text)
		end = c.to
	}
	b.Write(text[end:])
	after := b.Bytes()
	return after, saysTheSame(text, after, len(changes))
}

var bom = []byte("\xef\xbb\xbf")

// offset finds the byte of a position that is to be mended: columns count characters, and no byte
// order mark.
func offset(text []byte, p diag.Position) (int, bool) {
	at := len(text) - len(bytes.TrimPrefix(text, bom))
	for range p.Line - 1 {
		n := bytes.IndexByte(text[at:], '\n')
		if n < 0 {
			return 0, false
		}
		at += n + 1
	}
	for range p.Column - 1 {
		if at >= len(text) || text[at] == '\n' || text[at] == '\r' {
			return 0, false
		}
		_, size := utf8.DecodeRune(text[at:])
		at += size
	}
	return at, p.Line > 0 && p.Column > 0
}

// saysTheSame reports whether two texts differ in a number of values, and in nothing else. Of a
// text that does not parse nobody knows what it says: then the other has to parse.
func saysTheSame(before, after []byte, values int) bool {
	b, parses := documents(before)
	a, is := documents(after)
	switch {
	case !is:
		return false
	case !parses:
		return true
	case len(a) != len(b):
		return false
	}
	differ := 0
	for i := range a {
		if !alike(b[i], a[i], &differ) {
			return false
		}
	}
	return differ == values
}

// documents parses the YAML documents of a text that was mended, or is to be; not ok where one
// does not parse.
func documents(text []byte) ([]*yaml.Node, bool) {
	var all []*yaml.Node
	for doc := range object.Documents("", bytes.TrimPrefix(text, bom)) {
		var n yaml.Node
		if yaml.Unmarshal(doc.Text, &n) != nil {
			return nil, false
		}
		all = append(all, &n)
	}
	return all, true
}

// alike compares the trees of a text before and after it was mended, and counts the scalars that
// are others: one may have become a list of itself.
func alike(b, a *yaml.Node, differ *int) bool {
	if b.Kind == yaml.ScalarNode && a.Kind == yaml.SequenceNode && len(a.Content) == 1 && a.Content[0].Value == b.Value {
		*differ++
		return true
	}
	if b.Kind != a.Kind || b.Anchor != a.Anchor || len(b.Content) != len(a.Content) ||
		b.HeadComment != a.HeadComment || b.LineComment != a.LineComment || b.FootComment != a.FootComment {
		return false
	}
	if b.Kind == yaml.ScalarNode && (b.Value != a.Value || b.ShortTag() != a.ShortTag() || b.Style != a.Style) {
		if *differ++; b.Anchor != "" {
			return false // whatever refers to it would say something else as well
		}
	}
	for i := range b.Content {
		if !alike(b.Content[i], a.Content[i], differ) {
			return false
		}
	}
	return true
}
