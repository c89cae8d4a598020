package language

import (
	"path"
	"slices"
	"strings"
)

// PlatformFile is the file that marks the root of a repository of intents.
const PlatformFile = "portcullis.yaml"

// File is one text of the repository; Path is relative to its root, with slashes.
type File struct {
	Path string
	Data []byte
}

var bom = []byte("\xef\xbb\xbf")

// IsYAML reports whether a file is YAML by its name.
func IsYAML(name string) bool {
	return slices.Contains([]string{".yaml", ".yml"}, strings.ToLower(path.Ext(name)))
}

// IsJSON reports whether a file is JSON by its name. Nothing of ours is read from such a file.
func IsJSON(name string) bool { return strings.EqualFold(path.Ext(name), ".json") }

// IsRego reports whether a file would hold rules, by its name. It does so only in the directory of
// rules: see OwnRules.
func IsRego(name string) bool { return path.Ext(name) == ".rego" }
