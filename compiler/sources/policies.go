package sources

import (
	"slices"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/object"
)

// HoldsPolicies reports whether there are policies among files that are not of the language.
func HoldsPolicies(files []language.File) bool {
	return slices.ContainsFunc(files, func(f language.File) bool {
		if language.IsRego(f.Path) || language.Ours(f) {
			return false
		}
		decoded, _ := object.Decode(f.Path, f.Data)
		return slices.ContainsFunc(decoded, func(o object.Object) bool { return o.Role == object.Policy })
	})
}
