package report

import (
	"bufio"
	"cmp"
	"strings"

	"portcullis.dev/policies/diag"
)

var gitlabFormat = Format{
	Name:        "gitlab",
	Description: "for GitLab's code quality: what stands of the findings, in the lines of a merge request",
	write:       writeGitLab,
}

// gitlabIssue is one entry of a code quality report, with the fields that GitLab reads.
type gitlabIssue struct {
	Description string         `json:"description"`
	CheckName   string         `json:"check_name"`
	Fingerprint string         `json:"fingerprint"`
	Severity    string         `json:"severity"`
	Location    gitlabLocation `json:"location"`
}

type gitlabLocation struct {
	Path  string      `json:"path"`
	Lines gitlabLines `json:"lines"`
}

type gitlabLines struct {
	Begin int32 `json:"begin"`
	End   int32 `json:"end,omitempty"`
}

var gitlabSeverities = map[diag.Severity]string{diag.Error: "critical", diag.Warning: "minor", diag.Info: "info"}

// writeGitLab writes an array, for GitLab refuses anything else. A finding without a place is one
// of the repository: GitLab drops an entry without a path.
func writeGitLab(w *bufio.Writer, r diag.Report, o Options) error {
	standing, _ := split(o.Narrow.of(r.Findings))
	places := newPlaces(r)
	issues := []gitlabIssue{}
	for _, d := range standing {
		at := places.of(d.Span)
		issues = append(issues, gitlabIssue{
			Description: joined(d, " · "), CheckName: terminal(d.Rule.Code), Fingerprint: d.Fingerprint, Severity: gitlabSeverities[d.Severity],
			Location: gitlabLocation{cmp.Or(strings.TrimPrefix(at.file, "./"), mainFile), gitlabLines{at.start.Line, at.end.Line}},
		})
	}
	return writeDocument(w, issues)
}
