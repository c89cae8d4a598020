package object

import "portcullis.dev/policies/diag"

// Mistakes that several readers of YAML find, or ask about.
var (
	NotYAML = &diag.Rule{Code: "PC001", Severity: diag.Error,
		Title: "The file is not YAML",
		Why:   "A manifest that does not parse cannot be judged.",
		Mend:  "Mend the syntax where the caret stands; values that begin with @, *, &, !, % or a backquote need quotes."}
	BadField = &diag.Rule{Code: "PC010", Severity: diag.Error,
		Title: "A policy has a field that its API does not have, or a value of another type",
		Why:   "An API server drops an unknown field silently or refuses the object. Either way the policy that runs is not the one that is written.",
		Mend:  "Check the spelling against the API reference of the kind."}
	UnmodelledKind = &diag.Rule{Code: "PC011", Severity: diag.Error,
		Title: "A policy of a kind that cannot be judged",
		Why:   "An object that decides traffic in a way that Portcullis does not model would make every other answer a guess.",
		Mend:  "Rewrite it as a Kubernetes NetworkPolicy or a Calico v3 policy. Among manifests of others it is a warning, once for each kind: the answer is about the rest alone, and --ignore-kind leaves a kind out."}
	DuplicateKey = &diag.Rule{Code: "PC003", Severity: diag.Error,
		Title: "A key is written twice",
		Why:   "YAML parsers keep one of the two values, and not all of them the same one.",
		Mend:  "Keep one of the lines."}
)

var (
	Duplicate = &diag.Rule{Code: "PC012", Severity: diag.Error,
		Title: "The same object is defined twice, and differently",
		Why:   "Two manifests with the same kind, namespace and name are one object to an API server: the later overwrites the earlier.",
		Mend:  "Remove one of them, or give it another name. Among manifests of others it is an error of policies, and a warning of what tells of the cluster: workloads, Services, address pools."}
	nameless = &diag.Rule{Code: "PC013", Severity: diag.Error,
		Title: "A manifest without kind or name",
		Why:   "Every Kubernetes object needs apiVersion, kind and metadata.name: what has none of them cannot be referred to, nor applied twice.",
		Mend:  "Write the field that the message names."}
)

var unsubstituted = &diag.Rule{Code: "PC050", Severity: diag.Error,
	Title: "The text of a template instead of a manifest",
	Why:   "What stands between {{ }} or in ${ } is replaced by a program before anything reaches the cluster. Until then nobody knows which traffic the manifest opens.",
	Mend:  "Judge what comes out: helm template CHART | portcullis check -, flux build …, or envsubst."}

// Rules are the findings of this package.
var Rules = []*diag.Rule{NotYAML, DuplicateKey, BadField, UnmodelledKind, Duplicate, nameless, unsubstituted}
