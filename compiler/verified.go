package compiler

import (
	"context"
	"time"

	"portcullis.dev/compiler/bundle"
	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
)

// Verify judges by the rules, once more and beside nothing but itself, what a bundle deploys.
// The files have to be those that its index lists: then what its build accepted is known, and
// is no more than that. A rule that found nothing but what was waived is still waived until
// the last of its waivers ends, and one that found what did not stop the build does not stop
// whoever deploys it. The proof is not repeated, for the bundle does not say what was meant.
func (o Options) Verify(ctx context.Context, files []language.File, index bundle.Index) (*Built, error) {
	built, err := o.Check(ctx, files, nil)
	if err != nil {
		return nil, err
	}
	accepted := map[string]bundle.Waiver{}
	for _, w := range index.Waivers {
		if w.Expires >= accepted[w.Rule].Expires && (o.EffectiveTime.IsZero() || o.EffectiveTime.UTC().Format(time.DateOnly) <= w.Expires) {
			accepted[w.Rule] = w
		}
	}
	stood := map[string]bool{}
	for _, code := range index.Rules.Found {
		stood[code] = !index.Unverified
	}
	for i := range built.Report.Findings {
		d := &built.Report.Findings[i]
		switch w, waived := accepted[d.Rule.Code]; {
		case waived:
			d.WaivedBy, d.WaivedUntil = w.Name, w.Expires
		case stood[d.Rule.Code]:
			d.Severity = min(d.Severity, diag.Warning)
		}
	}
	return built, nil
}
