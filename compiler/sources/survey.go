package sources

import (
	"cmp"
	"fmt"
	"slices"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// survey counts what is passed over, by the reason.
type survey map[string]*diag.NotJudged

// add counts one more file that is passed over for a reason, and returns how many there are.
func (s survey) add(reason, example, help string) int {
	n := s[reason]
	if n == nil {
		n = &diag.NotJudged{Reason: reason, Help: help}
		s[reason] = n
	}
	n.Count++
	n.Examples = append(n.Examples, example)
	return n.Count
}

// of tells what was passed over in a run over some sets, reason by reason.
func (s survey) of(sets []object.Set) diag.Survey {
	var all diag.Survey
	namespaces := map[string]bool{}
	counted := map[object.ID]bool{}
	for _, set := range sets {
		for _, o := range set.All() {
			switch {
			case o.Role == object.Unmodelled: // which is counted by its kind
				continue
			case o.ID.Kind == "Namespace":
				namespaces[o.ID.Name] = true
			case counted[o.ID]: // of several clusters
			case o.Role == object.Policy:
				all.Policies++
			case o.PodTemplate() != nil:
				all.Workloads++
			}
			counted[o.ID] = true
			if o.ID.Namespace != "" {
				namespaces[o.ID.Namespace] = true
			}
		}
	}
	all.Namespaces = len(namespaces)
	if len(sets) > 1 { // variants of one cluster
		all.Environments = len(sets)
	}
	for _, reason := range diag.SortedKeys(s) {
		n := *s[reason]
		slices.Sort(n.Examples)
		n.Examples = slices.Compact(n.Examples)
		all.NotJudged = append(all.NotJudged, n)
	}
	slices.SortStableFunc(all.NotJudged, func(a, b diag.NotJudged) int { return cmp.Compare(a.Reason, b.Reason) })
	return all
}

// counted writes a number of files in words.
func counted(files int) string {
	if files == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", files)
}
