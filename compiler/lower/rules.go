package lower

import "portcullis.dev/policies/diag"

var inexpressible = &diag.Rule{Code: "PC150", Severity: diag.Error,
	Title: "Something that no policy can hold",
	Why:   "The APIs limit what one object holds: a selector of Calico has at most 1024 characters. Lists are shared out over several objects or rules; the message names what cannot be divided.",
	Mend:  "Give what is meant a label of its own, and name that."}

// Rules are the findings of this package.
var Rules = []*diag.Rule{inexpressible}
