package object

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	kjson "sigs.k8s.io/json"

	"portcullis.dev/policies/diag"
)

// Decode reads the manifests of one file: any number of YAML documents in UTF-8,
// with or without a byte order mark, or a v1 List. Objects without a namespace that
// need one are put into "default", as kubectl does. Documents without content are
// skipped.
//
// Everything that is wrong is reported, and what could be read is returned beside.
func Decode(file string, data []byte) ([]Object, diag.List) {
	src := newSource(file, data)
	if span, c, bad := NotUTF8(file, data); bad {
		return nil, diag.List{NotYAML.At(span, "the byte 0x%02x is not UTF-8", c).
			Because("Kubernetes reads manifests as UTF-8 alone").
			Suggest("save the file as UTF-8; a binary file does not belong here")}
	}
	if found := src.stray(); found != nil {
		return nil, found
	}
	var objects []Object
	var found diag.List
	plain := newPlainReader()
	for doc := range src.documents() {
		d := decoder{file: file, doc: &doc}
		objects = append(objects, d.document(plain)...)
		found = append(found, d.found...)
	}
	return objects, found
}

// DecodeJSON reads one manifest that is already JSON, as kustomize renders it.
func DecodeJSON(raw []byte) ([]Object, diag.List) {
	d := decoder{}
	objects := d.value(raw, 0)
	return objects, d.found
}

// decoder reads one document.
type decoder struct {
	file  string
	found diag.List

	doc *textDocument // in which positions are looked up; nil for what was no text
	at  string        // the pointer of what is read in its document

	passed     *[]Passed // of somebody else's manifests; nil where everything is ours, and has to be read
	enterprise string    // a field of Calico Enterprise that the last policy has
}

// others reports whether what is decoded is somebody else's, of which not everything has to be
// read.
func (d *decoder) others() bool { return d.passed != nil }

// start finds where the document begins that is decoded.
func (d *decoder) start() diag.Span {
	if d.doc == nil {
		return diag.Span{File: d.file}
	}
	return d.doc.start()
}

// value decodes one manifest, or the items of a list, and says what its kind is to us.
func (d *decoder) value(raw []byte, depth int) []Object {
	if string(bytes.TrimSpace(raw)) == "null" {
		return nil
	}
	var h head
	// An API server tells Kind from kind, and so do we.
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &h); err != nil {
		d.headless(raw, err)
		return nil
	}
	if (d.others() || strings.HasSuffix(h.Kind, "List")) && bytes.HasPrefix(h.Items, []byte("[")) {
		return d.list(h, depth+1)
	}
	if d.others() && !concerns(h) {
		*d.passed = append(*d.passed, Passed{h.APIVersion, h.Kind, h.Metadata.Name, h.Metadata.Namespace})
		return nil
	}
	k, instead := classify(h.APIVersion, h.Kind)
	if d.others() && k.role == World && h.Metadata.Name == "" {
		h.Metadata.Name = h.Metadata.GenerateName // which whoever reads a list of pods recognises
	}
	if h.Kind == "" || h.APIVersion == "" || h.Metadata.Name == "" {
		d.add(nameless.At(d.start(), "a manifest without %s", missing(h)).
			Suggest("every Kubernetes object needs apiVersion, kind and metadata.name"))
		return nil
	}
	id := ID{Group: GroupOf(h.APIVersion), Kind: h.Kind, Namespace: h.Metadata.Namespace, Name: h.Metadata.Name}
	switch {
	case k.cluster:
		id.Namespace = ""
	case k.typed != nil && id.Namespace == "":
		id.Namespace = "default"
	}
	o := Object{ID: id, APIVersion: h.APIVersion, Role: k.role, File: d.file, JSON: raw}
	o.Unplaced = id.Namespace != h.Metadata.Namespace && !k.cluster
	switch {
	case k.role == Unmodelled && d.others():
		o.Instead = instead
	case k.role != Foreign && d.substituted(raw, id):
		return nil
	case k.role == Unmodelled: // what has gone as well: a component would open nothing with it
		d.add(UnmodelledKind.On(diag.Subject{Object: id, Pointer: "/kind"}, "%s of %s cannot be judged", h.Kind, h.APIVersion).
			Because("it decides traffic in a way that is not modelled, so every verdict beside it would be a guess").
			Suggest("%s", instead))
	case k.role == Policy:
		if o.Typed = d.strict(raw, id, k.typed()); o.Typed == nil && d.enterprise != "" {
			o.Role, o.Instead = Unmodelled, "it has the field "+d.enterprise+" of Calico Enterprise, and what that does is not modelled"
			d.enterprise = ""
		}
	case k.role == World:
		typed := k.typed()
		if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, typed); err != nil {
			d.add(d.unread(raw, id, err))
			return nil
		}
		o.Typed = typed
	}
	return []Object{o}
}

// list decodes the objects of a v1 List, or of a kind's own one.
func (d *decoder) list(h head, depth int) []Object {
	var items []json.RawMessage
	if err := json.Unmarshal(h.Items, &items); err != nil || depth > listDepth {
		d.add(nameless.At(d.start(), "a %s cannot be read: its items are nested more than %d deep", h.Kind, listDepth).
			Suggest("write the objects as documents of their own"))
		return nil
	}
	var all []Object
	for i, item := range items {
		inner := *d
		inner.at = fmt.Sprintf("%s/items/%d", d.at, i)
		all = append(all, inner.value(d.named(item, h), depth)...)
		d.found = inner.found
	}
	return all
}

// named gives an item of a kind's own list the kind and the version that it leaves to the
// list, as kubectl does.
func (d *decoder) named(item json.RawMessage, list head) json.RawMessage {
	kind := strings.TrimSuffix(list.Kind, "List")
	if !d.others() || kind == "" || kind == list.Kind {
		return item
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(item, &members) != nil || members == nil {
		return item
	}
	for key, value := range map[string]string{"apiVersion": list.APIVersion, "kind": kind} {
		if members[key] == nil {
			members[key], _ = json.Marshal(value) // of a string
		}
	}
	whole, err := json.Marshal(members)
	if err != nil {
		return item
	}
	return whole
}

// strict decodes a policy as an API server does that validates strictly, and
// reports each field that its type does not have.
func (d *decoder) strict(raw []byte, id ID, typed any) any {
	unknown, err := kjson.UnmarshalStrict(raw, typed)
	if err != nil {
		subject := diag.Subject{Object: id}
		var typeError *json.UnmarshalTypeError
		if errors.As(err, &typeError) {
			subject.Pointer = pointerToMismatch(raw, typeError)
		}
		f := BadField.On(subject, "%s cannot be read: %s", id, mismatch(err)).
			Because("an API server refuses the object").Suggest("check the type against the API reference of %s", id.Kind)
		if typeError != nil && typeError.Type.Kind() == reflect.String {
			f = d.quoted(f, subject.Pointer)
		}
		d.add(f)
		return nil
	}
	unknown = slices.DeleteFunc(unknown, d.ofStatus)
	for _, err := range unknown {
		var field kjson.FieldError
		if !errors.As(err, &field) {
			d.add(BadField.On(diag.Subject{Object: id}, "%s cannot be read: %s", id, plain(err)))
			continue
		}
		pointer, name := pointerToField(raw, field.FieldPath())
		if d.others() && enterprise[name] && strings.HasPrefix(id.Group, "projectcalico.org") {
			d.enterprise = name
			return nil
		}
		d.add(BadField.On(diag.Subject{Object: id, Pointer: pointer}, "%s has no field %q", id.Kind, name).
			Because("an API server drops an unknown field or refuses the object: the policy that runs is not the one that is written").
			Suggest("check the spelling, upper and lower case too, and the indentation against the API reference of %s", id.Kind))
	}
	if len(unknown) > 0 {
		return nil
	}
	return typed
}

// ofStatus reports whether a field that decoding does not know is of the status that a cluster
// wrote into what is somebody else's: kubectl leaves it out.
func (d *decoder) ofStatus(err error) bool {
	var field kjson.FieldError
	if !d.others() || !errors.As(err, &field) {
		return false
	}
	return field.FieldPath() == "status" || strings.HasPrefix(field.FieldPath(), "status.")
}

// add adds a finding about the document that is decoded.
func (d *decoder) add(f diag.Diagnostic) { d.found = append(d.found, f) }

// plain shortens an error of decoding: what parsers write before it is cut off, and what is too
// long.
func plain(err error) string {
	text := err.Error()
	for _, prefix := range []string{"error converting YAML to JSON: ", "yaml: ", "json: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return fmt.Sprintf("%.300s", text)
}

// mismatch says what an error of types in decoding is about in the words of YAML: Go's own are
// for nobody who writes manifests.
func mismatch(err error) string {
	var typeError *json.UnmarshalTypeError
	if !errors.As(err, &typeError) {
		return plain(err)
	}
	expected := "a mapping"
	switch typeError.Type.Kind() {
	case reflect.Slice, reflect.Array:
		expected = "a list"
	case reflect.String:
		expected = "text"
	case reflect.Bool:
		expected = "true or false"
	case reflect.Float32, reflect.Float64:
		expected = "a number"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		expected = "a whole number in " + typeError.Type.Kind().String()
	}
	kind, _, _ := strings.Cut(typeError.Value, " ") // "number 1.5" is a number
	found := map[string]string{"array": "a list", "object": "a mapping", "string": "text", "bool": "a boolean"}[kind]
	return "expected " + expected + ", found " + cmp.Or(found, "the "+typeError.Value)
}
