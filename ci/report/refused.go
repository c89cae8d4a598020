package report

import (
	"fmt"
	"strings"
)

// What there are formats of.
const (
	ofFindings    = "findings"
	ofAnswers     = "answers"
	ofMaps        = "a map"
	ofDifferences = "a difference"
)

// refused says of each format that one command has and another has not why that is so.
var refused = map[string]map[string]string{
	ofFindings: {
		"csv":     "json has all that findings say",
		"mermaid": "findings are no picture; portcullis map draws who reaches whom",
		"dot":     "findings are no picture; portcullis map draws who reaches whom",
	},
	ofAnswers: {
		"brief": "--brief gives the verdict alone", "csv": "json has all that answers say",
		"mermaid": "portcullis map draws who reaches whom", "dot": "portcullis map draws who reaches whom",
		"sarif": nothingFound, "sarif-github": nothingFound, "junit": nothingFound, "github": nothingFound, "gitlab": nothingFound,
	},
	ofMaps: {
		"brief": "a terminal gets namespaces where there are many lines",
		"sarif": nothingFound, "sarif-github": nothingFound, "junit": nothingFound, "github": nothingFound, "gitlab": nothingFound,
	},
	ofDifferences: {
		"brief": "its text is short", "csv": "json has all of it; portcullis map has a table of who reaches whom",
		"mermaid": "markdown has the picture of what changes; portcullis map draws all of it",
		"dot":     "markdown has the picture of what changes; portcullis map draws all of it",
	},
}

const nothingFound = "it says what is, and finds nothing; check and diff have what programs list"

// unknownFormat refuses a format that a command does not have, and says why if another has it.
func unknownFormat(of, name string, names []string) error {
	known := "expected one of " + strings.Join(names, ", ")
	if why := refused[of][name]; why != "" {
		return fmt.Errorf("%q is no format of %s, for %s: %s", name, of, why, known)
	}
	return fmt.Errorf("unknown format %q: %s", name, known)
}
