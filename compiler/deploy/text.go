package deploy

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/yamltext"
)

// Flux replaces variables in each object unless a label or annotation of its own says no
// (fluxcd/pkg/kustomize, SubstituteVariables). Whoever says so needs no name: it leaves the
// object as it is.
const (
	substitute = "kustomize.toolkit.fluxcd.io/substitute"
	disabled   = "disabled"
)

// replaced is what Flux's substitution changes: variables, and dollars that are written
// twice (fluxcd/pkg/envsubst).
var replaced = regexp.MustCompile(`\$\{|\$\$`)

// forPeople are the places of a policy where text decides nothing.
var forPeople = regexp.MustCompile(`^/metadata/annotations/[^/]*$|^/spec/(ingress|egress)/[0-9]+/metadata/annotations/[^/]*$`)

// substitutions refuses text that is not what will be applied. Of an object that is not
// judged, text for people is its author's own, and so is all of it where Flux leaves the
// object alone.
func (v *vetting) substitutions(judged bool) {
	if !bytes.ContainsRune(v.object.JSON, '$') {
		return
	}
	guarded := v.Labels[substitute] == disabled || v.Annotations[substitute] == disabled
	if guarded && !judged {
		return
	}
	v.text(v.manifest, "", guarded || !judged)
}

// text looks at every text of a value, and of what is in it, for what would be replaced before it
// is applied.
func (v *vetting) text(value any, pointer string, guarded bool) {
	switch value := value.(type) {
	case map[string]any:
		for _, k := range diag.SortedKeys(value) {
			below := pointer + object.Pointer(k)
			if replaced.MatchString(k) {
				v.refuseText(below, k)
				continue
			}
			v.text(value[k], below, guarded)
		}
	case []any:
		for i := range value {
			v.text(value[i], pointer+"/"+strconv.Itoa(i), guarded)
		}
	case string:
		switch {
		case !forPeople.MatchString(pointer) && replaced.MatchString(value):
			v.refuseText(pointer, value)
		case forPeople.MatchString(pointer) && !guarded && strings.Contains(value, "$"):
			v.add(replacedText.On(diag.Subject{Object: v.object.ID, Pointer: pointer}, "the text %q of %s holds a $, which Flux may replace", quoted(value), v.object.ID).
				Because("Flux's post-build substitution reads every object, and what it makes of a text is not what was judged").
				Suggest("annotate the object with %s, or write the text without it", yamltext.Line(yamltext.Field{Key: substitute, Value: disabled})), value, "$")
		}
	}
}

// refuseText refuses a text of which Flux replaces a part.
func (v *vetting) refuseText(pointer, text string) {
	v.add(replacedText.On(diag.Subject{Object: v.object.ID, Pointer: pointer}, "Flux replaces a part of %q in %s", quoted(text), v.object.ID).
		Because("its post-build substitution changes ${…} and $$ after the proof: what runs is not what was judged").
		Suggest("write the value out"), text, replaced.FindString(text))
}
