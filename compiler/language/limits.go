package language

import (
	"portcullis.dev/policies/diag"
)

// maxNodes bounds the work for one file; 10,000 intents take a tenth of it.
const maxNodes = 1_000_000

// mostFindings is how many mistakes of one document are told: a file of nothing else
// would be a report that nobody can open.
const mostFindings = 1000

// maxDepth is how deep a document may nest; the language itself needs nine.
const maxDepth = 64

// listMistakes is how many mistakes of a list are told.
const listMistakes = 100

// mostValues is how many values of one list nobody wrote by hand any more.
const mostValues = 10_000

// TooMuch refuses what is beyond a limit: more than a run takes on.
func TooMuch(span diag.Span, what, hint string) diag.Diagnostic {
	return limitExceeded.At(span, "%s", what).Because("the work of a run must end, whoever wrote what it reads").Suggest("%s", hint)
}
