package object

import "portcullis.dev/policies/diag"

// Mistakes that every YAML reader of the program finds.
var (
	NotYAML = &diag.Rule{Code: "PC001", Severity: diag.Error,
		Title: "The file is not YAML",
		Why:   "A manifest that does not parse cannot be judged.",
		Mend:  "Mend the syntax where the caret stands; values that begin with @, *, &, !, % or a backquote need quotes."}
	DuplicateKey = &diag.Rule{Code: "PC003", Severity: diag.Error,
		Title: "A key is written twice",
		Why:   "YAML parsers keep one of the two values, and not all of them the same one.",
		Mend:  "Keep one of the lines."}
)

var (
	badField = &diag.Rule{Code: "PC010", Severity: diag.Error,
		Title: "A policy has a field that its API does not have, or a value of another type",
		Why:   "An API server drops an unknown field silently or refuses the object. Either way the policy that runs is not the one that is written.",
		Mend:  "Check the spelling against the API reference of the kind."}
	unmodelledKind = &diag.Rule{Code: "PC011", Severity: diag.Error,
		Title: "A policy of a kind that cannot be judged",
		Why:   "An object that decides traffic in a way that Portcullis does not model would make every other answer a guess.",
		Mend:  "Rewrite it as a Kubernetes NetworkPolicy or a Calico v3 policy, or judge the rest apart."}
	duplicate = &diag.Rule{Code: "PC012", Severity: diag.Error,
		Title: "The same object is defined twice",
		Why:   "Two manifests with the same kind, namespace and name are one object to an API server: the later overwrites the earlier.",
		Mend:  "Remove one of them, or give it another name."}
	nameless = &diag.Rule{Code: "PC013", Severity: diag.Error,
		Title: "A manifest without kind or name",
		Why:   "Every Kubernetes object needs apiVersion, kind and metadata.name: what has none of them cannot be referred to, nor applied twice.",
		Mend:  "Write the field that the message names."}
)

// Rules are the findings of this package.
var Rules = []*diag.Rule{NotYAML, DuplicateKey, badField, unmodelledKind, duplicate, nameless}
