// Package scaffold drafts the first files of a repository of intents: an example
// that teaches the language, or intents for the workloads that manifests describe.
//
// Its invariant: what it drafts is read by the language without an error. It opens no
// flow that nobody asked for: what manifests suggest stands in comments.
//
// It must not know where the files go, nor what policies come of them.
package scaffold

import (
	"embed"
	"io/fs"
	"strings"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/yamltext"
)

// Draft is what a repository may begin with.
type Draft struct {
	Files map[string][]byte // by their paths below the repository's root
	Notes []string          // what is left to a person, a sentence each
}

//go:embed start
var start embed.FS

// Start returns the example that a repository without manifests starts with: two workloads that
// compile as they are, in which comments explain what stands there and what else could.
func Start(name string) (Draft, error) {
	d := Draft{Files: map[string][]byte{}}
	root, err := fs.Sub(start, "start")
	if err != nil {
		return d, err
	}
	return d, fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(root, path)
		d.Files[path] = []byte(editorLine(path) + strings.Replace(string(data), "metadata: {name: NAME}", yamltext.Line(nameField(name)), 1))
		return err
	})
}

// editorLine returns the first line of a drafted file in the language: the comment by which
// editors find its schema, which the caller writes.
func editorLine(path string) string { return language.EditorLine(path) + "\n" }

// Name makes a name of the language out of any text, such as a directory's name.
func Name(text string) string {
	const longest = 63
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		default:
			return '-'
		}
	}, text)
	name = strings.Trim(name[:min(len(name), longest)], "-")
	if name == "" {
		return "platform"
	}
	return name
}
