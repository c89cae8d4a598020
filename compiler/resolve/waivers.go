package resolve

import (
	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
)

// mostWaiverDays is ten years: more is no exception.
const mostWaiverDays = 3650

// checkWaivers refuses waivers that would accept a rule's findings wherever they are,
// and a time for waivers that is none.
func (r *repository) checkWaivers() diag.List {
	var found diag.List
	if checks := r.Platform.Spec.Checks; checks != nil && checks.WaiverDays.Given() && (checks.WaiverDays.Value < 1 || checks.WaiverDays.Value > mostWaiverDays) {
		found = append(found, language.WrongType.At(checks.WaiverDays.Span, "expected a number of days from 1 to %d, found %d", mostWaiverDays, checks.WaiverDays.Value).
			Suggest("say for how many days a waiver may be granted; 90 unless it is given"))
	}
	for _, w := range r.Waivers {
		m := w.Spec.Match
		if !m.Span.IsZero() && !m.Intent.Given() && !m.Namespace.Given() && !m.Object.Given() {
			found = append(found, language.MissingField.At(m.Span, "intent, namespace or object is missing here").
				Because("a waiver lifts traffic that lines mean, and not a rule's findings wherever they are").
				Suggest("add the intent (namespace/name), or the namespace, whose lines mean the traffic"))
		}
	}
	return found
}
