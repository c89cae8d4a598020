package locate

import (
	"bytes"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// respelt makes edits of the spellings that findings about objects of a set propose: where the one
// scalar stands that says it. What was rendered is said in several places, and what is written in two
// files, or twice in one, would be mended in one of them alone.
func respelt(found diag.List, set object.Set, files []language.File) {
	for i := range found {
		d := &found[i]
		if d.Spelling == "" || len(d.Fix) > 0 {
			continue
		}
		o, known := set.Get(d.Subject.Object)
		if !known || o.Kustomization != "" {
			continue
		}
		want, _ := o.Value(d.Subject.Pointer)
		var at []diag.Span
		times := 0
		for _, f := range files {
			if !bytes.Contains(f.Data, []byte(o.ID.Name)) {
				continue
			}
			x := object.NewIndex(f.Path, f.Data)
			n := x.Count(o.ID)
			times += n
			if span, how := x.LocateValue(d.Subject, want); n == 1 && how == object.AtValue && span == d.Span {
				at = append(at, span)
			}
		}
		if times == 1 && len(at) == 1 && at[0].Start.Line == at[0].End.Line {
			*d = d.Mend(at[0], d.Spelling)
		}
	}
}
