package report

import (
	"bufio"
	"slices"

	"portcullis.dev/compiler/delta"
	"portcullis.dev/policies/diag"
)

// jsonRef is a side of a difference.
type jsonRef struct {
	Ref    string `json:"ref"`
	Commit string `json:"commit,omitempty"`
	Errors int    `json:"errors,omitempty"` // by which nothing could be compared
}

// jsonSummary counts.
type jsonSummary struct {
	Opened  int            `json:"opened"`
	Closed  int            `json:"closed"`
	Unknown int            `json:"unknown"`
	Wider   int            `json:"wider"` // of the opened
	Risks   map[string]int `json:"risks"`
	Highest delta.Level    `json:"highest,omitempty"`
}

// jsonFindingNames are the fingerprints of findings that one side alone has.
type jsonFindingNames struct {
	New  []string `json:"new"`
	Gone []string `json:"gone"`
}

// writeDiffJSON writes a difference as a document with a summary, and each change on a line of
// its own.
func writeDiffJSON(w *bufio.Writer, d *delta.Diff, _ DiffOptions) error {
	summary := jsonSummary{Risks: map[string]int{}, Highest: d.Worst()}
	for i := range d.Changes {
		switch x := &d.Changes[i]; x.Sign {
		case delta.Opened:
			summary.Opened++
			if x.Was != "" {
				summary.Wider++
			}
		case delta.Closed:
			summary.Closed++
		default:
			summary.Unknown++
		}
	}
	for _, r := range d.Risks() {
		summary.Risks[r.Tag]++
	}
	names := func(l diag.List) []string {
		all := []string{}
		for _, f := range l {
			all = append(all, f.Fingerprint)
		}
		return all
	}
	list := func(all []string) []string { return append([]string{}, all...) }
	w.WriteString(`{"version": "` + trafficVersion + `", "kind": "diff"`)
	err := jsonFields(w, []jsonField{
		{"old", jsonRef{d.Old.Ref, d.Old.Commit, d.Old.Failed}}, {"new", jsonRef{d.New.Ref, d.New.Commit, d.New.Failed}},
		{"environments", list(d.Environments)}, {"groups", d.Groups}, {"added", list(d.Added)}, {"gone", list(d.Gone)},
		{"files", list(d.Files)}, {"summary", summary}, {"policies", d.Policies},
		{"findings", jsonFindingNames{names(d.NewFindings), names(d.GoneFindings)}}, {"notJudged", list(slices.Concat(d.Undecided, d.Missing))},
	})
	if err != nil {
		return err
	}
	if err := jsonLines(w, "renamed", len(d.Renamed), func(i int) any { return d.Renamed[i] }); err != nil {
		return err
	}
	if err := jsonLines(w, "governance", len(d.Governance), func(i int) any { return d.Governance[i] }); err != nil {
		return err
	}
	if err := jsonLines(w, "changes", len(d.Changes), func(i int) any { return d.Changes[i] }); err != nil {
		return err
	}
	w.WriteString("}\n")
	return nil // what a bufio.Writer could not write, its Flush tells
}
