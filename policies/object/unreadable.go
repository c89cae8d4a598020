package object

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/yamltext"
)

// headless tells that what was read is unreadable for want of a head: it is no mapping, or a name
// in it is no text. Of somebody else's it is told where policies are spoken of.
func (d *decoder) headless(raw []byte, err error) {
	f := nameless.At(d.start(), "this is not a Kubernetes object: %s", mismatch(err)).
		Suggest("a manifest is a mapping with apiVersion, kind and metadata")
	if d.others() {
		values := valuesOf(raw)
		apiVersion, _ := values.At("/apiVersion")
		kind, _ := values.At("/kind")
		var h head
		h.APIVersion, _ = apiVersion.(string)
		h.Kind, _ = kind.(string)
		list := bytes.HasPrefix(raw, []byte("[")) && !bytes.Contains(raw, []byte(`"apiVersion"`)) // of no manifests
		if list || !concerns(h) && !bytes.Contains(raw, []byte("NetworkPolicy")) {
			*d.passed = append(*d.passed, Passed{APIVersion: h.APIVersion, Kind: h.Kind})
			return
		}
		for _, pointer := range []string{"/metadata/name", "/metadata/namespace"} {
			if v, there := values.At(pointer); there && v != nil {
				if _, text := v.(string); !text {
					f = d.quoted(BadField.At(d.start(), "the manifest cannot be read: %s", mismatch(err)), pointer)
					break
				}
			}
		}
	}
	d.add(f)
}

// quoted says of a finding about a value that is no text how it is written as one: YAML takes
// words such as y, no and 1e3 for booleans and numbers.
func (d *decoder) quoted(f diag.Diagnostic, pointer string) diag.Diagnostic {
	at, found := d.place(pointer)
	if !found || at.value.Kind != yamlv3.ScalarNode || at.value.Style != 0 || !yamltext.Ambiguous(at.value.Value) {
		return f
	}
	word := at.value.Value
	what := "the value"
	if _, is := yamltext.Boolean(word); is {
		what = "the boolean"
	} else if c := word[0]; c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' {
		what = "the number"
	}
	f.Message = "expected text, found " + what + " " + word
	f.Span = d.doc.node(at)
	return f.Because("YAML takes the word without quotes for %s, and an API server refuses the object", strings.Replace(what, "the", "a", 1)).
		Suggest("quote it: %s", yamltext.Quoted(word)).Mend(f.Span, yamltext.Quoted(word))
}

// unread tells that an object that tells of the cluster is unreadable, at the value.
func (d *decoder) unread(raw []byte, id ID, err error) diag.Diagnostic {
	f := BadField.On(diag.Subject{Object: id}, "%s cannot be read: %s", id, mismatch(err)).
		Because("an API server refuses the object").Suggest("check the type against the API reference of %s", id.Kind)
	var typeError *json.UnmarshalTypeError
	if !errors.As(err, &typeError) {
		f.Span = d.start()
		return f
	}
	f.Subject.Pointer = pointerToMismatch(raw, typeError)
	if at, found := d.place(f.Subject.Pointer); found {
		f.Span = d.doc.node(at)
	}
	if typeError.Type.Kind() == reflect.String {
		f = d.quoted(f, f.Subject.Pointer)
	}
	return f
}

// place finds a value that is unreadable in the text of what is decoded.
func (d *decoder) place(pointer string) (place, bool) {
	if d.doc == nil {
		return place{}, false
	}
	var root yamlv3.Node
	if yamlv3.Unmarshal(d.doc.text, &root) != nil || len(root.Content) == 0 {
		return place{}, false
	}
	at, ok := descend(root.Content[0], d.at+pointer)
	if ok {
		at.value = target(at.value)
	}
	return at, ok
}
