package diag

// Outcome is how a test came out.
type Outcome string

// The outcomes of tests.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"  // or could not be evaluated; a finding says why
	Paused  Outcome = "paused"  // for as long as its pods are in quarantine
	Skipped Outcome = "skipped" // its author says that it is not ready
)

// Outcomes are those there are, in the order in which they are counted.
var Outcomes = []Outcome{Passed, Failed, Paused, Skipped}

// Test is something that somebody expects, and how that came out. One that came out
// in several ways is several, each in other environments.
type Test struct {
	Name         string   `json:"name"` // as written
	Outcome      Outcome  `json:"outcome"`
	Span         Span     `json:"span,omitzero"`
	Environments []string `json:"environments,omitempty"` // sorted; empty means that it holds whatever the environment
}

// Coverage is how much of a file the tests evaluate, by line. Lines without anything
// to evaluate are in neither list.
type Coverage struct {
	File    string `json:"file"`
	Covered []int  `json:"covered,omitempty"` // sorted
	Missed  []int  `json:"missed,omitempty"`  // sorted; in whole or in part
}

// Percent tells how much of a file the tests evaluate in percent, rounded down, so that a hundred
// is all of it.
func (c Coverage) Percent() int {
	if len(c.Covered)+len(c.Missed) == 0 {
		return 100
	}
	return 100 * len(c.Covered) / (len(c.Covered) + len(c.Missed))
}
