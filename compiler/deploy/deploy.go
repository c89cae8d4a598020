// Package deploy judges what of rendered objects acts on those who deploy them, and not
// on traffic: kinds that the proof does not judge, metadata that keeps a policy from being
// applied or takes it away again, and text that is replaced after everything was judged.
//
// Its invariant: what passes here reaches the API server as it was judged, or is told as
// carried: an object, or labels and annotations of one, that the Platform names and nobody
// judges.
//
// It must not know what policies mean, nor who renders them.
package deploy

import (
	"encoding/json"
	"slices"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/yamltext"
)

// Finding is about a part of a rendered object, which its Subject names.
type Finding struct {
	diag.Diagnostic
	// Words are how a component's file may spell the part, the most telling first: a
	// patch need not have the form of the object.
	Words []string
}

// Carried is an object that is deployed and not judged or, where labels or annotations
// are given, those alone of an object that is judged otherwise.
type Carried struct {
	Object              object.ID
	Labels, Annotations map[string]string
}

// Before is what is known of an object from before it was rendered.
type Before struct {
	// Emitted is what we wrote; nil where the object is a component's own.
	Emitted func() *Metadata
	// Components are those that are laid over the object's unit.
	Components []plan.Component
	// Wrote reports whether a component may be the one that wrote one of some words: it
	// has it in its files, or none has.
	Wrote func(c plan.Component, words ...string) bool
}

// Vet judges one rendered object. The second result is nil where all of it was judged.
func Vet(o object.Object, before Before) ([]Finding, *Carried) {
	v := vetting{object: o, Before: before, Metadata: MetadataOf(o)}
	if json.Unmarshal(o.JSON, &v.manifest) != nil {
		return nil, nil // no object: whoever read it says so
	}
	switch {
	case o.Role == object.Unmodelled: // which is said by who reads it
		return nil, nil
	case o.Role != object.Policy && v.names(o.ID):
		v.substitutions(false)
		return v.found, &Carried{Object: o.ID}
	case o.Role != object.Policy || slices.Contains(hostKinds, o.ID.Kind):
		v.refuseKind()
		return v.found, nil
	}
	v.hostFields()
	v.fields()
	v.name()
	v.metadata()
	v.substitutions(true)
	return v.found, v.carried
}

// vetting is one look at an object.
type vetting struct {
	object   object.Object
	manifest map[string]any
	Metadata // the object's own
	Before
	found   []Finding
	carried *Carried
}

// add keeps a finding about the part that the tokens lead to.
func (v *vetting) add(d diag.Diagnostic, words ...string) {
	v.found = append(v.found, Finding{Diagnostic: d, Words: words})
}

// at points at the part of the vetted object that the tokens lead to.
func (v *vetting) at(tokens ...string) diag.Subject {
	return diag.Subject{Object: v.object.ID, Pointer: object.Pointer(tokens...)}
}

// example writes the entry of the Platform's components by which something would pass that one of
// some words says.
func (v *vetting) example(field string, value any, words ...string) string {
	path := "…"
	if i := slices.IndexFunc(v.Components, func(c plan.Component) bool { return v.Wrote(c, words...) }); i >= 0 {
		path = v.Components[i].Path
	}
	return yamltext.Line(yamltext.Field{Key: "components", Value: yamltext.List{yamltext.Map{{Key: "path", Value: path}, {Key: field, Value: value}}}})
}

// VetNames judges what the Platform names for components to carry: what never passes cannot be
// named.
func VetNames(components []plan.Component) diag.List {
	var found diag.List
	for _, c := range components {
		for _, k := range c.Kinds {
			found = append(found, vetKindName(k)...)
		}
		for _, m := range slices.Concat(c.Labels, c.Annotations) {
			if d := deployerOf(m.Key); d != nil && d.refuses(m.Key, m.Value) {
				found = append(found, actsOnDeployers.At(m.Span, "%s never passes", yamltext.Line(yamltext.Field{Key: m.Key, Value: m.Value})).
					Because("%s", d.does).
					Suggest("leave it out: a policy that is proved is applied, and stays"))
			}
		}
	}
	return found
}

// quoted shortens some text of a vetted object for people.
func quoted(text string) string {
	const most = 60
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return text
}
