package overlays

import "portcullis.dev/policies/diag"

var (
	refusedComponent = &diag.Rule{Code: "PC018", Severity: diag.Error,
		Title: "A kustomize component that cannot be laid over the policies",
		Why:   "A component may add resources and patch what is emitted, with files of its own directory. What reaches out of it (remote bases, plugins, Helm), renames objects or moves them to another namespace would make the result depend on more than the repository, or break the names by which policies are told apart.",
		Mend:  "Keep to the fields that the message lists, and to files of the component's own directory."}
	costlyComponent = &diag.Rule{Code: "PC029", Severity: diag.Error,
		Title: "A kustomize component that costs more than it may",
		Why:   "What is rendered with components is rendered in a process of its own, which ends where it takes more than 512 MiB of memory, 300 s of CPU or 64 MiB of stack. A component may have 10,000 patches and replacements and 100,000 resources, its files and patches 1,000,000 values and 64 levels each.",
		Mend:  "Far below that lies whatever somebody writes by hand: look for a value that contains itself again and again."}
	brokenComponent = &diag.Rule{Code: "PC019", Severity: diag.Error,
		Title: "A kustomize component that does not apply",
		Why:   "kustomize refused to build a unit with the component.",
		Mend:  "The message is kustomize's own; a patch must find its target among the objects of every unit that it is laid over."}
)

// Rules are the findings of this package.
var Rules = []*diag.Rule{Unbuilt, refusedComponent, costlyComponent, brokenComponent}

// Unbuilt is the rule about kustomizations that are not built, or not in whole.
var Unbuilt = &diag.Rule{Code: "PC017", Severity: diag.Warning,
	Title: "A kustomization that is not judged",
	Why:   "What counts is what reaches the cluster. A kustomization that needs the network, Helm or plugins, or that kustomize refuses, is not built here, and what it comes to is not known. What else it lists is judged without that, as far as it can be built or read.",
	Mend:  "Render it, and judge its output: kustomize build DIR | portcullis check -."}
