package sources

import (
	"portcullis.dev/policies/diag"
)

var (
	refusedFile = &diag.Rule{Code: "PC014", Severity: diag.Error,
		Title: "A file that is not read",
		Why:   "Only regular files inside the directory are read, and no symbolic link is followed: a link could lead to files of somebody else. An intent in a file of JSON is not read, for intents are YAML. An intent or a rule in the directory of a bundle would be replaced by the next build. Leaving a file out would change what is compiled, so the run stops.",
		Mend:  "Put the file itself in the place of a link, an intent of JSON into a file that ends in .yaml, and what is yours outside the directory of the bundle."}
	overLimit = &diag.Rule{Code: "PC015", Severity: diag.Error,
		Title: "More input than the limits allow",
		Why:   "The limits keep a hostile tree from exhausting the machine that judges it: 8 MiB a file, 512 MiB and 200,000 files in all.",
		Mend:  "Split the file that the message names, or keep what is no input outside the directory."}
	// NothingToJudge is the finding of whoever has nothing to judge.
	NothingToJudge = &diag.Rule{Code: "PC016", Severity: diag.Error,
		Title: "Nothing to judge",
		Why:   "A green answer about nothing would be worse than none.",
		Mend:  "Name the files or directories in which the policies are."}
	unrendered = &diag.Rule{Code: "PC051", Severity: diag.Info,
		Title: "Manifests that another program renders",
		Why:   "A chart, or an object that stands for one, becomes manifests in another program. Which policies and workloads these are is not known here, and they are not judged.",
		Mend:  "Render it, and judge what comes out."}
	noOwnRules = &diag.Rule{Code: "PC509", Severity: diag.Error,
		Title: "Rules of your own that are not there",
		Why:   "The Platform names a directory of rules in checks.dir. Without a rule in it, nothing found would look like nothing wrong.",
		Mend:  "Put the rules there, or remove checks.dir. Only files that end in .rego count, and those that end in _test.rego are tests of rules."}
)

// Rules are the findings of this package.
var Rules = []*diag.Rule{refusedFile, overLimit, NothingToJudge, unrendered, noOwnRules}
