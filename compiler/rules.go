package compiler

import (
	"slices"

	"portcullis.dev/compiler/baseline"
	"portcullis.dev/compiler/crosscheck"
	"portcullis.dev/compiler/deploy"
	"portcullis.dev/compiler/govern"
	"portcullis.dev/compiler/halfopen"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/lower"
	"portcullis.dev/compiler/proof"
	"portcullis.dev/compiler/resolve"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/rego"
)

// Rules lists all rules that the program has outside of Rego, each code once. The Rego rules join
// when their engine is prepared.
func Rules() []*diag.Rule {
	return slices.Concat(object.Rules, meaning.Rules, language.Rules, resolve.Rules, crosscheck.Rules, lower.Rules, deploy.Rules, proof.Rules, halfopen.Rules, overlays.Rules, rego.Rules,
		govern.Rules, baseline.Rules, sources.Rules)
}
