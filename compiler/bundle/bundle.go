// Package bundle turns what was built into files and back: a kustomize tree, and
// beside it bundle.json, which says what it was built from and how it was judged.
//
// Its invariant: a place holds the bundle that it held, or the new one, each whole;
// never a mixture, and never something of somebody else's lost. The same input gives
// the same bytes, as a directory and as an archive.
//
// It must not know how the tree came about, nor judge it.
package bundle

import (
	"maps"
	"slices"

	"portcullis.dev/policies/diag"
)

// Bundle is path → bytes, the index included. Paths have forward slashes.
type Bundle map[string][]byte

// New makes a bundle of a tree by adding the index.
func New(r Record, tree map[string][]byte) (Bundle, error) {
	index, err := r.index(tree)
	if err != nil {
		return nil, err
	}
	b := Bundle{IndexFile: index}
	maps.Copy(b, tree)
	return b, nil
}

// paths lists the bundle's files in the order in which they are written: the index first, so that
// a directory with anything in it says whose it is, then by name.
func (b Bundle) paths() []string {
	all := []string{IndexFile}
	return append(all, slices.DeleteFunc(diag.SortedKeys(b), func(name string) bool { return name == IndexFile })...)
}
