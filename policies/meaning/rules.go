package meaning

import "portcullis.dev/policies/diag"

var (
	badSelector = &diag.Rule{Code: "PC020", Severity: diag.Error,
		Title: "A selector does not parse",
		Why:   "Calico drops a policy with a selector that it cannot read, or drops the part and selects more.",
		Mend:  "Mend the selector at the offset; values stand in quotes, comparison is ==, and nothing may break the line."}
	badCIDR = &diag.Rule{Code: "PC021", Severity: diag.Error,
		Title: "An address range is not valid",
		Why:   "A range that cannot be read is left out of its rule, and a rule without ranges matches every address.",
		Mend:  "Write the network in canonical form, e.g. 10.0.0.0/8: no host bits, no leading zeros, one family in one rule."}
	badPort = &diag.Rule{Code: "PC022", Severity: diag.Error,
		Title: "A port or protocol is not valid",
		Why:   "Calico refuses the policy, or drops it where nothing checks it at admission.",
		Mend:  "Ports are 1 to 65535, ranges of Calico are first:last, and need protocol TCP, UDP or SCTP."}
	badAction = &diag.Rule{Code: "PC023", Severity: diag.Error,
		Title: "An action, type or hint is not valid",
		Why:   "Actions are Allow, Deny, Log and Pass; types are Ingress and Egress, each at most once.",
		Mend:  "Spelling and case count."}
	notEvaluated = &diag.Rule{Code: "PC024", Severity: diag.Warning,
		Title: "A field that verdicts do not take into account",
		Why:   "The field changes what the policy does in a way that is not evaluated here; the message says what is assumed instead.",
		Mend:  "Take the field away, or judge by hand what it changes."}
	badName = &diag.Rule{Code: "PC025", Severity: diag.Error,
		Title: "A name, tier or label that Calico or the API server refuses",
		Why:   "Names of policies and tiers follow rules of their own, and until Calico 3.31 the name of a policy decides its tier.",
		Mend:  "Name a policy of a tier t as t.<label>, and one of tier default without a dot; other names are DNS subdomains."}
	contradiction = &diag.Rule{Code: "PC026", Severity: diag.Error,
		Title: "Fields that do not go together",
		Why:   "The object is refused, because one field excludes or requires another.",
		Mend:  "The message names both: remove the one, or add the other."}
	matchesNothing = &diag.Rule{Code: "PC027", Severity: diag.Warning,
		Title: "A rule that never matches",
		Why:   "The rule is valid and has no effect.",
		Mend:  "Remove it, or write what it was meant to match."}
	hostBits = &diag.Rule{Code: "PC028", Severity: diag.Warning,
		Title: "An address range with host bits",
		Why:   "Up to 1.35 Kubernetes takes the range and reads it as its network, which is more than the address that is written; from 1.36 on it refuses the policy.",
		Mend:  "Write the network."}
	outOfBounds = &diag.Rule{Code: "PC035", Severity: diag.Error,
		Title: "More, or less, than the API server takes",
		Why:   "An object that is out of its API's bounds is refused, and what it was to decide is left to others.",
		Mend:  "Write several policies or rules, or fewer."}
)

// Rules are the findings of this package.
var Rules = []*diag.Rule{badSelector, badCIDR, badPort, badAction, notEvaluated, badName, contradiction, matchesNothing, hostBits, outOfBounds}
