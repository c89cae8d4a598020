package deploy

import "portcullis.dev/policies/diag"

var (
	notJudged = &diag.Rule{Code: "PC040", Severity: diag.Error,
		Title: "A component brings what the proof does not judge",
		Help:  "A component may bring the policies that the proof models, their tiers and their network sets. Whatever else it brings may act on traffic or on the program that enforces policies, and is deployed without a judgement: the Platform names such kinds for the component (kinds), or they are deployed apart. Host endpoints and the policies for them (applyOnForward, preDNAT, doNotTrack) decide traffic in a way that is not modelled, and cannot be named."}
	actsOnDeployers = &diag.Rule{Code: "PC041", Severity: diag.Error,
		Title: "Metadata that decides whether a policy is deployed",
		Help:  "On a policy, metadata is its name, its namespace, labels and annotations. An owner, a finalizer or a hook decides whether the policy is applied and how long it stays, and no proof sees that. Labels and annotations that deployers act on pass where the Platform names them with their value for the component (labels, annotations); what keeps a policy from being applied never passes."}
	refusedName = &diag.Rule{Code: "PC042", Severity: diag.Error,
		Title: "A name that the API server refuses",
		Help:  "An object that the API server refuses is not deployed, and what it was to close stays open. Names are lower-case letters, digits, dashes and dots, those of namespaces have no dots, and keys and values of labels follow rules of their own."}
	replacedText = &diag.Rule{Code: "PC043", Severity: diag.Error,
		Title: "Text that a deployer replaces",
		Help:  "Flux's post-build substitution replaces ${…} and $$ in every object after it was proved, so that another policy runs than the one that was judged. Write the value out. In an annotation, where text is for people, a $ is left alone on an object that is annotated with kustomize.toolkit.fluxcd.io/substitute: disabled."}
)

// Rules are the findings of this package.
var Rules = []*diag.Rule{notJudged, actsOnDeployers, refusedName, replacedText}
