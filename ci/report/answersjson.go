package report

import (
	"bufio"

	"portcullis.dev/compiler/explain"
)

// answersVersion is the version of the document. A field may be added within a version;
// none changes its meaning or disappears.
const answersVersion = "v1alpha1"

// writeAnswersJSON writes each warning and each answer on a line of its own: there may be
// thousands of them.
func writeAnswersJSON(w *bufio.Writer, a explain.Answers, _ explain.Detail, _ Options) error {
	w.WriteString(`{"version": "` + answersVersion + `"`)
	if len(a.Warnings) > 0 {
		err := jsonLines(w, "warnings", len(a.Warnings), func(i int) any {
			return jsonFinding{Rule: a.Warnings[i].Rule.Code, Diagnostic: a.Warnings[i]}
		})
		if err != nil {
			return err
		}
	}
	if len(a.Assumptions) > 0 {
		if err := jsonLines(w, "assumptions", len(a.Assumptions), func(i int) any { return a.Assumptions[i] }); err != nil {
			return err
		}
	}
	if err := jsonLines(w, "flows", len(a.Flows), func(i int) any { return a.Flows[i] }); err != nil {
		return err
	}
	w.WriteString("}\n")
	return nil // what a bufio.Writer could not write, its Flush tells
}
