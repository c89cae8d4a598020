package compiler

import (
	"slices"

	"portcullis.dev/compiler/baseline"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/policies/diag"
)

// Baseline tells a check of manifests what is known.
type Baseline struct {
	File  language.File // which says it; only its name, where it is to be written
	Asked []string      // the files and directories that are judged
	Write bool          // that all that is found is known from now on
}

// apply marks the findings that are known. The text is that of the baseline, where one is to be
// written and everything could be judged.
func (b *Baseline) apply(found diag.List) (marked diag.List, text []byte, err error) {
	if b.Write {
		if found.Unjudgeable() {
			return found, nil, nil
		}
		if text, err = baseline.Write(found); err != nil {
			return found, nil, err
		}
		b.File.Data = text
	}
	known, wrong := baseline.Read(b.File)
	return append(known.Mark(found, func(file string) bool {
		return slices.ContainsFunc(b.Asked, func(asked string) bool { return sources.Below(file, asked) })
	}), wrong...), text, nil
}
