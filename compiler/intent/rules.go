package intent

import (
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
)

// Mistakes of spelling and shape.
var (
	unknownField = &diag.Rule{Code: "PC002", Severity: diag.Error,
		Title: "An unknown field",
		Why:   "Portcullis' own kinds are read strictly: a misspelt field would otherwise be a line that silently does nothing.",
		Mend:  "Use one of the fields that the message lists."}
	wrongType = &diag.Rule{Code: "PC004", Severity: diag.Error,
		Title: "A value of another type",
		Why:   "YAML reads unquoted true, 8080 or 2026-12-31 as a boolean, a number or a date.",
		Mend:  "Write what the message says belongs here; where a name or a label's value is wanted, quote it."}
	notInLanguage = &diag.Rule{Code: "PC005", Severity: diag.Error,
		Title: "YAML that the intent language does not have",
		Why:   "Anchors, aliases, merge keys and tags make a text mean something that is not on the line a reviewer sees.",
		Mend:  "Write the value out."}
	limitExceeded = &diag.Rule{Code: "PC006", Severity: diag.Error,
		Title: "Larger than the limits",
		Why:   "The limits keep a hostile file from exhausting the machine that judges it: 64 levels and 1,000,000 values a document, 10,000 values a list, 10,000 lines an intent, 20,000 intents a namespace, 200,000 intents and 1,000,000 lines in all, which mean no more than 2,000,000 pairs of ends.",
		Mend:  "Split the file, or say in one line what many have in common."}
	unreadable = &diag.Rule{Code: "PC007", Severity: diag.Error,
		Title: "A file that cannot be read as text",
		Why:   "Files are read as UTF-8 and without control characters, so that what a reviewer sees is what is compiled. A file of which that is not so, where an intent, a part of the Platform, a rule or a component's file may lie, would be left out in silence.",
		Mend:  "Save the file as UTF-8 without control characters, or keep it where nothing of ours may lie."}
	missingField = &diag.Rule{Code: "PC008", Severity: diag.Error,
		Title: "A required field is missing",
		Why:   "The field has no default because every default would be a guess about who may talk to whom.",
		Mend:  "Write the field that the message names."}
	wrongKind = &diag.Rule{Code: "PC009", Severity: diag.Error,
		Title: "A document of another kind",
		Why:   "A file with one document of " + plan.Group + " holds nothing else: other manifests beside it would not be read.",
		Mend:  "Give the other documents a file of their own."}
)

// Mistakes of meaning.
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
	badAddress = &diag.Rule{Code: "PC106", Severity: diag.Error,
		Title: "An address or CIDR that is not canonical",
		Why:   "An API server, Calico and a reader must read the same addresses. Host bits and leading zeros are read differently by different programs, once as octal.",
		Mend:  "Write the form that the message shows."}
	badPort = &diag.Rule{Code: "PC107", Severity: diag.Error,
		Title: "A port that cannot be read",
		Why:   "A port that is guessed at would open another one.",
		Mend:  "A port is 8080 (TCP), 53/udp, 3868/sctp, 8000-8100, or a name that the destination declares; any is everything."}
	badName = &diag.Rule{Code: "PC108", Severity: diag.Error,
		Title: "A name that Kubernetes does not accept",
		Why:   "Kubernetes refuses an object whose name or label is not in its syntax.",
		Mend:  "Names are DNS labels: at most 63 characters, lower-case letters, digits and dashes, beginning and ending with a letter or digit. Labels follow Kubernetes' syntax of labels."}
	badPeer = &diag.Rule{Code: "PC109", Severity: diag.Error,
		Title: "A peer that cannot be read",
		Why:   "Whom a line lets in must be read by everybody in the same way.",
		Mend:  "A peer is a workload (cart, payments/ledger), a set (payments/*, \"*/*\"), a selector, {cidr, except}, or an @name of the Platform."}
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
	platformCount = &diag.Rule{Code: "PC116", Severity: diag.Error,
		Title: "There is no Platform",
		Why:   "The Platform describes the clusters; without one, nothing an intent says has a meaning.",
		Mend:  "Write one; portcullis init begins a repository with an example."}
	guarded = &diag.Rule{Code: "PC117", Severity: diag.Error,
		Title: "A line that a guardrail denies",
		Why:   "Guardrails win over every intent, so the line would never carry traffic.",
		Mend:  "Remove the line, or have the owners of the guardrail exempt the workload."}
	notYours = &diag.Rule{Code: "PC118", Severity: diag.Error,
		Title: "An @name that this intent may not use",
		Why:   "The Platform restricts who may name it, by usedBy.",
		Mend:  "Ask the owners of the Platform, or name something else."}
	reserved = &diag.Rule{Code: "PC119", Severity: diag.Error,
		Title: "A name that means something else already",
		Why:   "Names share one space where a reader could not tell them apart.",
		Mend:  "Choose another name."}
	setCannotAccept = &diag.Rule{Code: "PC120", Severity: diag.Error,
		Title: "A set of pods in another namespace as destination",
		Why:   "A set has no intent in which its owners could accept the flow.",
		Mend:  "Name a workload, whose intent can."}
	badDate = &diag.Rule{Code: "PC122", Severity: diag.Error,
		Title: "A day that cannot be read",
		Why:   "An exception that ends on another day than was meant is open too long.",
		Mend:  "Days are written as 2026-12-31, and end when the day does, UTC."}
	badPath = &diag.Rule{Code: "PC123", Severity: diag.Error,
		Title: "A path that leads out of the repository",
		Why:   "Paths are relative to the directory of " + PlatformFile + " and stay below it: what is outside is not under the same review.",
		Mend:  "Move what is meant below that directory."}
	badTest = &diag.Rule{Code: "PC124", Severity: diag.Error,
		Title: "A test that cannot be read",
		Why:   "A test that cannot be read would be one that never fails.",
		Mend:  "A test is SOURCE -> DESTINATION[:PORT] allow|deny [in ENVIRONMENT, …]."}
	wrongPlace = &diag.Rule{Code: "PC125", Severity: diag.Error,
		Title: "A document where its authors may not write",
		Why:   "The Platform says where the intents of a namespace, waivers and further parts of itself may lie, so that the reviewers of a directory see everything that concerns them.",
		Mend:  "Move the document, or have the Platform name its directory."}
	saidTwice = &diag.Rule{Code: "PC126", Severity: diag.Error,
		Title: "The Platform says something twice",
		Why:   "Which of the two holds would depend on the order in which they are read.",
		Mend:  "Remove one of them."}
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
	// Unanswerable is for whoever answers questions about flows.
	Unanswerable = &diag.Rule{Code: "PC133", Severity: diag.Error,
		Title: "A question about a flow that cannot be answered",
		Why:   "A question names two ends that are known, and one packet between them or, on the command line, all of them. What is misspelt would otherwise be answered about somebody else.",
		Mend:  "Spell the ends as the repository does, with one port that the destination declares."}
	nothing = &diag.Rule{Code: "PC121", Severity: diag.Error,
		Title: "Nothing to compile",
		Why:   "An empty result would remove every policy from a cluster that prunes.",
		Mend:  "Write a NetworkIntent for each workload."}
)

// Rules are the findings of this package.
var Rules = []*diag.Rule{
	unknownField, wrongType, notInLanguage, limitExceeded, unreadable, missingField, wrongKind,
	unknownWorkload, unknownNamespace, unknownPort, unknownPeer, unknownEnvironment, badAddress, badPort, badName, badPeer,
	workloadTwice, oneSided, neverExists, overlapsCluster, needsCalico, missingFact, platformCount, guarded, notYours,
	reserved, setCannotAccept, nothing, badDate, badPath, badTest, wrongPlace, saidTwice, badStage, notBoth,
	onlyNegates, sharedPods, oldCalico, noEffect, Unanswerable,
}
