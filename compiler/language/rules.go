package language

import (
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
)

// Mistakes of spelling and shape. Those that are exported are found as well by those who
// give a document its meaning.
var (
	unknownField = &diag.Rule{Code: "PC002", Severity: diag.Error,
		Title: "An unknown field",
		Why:   "Portcullis' own kinds are read strictly: a misspelt field would otherwise be a line that silently does nothing.",
		Mend:  "Use one of the fields that the message lists."}
	WrongType = &diag.Rule{Code: "PC004", Severity: diag.Error,
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
	MissingField = &diag.Rule{Code: "PC008", Severity: diag.Error,
		Title: "A required field is missing",
		Why:   "The field has no default because every default would be a guess about who may talk to whom.",
		Mend:  "Write the field that the message names."}
	wrongKind = &diag.Rule{Code: "PC009", Severity: diag.Error,
		Title: "A document of another kind",
		Why:   "A file with one document of " + plan.Group + " holds nothing else: other manifests beside it would not be read.",
		Mend:  "Give the other documents a file of their own."}
)

// Words that do not mean what they should, and documents that do not fit together.
var (
	BadAddress = &diag.Rule{Code: "PC106", Severity: diag.Error,
		Title: "An address or CIDR that is not canonical",
		Why:   "An API server, Calico and a reader must read the same addresses. Host bits and leading zeros are read differently by different programs, once as octal.",
		Mend:  "Write the form that the message shows."}
	BadPort = &diag.Rule{Code: "PC107", Severity: diag.Error,
		Title: "A port that cannot be read",
		Why:   "A port that is guessed at would open another one.",
		Mend:  "A port is 8080 (TCP), 53/udp, 3868/sctp, 8000-8100, or a name that the destination declares; any is everything."}
	BadName = &diag.Rule{Code: "PC108", Severity: diag.Error,
		Title: "A name that Kubernetes does not accept",
		Why:   "Kubernetes refuses an object whose name or label is not in its syntax.",
		Mend:  "Names are DNS labels: at most 63 characters, lower-case letters, digits and dashes, beginning and ending with a letter or digit. Labels follow Kubernetes' syntax of labels."}
	BadPeer = &diag.Rule{Code: "PC109", Severity: diag.Error,
		Title: "A peer that cannot be read",
		Why:   "Whom a line lets in must be read by everybody in the same way.",
		Mend:  "A peer is a workload (cart, payments/ledger), a set (payments/*, \"*/*\"), a selector, {cidr, except}, or an @name of the Platform."}
	// NoPlatform is the finding of a repository, or of whoever names a file, without a Platform.
	NoPlatform = &diag.Rule{Code: "PC116", Severity: diag.Error,
		Title: "There is no Platform",
		Why:   "The Platform describes the clusters; without one, nothing an intent says has a meaning.",
		Mend:  "Write one; portcullis init begins a repository with an example."}
	Reserved = &diag.Rule{Code: "PC119", Severity: diag.Error,
		Title: "A name that means something else already",
		Why:   "Names share one space where a reader could not tell them apart.",
		Mend:  "Choose another name."}
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
	WrongPlace = &diag.Rule{Code: "PC125", Severity: diag.Error,
		Title: "A document where its authors may not write",
		Why:   "The Platform says where the intents of a namespace, waivers and further parts of itself may lie, so that the reviewers of a directory see everything that concerns them.",
		Mend:  "Move the document, or have the Platform name its directory."}
	SaidTwice = &diag.Rule{Code: "PC126", Severity: diag.Error,
		Title: "The Platform says something twice",
		Why:   "Which of the two holds would depend on the order in which they are read.",
		Mend:  "Remove one of them."}
	// Unanswerable is for whoever answers questions about flows.
	Unanswerable = &diag.Rule{Code: "PC133", Severity: diag.Error,
		Title: "A question about a flow that cannot be answered",
		Why:   "A question names two ends that are known, and one packet between them or, on the command line, all of them. What is misspelt would otherwise be answered about somebody else.",
		Mend:  "Spell the ends as the repository does, with one port that the destination declares."}
)

// Rules are the findings of this package.
var Rules = []*diag.Rule{
	unknownField, WrongType, notInLanguage, limitExceeded, unreadable, MissingField, wrongKind,
	BadAddress, BadPort, BadName, BadPeer, NoPlatform, Reserved,
	badDate, badPath, badTest, WrongPlace, SaidTwice, Unanswerable,
}
