// Package bundle turns what was built into files and back: a kustomize tree, and
// beside it bundle.json, which says what it was built from.
//
// Its invariant: a bundle is written whole or not at all; the same input gives the
// same bytes.
//
// It must not know how the tree came about, nor judge it.
package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"

	"portcullis.dev/compiler/plan"
)

// IndexFile is the name of a bundle's index, which also marks a directory as one
// of ours: only such a directory is ever replaced.
const IndexFile = "bundle.json"

// Schema is the version of the index.
const Schema = plan.Group + "/bundle/v1alpha1"

// Index says what a bundle was built from, by which program, and what it holds.
type Index struct {
	Schema  string            `json:"schema"`
	Tool    string            `json:"tool"`    // version of the program
	Inputs  map[string]string `json:"inputs"`  // path → SHA-256, in hex, of each file that was read
	Outputs map[string]string `json:"outputs"` // the same of each file of the bundle but the index
	Rules   []string          `json:"rules"`   // codes of the rules that were evaluated, sorted
}

// Bundle is path → bytes, the index included.
type Bundle map[string][]byte

// New adds the index to a tree.
func New(tool string, inputs, tree map[string][]byte, rules []string) (Bundle, error) {
	index := Index{Schema: Schema, Tool: tool, Inputs: digests(inputs), Outputs: digests(tree), Rules: rules}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(index); err != nil {
		return nil, err
	}
	bundle := Bundle(maps.Clone(tree))
	bundle[IndexFile] = b.Bytes()
	return bundle, nil
}

func digests(files map[string][]byte) map[string]string {
	all := make(map[string]string, len(files))
	for name, data := range files {
		sum := sha256.Sum256(data)
		all[name] = hex.EncodeToString(sum[:])
	}
	return all
}
