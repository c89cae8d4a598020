package diag

import (
	"fmt"
	"strings"
)

// Survey says what a run looked at, and what it left unjudged: a report without findings says
// little of a directory of which nothing was judged.
type Survey struct {
	Workloads    int
	Policies     int
	Namespaces   int
	Environments int         // 0 where there is no notion of them
	NotJudged    []NotJudged // in the order in which they are told
}

// NotJudged is what was passed over for one reason.
type NotJudged struct {
	Reason   string   `json:"reason"` // what it is, in the plural
	Count    int      `json:"count"`
	Means    string   `json:"means,omitempty"`    // what follows from it, in a few words
	Examples []string `json:"examples,omitempty"` // files or objects, sorted
	Help     string   `json:"help,omitempty"`     // how to have it judged
}

// Text counts, for the survey, what was passed over for one reason.
func (n NotJudged) Text() string {
	reason := n.Reason
	if n.Count == 1 {
		reason = singular(reason)
	}
	text := fmt.Sprintf("%d %s", n.Count, reason)
	if n.Means != "" {
		text += ": " + n.Means
	}
	return text
}

// singular turns the noun that a reason of the survey begins with, and the verb behind it, for
// what was passed over once.
func singular(reason string) string {
	if reason == "files that are no manifests" {
		return "file that is no manifest"
	}
	for _, noun := range []string{"file", "manifest", "object", "namespace", "workload", "intent", "kustomization", "Kustomization", "Application", "ApplicationSet"} {
		rest, is := strings.CutPrefix(reason, noun+"s")
		if !is || rest != "" && rest[0] != ' ' {
			continue
		}
		for _, verb := range [][2]string{{" that are ", " that is "}, {" that decide ", " that decides "}} {
			if tail, is := strings.CutPrefix(rest, verb[0]); is {
				return noun + verb[1] + tail
			}
		}
		return noun + rest
	}
	if kind, rest, of := strings.Cut(reason, " objects of "); of {
		return kind + " object of " + rest
	}
	return strings.TrimSuffix(reason, "s")
}
