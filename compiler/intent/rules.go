package intent

import (
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
)

func rule(code, title, help string) *diag.Rule {
	return &diag.Rule{Code: code, Title: title, Help: help, Severity: diag.Error}
}

func warning(code, title, help string) *diag.Rule {
	return &diag.Rule{Code: code, Title: title, Help: help, Severity: diag.Warning}
}

// Mistakes of spelling and shape.
var (
	unknownField = rule("PC002", "An unknown field",
		"Portcullis' own kinds are read strictly: a misspelt field would otherwise be a line that silently does nothing. Use one of the fields that the message lists.")
	wrongType = rule("PC004", "A value of another type",
		"The message says what belongs here. YAML reads unquoted true, 8080 or 2026-12-31 as a boolean, a number or a date: where a name or a label's value is wanted, quote it.")
	notInLanguage = rule("PC005", "YAML that the intent language does not have",
		"Anchors, aliases, merge keys and tags make a text mean something that is not on the line a reviewer sees. Write the value out.")
	limitExceeded = rule("PC006", "Larger than the limits",
		"The limits keep a hostile file from exhausting the machine that judges it: 64 levels and 1,000,000 values a document, 10,000 values a list, 10,000 lines an intent, 20,000 intents a namespace, 200,000 intents and 1,000,000 lines in all, which mean no more than 2,000,000 pairs of ends. Split the file, or say in one line what many have in common.")
	unreadable = rule("PC007", "A file that cannot be read as text",
		"Files are read as UTF-8 and without control characters, so that what a reviewer sees is what is compiled. A file of which that is not so, where an intent, a part of the Platform, a rule or a component's file may lie, would be left out in silence.")
	missingField = rule("PC008", "A required field is missing",
		"The field has no default because every default would be a guess about who may talk to whom.")
	wrongKind = rule("PC009", "A document of another kind",
		"A file with one document of "+plan.Group+" holds nothing else: other manifests beside it would not be read.")
)

// Mistakes of meaning.
var (
	unknownWorkload = rule("PC101", "An unknown workload",
		"Names resolve to intents. A workload from elsewhere (a Helm chart, another repository) needs an intent of its own; pods without one are reached by label.")
	unknownNamespace = rule("PC102", "An unknown namespace",
		"Where the Platform lists namespaces, the list is complete: a misspelt namespace would otherwise be a policy that selects nothing.")
	unknownPort = rule("PC103", "A port that the destination does not declare",
		"Policy sees the pod's own port, after a Service has translated its own. A flow may name only ports that the destination's intent declares.")
	unknownPeer = rule("PC104", "An unknown @name",
		"The Platform's peers are the only names for addresses outside the cluster.")
	unknownEnvironment = rule("PC105", "An unknown environment",
		"Environments and their groups are declared by the Platform.")
	badAddress = rule("PC106", "An address or CIDR that is not canonical",
		"An API server, Calico and a reader must read the same addresses. Host bits and leading zeros are read differently by different programs, once as octal.")
	badPort = rule("PC107", "A port that cannot be read",
		"A port is 8080 (TCP), 53/udp, 3868/sctp, 8000-8100, or a name that the destination declares; any is everything.")
	badName = rule("PC108", "A name that Kubernetes does not accept",
		"Names are DNS labels: at most 63 characters, lower-case letters, digits and dashes, beginning and ending with a letter or digit. Labels follow Kubernetes' syntax of labels.")
	badPeer = rule("PC109", "A peer that cannot be read",
		"A peer is a workload (cart, payments/ledger), a set (payments/*, \"*/*\"), a selector, {cidr, except}, or an @name of the Platform.")
	workloadTwice = rule("PC110", "The same workload is described twice",
		"An intent is the one place where a reader finds what a workload may do.")
	oneSided = rule("PC111", "A flow across namespaces that the other side has not accepted",
		"Across namespaces the callee's team must agree (handshake: callee), or both teams (handshake: both).")
	neverExists = rule("PC112", "A line that exists in no environment",
		"A flow exists in an environment if its line, both workloads and both namespaces do.")
	overlapsCluster = rule("PC113", "Addresses of the cluster written as outside addresses",
		"An ipBlock that covers pods opens them whoever they are, and a Service's address is never seen by policy, which runs after it is translated. Name the pods instead.")
	needsCalico = rule("PC114", "Something that Kubernetes' own policies cannot express",
		"The environment's targets leave Calico out. Add calico to them, or say the same without it.")
	missingFact = rule("PC115", "The Platform does not say something that is needed",
		"What differs by cluster must be said for each cluster: a guess would be wrong in one of them. And where teams are kept to directories of theirs, it must be said which are not theirs.")
	platformCount = rule("PC116", "There is no Platform",
		"The Platform describes the clusters; without one, nothing an intent says has a meaning.")
	guarded = rule("PC117", "A line that a guardrail denies",
		"Guardrails win over every intent, so the line would never carry traffic.")
	notYours = rule("PC118", "An @name that this intent may not use",
		"The Platform restricts who may name it, by usedBy.")
	reserved = rule("PC119", "A name that means something else already",
		"Names share one space where a reader could not tell them apart.")
	setCannotAccept = rule("PC120", "A set of pods in another namespace as destination",
		"A set has no intent in which its owners could accept the flow.")
	badDate = rule("PC122", "A day that cannot be read",
		"Days are written as 2026-12-31, and end when the day does, UTC.")
	badPath = rule("PC123", "A path that leads out of the repository",
		"Paths are relative to the directory of "+PlatformFile+" and stay below it: what is outside is not under the same review.")
	badTest = rule("PC124", "A test that cannot be read",
		"A test is SOURCE -> DESTINATION[:PORT] allow|deny [in ENVIRONMENT, …]. One that cannot be read would be one that never fails.")
	wrongPlace = rule("PC125", "A document where its authors may not write",
		"The Platform says where the intents of a namespace, waivers and further parts of itself may lie, so that the reviewers of a directory see everything that concerns them.")
	saidTwice = rule("PC126", "The Platform says something twice",
		"Which of the two holds would depend on the order in which they are read.")
	badStage = rule("PC127", "An order that does not keep the bands of policies apart",
		"Calico evaluates the policies of a tier by their orders. At equal ones names decide, and differently so from one release to the next.")
	notBoth = rule("PC128", "Two fields that exclude each other",
		"Each of the two says the same thing in another way; which of them holds would be a guess.")
	onlyNegates = warning("PC129", "A selector that only negates",
		"It selects whatever lacks some labels, also pods that nobody thought of.")
	sharedPods = warning("PC130", "Two owners' intents select the same pods",
		"Flows add up, so each owner opens the other's pods without being asked.")
	oldCalico = warning("PC131", "A release of Calico that policies are not emitted for",
		"Tie-breaks, defaults and validation differ between releases, and only the listed ones were tried.")
	noEffect = warning("PC132", "Something that has no effect",
		"It reads as a protection and is none.")
	// Unanswerable is for whoever answers questions about flows.
	Unanswerable = rule("PC133", "A question about a flow that cannot be answered",
		"A question names two ends that are known, and one packet between them or, on the command line, all of them. What is misspelt would otherwise be answered about somebody else.")
	nothing = rule("PC121", "Nothing to compile",
		"An empty result would remove every policy from a cluster that prunes.")
)

// Rules are the findings of this package.
var Rules = []*diag.Rule{
	unknownField, wrongType, notInLanguage, limitExceeded, unreadable, missingField, wrongKind,
	unknownWorkload, unknownNamespace, unknownPort, unknownPeer, unknownEnvironment, badAddress, badPort, badName, badPeer,
	workloadTwice, oneSided, neverExists, overlapsCluster, needsCalico, missingFact, platformCount, guarded, notYours,
	reserved, setCannotAccept, nothing, badDate, badPath, badTest, wrongPlace, saidTwice, badStage, notBoth,
	onlyNegates, sharedPods, oldCalico, noEffect, Unanswerable,
}
