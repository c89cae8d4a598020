package deploy

import "portcullis.dev/policies/diag"

var (
	notJudged = &diag.Rule{Code: "PC040", Severity: diag.Error,
		Title: "A component brings what the proof does not judge",
		Why:   "A component may bring the policies that the proof models, their tiers and their network sets. Whatever else it brings may act on traffic or on the program that enforces policies, and is deployed without a judgement: the Platform names such kinds for the component (kinds), or they are deployed apart. Host endpoints and the policies for them (applyOnForward, preDNAT, doNotTrack) decide traffic in a way that is not modelled, and cannot be named.",
		Mend:  "Name the kind at the component, or deploy the object apart."}
	actsOnDeployers = &diag.Rule{Code: "PC041", Severity: diag.Error,
		Title: "Metadata that decides whether a policy is deployed",
		Why:   "On a policy, metadata is its name, its namespace, labels and annotations. An owner, a finalizer or a hook decides whether the policy is applied and how long it stays, and no proof sees that. Labels and annotations that deployers act on pass where the Platform names them with their value for the component (labels, annotations); what keeps a policy from being applied never passes. Those that the build wrote are neither changed nor taken away.",
		Mend:  "Name the label or the annotation at the component, with its value, or remove it."}
	refusedName = &diag.Rule{Code: "PC042", Severity: diag.Error,
		Title: "A name that the API server refuses",
		Why:   "An object that the API server refuses is not deployed, and what it was to close stays open.",
		Mend:  "Names are lower-case letters, digits, dashes and dots, those of namespaces have no dots, and keys and values of labels follow rules of their own."}
	replacedText = &diag.Rule{Code: "PC043", Severity: diag.Error,
		Title: "Text that a deployer replaces",
		Why:   "Flux's post-build substitution replaces ${…} and $$ in every object after it was proved, so that another policy runs than the one that was judged.",
		Mend:  "Write the value out. In an annotation, where text is for people, a $ is left alone on an object that is annotated with kustomize.toolkit.fluxcd.io/substitute: disabled."}
)

// Rules are the findings of this package.
var Rules = []*diag.Rule{notJudged, actsOnDeployers, refusedName, replacedText}
