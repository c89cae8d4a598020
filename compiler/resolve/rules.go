package resolve

import (
	"portcullis.dev/policies/diag"
)

var (
	unknownWorkload = &diag.Rule{Code: "PC101", Severity: diag.Error,
		Title: "An unknown workload",
		Why:   "Names resolve to intents.",
		Mend:  "A workload from elsewhere (a Helm chart, another repository) needs an intent of its own; pods without one are reached by label."}
	unknownNamespace = &diag.Rule{Code: "PC102", Severity: diag.Error,
		Title: "An unknown namespace",
		Why:   "Where the Platform lists namespaces, the list is complete: a misspelt namespace would otherwise be a policy that selects nothing.",
		Mend:  "Spell the namespace as the Platform does, or list it there."}
	unknownPort = &diag.Rule{Code: "PC103", Severity: diag.Error,
		Title: "A port that the destination does not declare",
		Why:   "Policy sees the pod's own port, after a Service has translated its own.",
		Mend:  "A flow may name only ports that the destination's intent declares."}
	unknownPeer = &diag.Rule{Code: "PC104", Severity: diag.Error,
		Title: "An unknown @name",
		Why:   "The Platform's peers are the only names for addresses outside the cluster.",
		Mend:  "Use one of them, or have the Platform declare it under peers."}
	unknownEnvironment = &diag.Rule{Code: "PC105", Severity: diag.Error,
		Title: "An unknown environment",
		Why:   "Environments and their groups are declared by the Platform.",
		Mend:  "Use one of those, or declare it there."}
	workloadTwice = &diag.Rule{Code: "PC110", Severity: diag.Error,
		Title: "The same workload is described twice",
		Why:   "An intent is the one place where a reader finds what a workload may do.",
		Mend:  "Join the two, or correct the name of one."}
	oneSided = &diag.Rule{Code: "PC111", Severity: diag.Error,
		Title: "A flow across namespaces that the other side has not accepted",
		Why:   "Across namespaces the callee's team must agree (handshake: callee), or both teams (handshake: both).",
		Mend:  "Have the other team write its line: the message shows it."}
	neverExists = &diag.Rule{Code: "PC112", Severity: diag.Error,
		Title: "A line that exists in no environment",
		Why:   "A flow exists in an environment if its line, both workloads and both namespaces do.",
		Mend:  "Name an environment in which all of them are, or remove the line."}
	overlapsCluster = &diag.Rule{Code: "PC113", Severity: diag.Error,
		Title: "Addresses of the cluster written as outside addresses",
		Why:   "An ipBlock that covers pods opens them whoever they are, and a Service's address is never seen by policy, which runs after it is translated.",
		Mend:  "Name the pods instead."}
	needsCalico = &diag.Rule{Code: "PC114", Severity: diag.Error,
		Title: "Something that Kubernetes' own policies cannot express",
		Why:   "The environment's targets leave Calico out.",
		Mend:  "Add calico to them, or say the same without it."}
	missingFact = &diag.Rule{Code: "PC115", Severity: diag.Error,
		Title: "The Platform does not say something that is needed",
		Why:   "What differs by cluster must be said for each cluster: a guess would be wrong in one of them. And where teams are kept to directories of theirs, it must be said which are not theirs.",
		Mend:  "Write what the message names into the Platform."}
	guarded = &diag.Rule{Code: "PC117", Severity: diag.Error,
		Title: "A line that a guardrail denies",
		Why:   "Guardrails win over every intent, so the line would never carry traffic.",
		Mend:  "Remove the line, or have the owners of the guardrail exempt the workload."}
	notYours = &diag.Rule{Code: "PC118", Severity: diag.Error,
		Title: "An @name that this intent may not use",
		Why:   "The Platform restricts who may name it, by usedBy.",
		Mend:  "Ask the owners of the Platform, or name something else."}
	setCannotAccept = &diag.Rule{Code: "PC120", Severity: diag.Error,
		Title: "A set of pods in another namespace as destination",
		Why:   "A set has no intent in which its owners could accept the flow.",
		Mend:  "Name a workload, whose intent can."}
	nothing = &diag.Rule{Code: "PC121", Severity: diag.Error,
		Title: "Nothing to compile",
		Why:   "An empty result would remove every policy from a cluster that prunes.",
		Mend:  "Write a NetworkIntent for each workload."}
	badStage = &diag.Rule{Code: "PC127", Severity: diag.Error,
		Title: "An order that does not keep the bands of policies apart",
		Why:   "Calico evaluates the policies of a tier by their orders. At equal ones names decide, and differently so from one release to the next.",
		Mend:  "Choose an order that is free, where the message says."}
	notBoth = &diag.Rule{Code: "PC128", Severity: diag.Error,
		Title: "Two fields that exclude each other",
		Why:   "Each of the two says the same thing in another way; which of them holds would be a guess.",
		Mend:  "Keep one of them."}
	onlyNegates = &diag.Rule{Code: "PC129", Severity: diag.Warning,
		Title: "A selector that only negates",
		Why:   "It selects whatever lacks some labels, also pods that nobody thought of.",
		Mend:  "Add a label that they do have."}
	sharedPods = &diag.Rule{Code: "PC130", Severity: diag.Warning,
		Title: "Two owners' intents select the same pods",
		Why:   "Flows add up, so each owner opens the other's pods without being asked.",
		Mend:  "Make the selectors exclude each other, or join the intents."}
	oldCalico = &diag.Rule{Code: "PC131", Severity: diag.Warning,
		Title: "A release of Calico that policies are not emitted for",
		Why:   "Tie-breaks, defaults and validation differ between releases, and only the listed ones were tried.",
		Mend:  "Upgrade Calico, or try the policies in a cluster with that release before they are needed."}
	noEffect = &diag.Rule{Code: "PC132", Severity: diag.Warning,
		Title: "Something that has no effect",
		Why:   "It reads as a protection and is none.",
		Mend:  "Write what it was meant to protect, or remove it."}
)

// Rules are the findings of this package.
var Rules = []*diag.Rule{
	unknownWorkload, unknownNamespace, unknownPort, unknownPeer, unknownEnvironment, workloadTwice, oneSided, neverExists,
	overlapsCluster, needsCalico, missingFact, guarded, notYours, setCannotAccept, nothing, badStage,
	notBoth, onlyNegates, sharedPods, oldCalico, noEffect,
}
