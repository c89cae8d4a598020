package object

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"reflect"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
	kjson "sigs.k8s.io/json"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/yamltext"
)

// headless tells that what was read has no head: it is no mapping, or a name in it is no text.
// Of somebody else's it is told where policies are spoken of.
func (d *decoder) headless(raw []byte, err error) {
	f := nameless.At(d.start, "this is not a Kubernetes object: %s", mismatch(err)).
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
					f = d.quoted(BadField.At(d.start, "the manifest cannot be read: %s", mismatch(err)), pointer)
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

// unread tells that an object that tells of the cluster cannot be read, at the value.
func (d *decoder) unread(raw []byte, id ID, err error) diag.Diagnostic {
	f := BadField.On(diag.Subject{Object: id}, "%s cannot be read: %s", id, mismatch(err)).
		Because("an API server refuses the object").Suggest("check the type against the API reference of %s", id.Kind)
	var typeError *json.UnmarshalTypeError
	if !errors.As(err, &typeError) {
		f.Span = d.start
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

// place finds a value of what is read in the text.
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

// substituted finds, in what decides of somebody else's object, a text that another program
// is to replace: what it puts there is not known.
func (d *decoder) substituted(raw []byte, id ID) bool {
	if !d.others() || !bytes.Contains(raw, []byte("${")) && !bytes.Contains(raw, []byte("{{")) {
		return false
	}
	k, _ := classify(d.versionOf(raw), id.Kind)
	var decides any = json.RawMessage(raw)
	if k.role == World {
		typed := k.typed()
		if kjson.UnmarshalCaseSensitivePreserveInts(raw, typed) != nil {
			return false
		}
		decides = []any{id.Namespace, id.Name, Object{Typed: typed, JSON: raw}.deciding()}
	}
	said, err := json.Marshal(decides)
	if d.doc == nil {
		pointer, is := pointerToTemplate(raw)
		if !is || err != nil || !bytes.Contains(said, []byte("${")) && !bytes.Contains(said, []byte("{{")) {
			return false
		}
		f := unsubstituted.On(diag.Subject{Object: id, Pointer: pointer}, "the text of a template, which nothing has replaced yet").
			Because(whoReplaces).
			Suggest("judge what comes out: kustomize build %s | envsubst | portcullis check -, or flux build kustomization NAME --path %[1]s | portcullis check -", path.Dir(d.file))
		if k.role == World {
			f.Severity = diag.Warning
		}
		f.Span = d.start
		d.add(f)
		return true
	}
	for _, marks := range placeholders {
		if err != nil || !bytes.Contains(said, []byte(marks[0])) {
			continue
		}
		start, end := placeholder(d.doc.text, marks)
		if start < 0 {
			continue // written with escapes: it is what it is
		}
		f := d.doc.template(start, end)
		if k.role == World {
			f.Severity = diag.Warning // its pods are not known; those that are shown are judged
		}
		f.Subject = diag.Subject{Object: id}
		d.add(f)
		return true
	}
	return false
}

func (d *decoder) versionOf(raw []byte) string {
	v, _ := valuesOf(raw).At("/apiVersion")
	text, _ := v.(string)
	return text
}

// pointerToTemplate is the pointer of the first text of an object that some program is to replace.
func pointerToTemplate(raw []byte) (pointer string, is bool) {
	var root any
	if json.Unmarshal(raw, &root) != nil {
		return "", false
	}
	var walk func(at string, v any) bool
	walk = func(at string, v any) bool {
		switch v := v.(type) {
		case string:
			_, is = TemplateText(v)
			pointer = at
		case map[string]any:
			for _, key := range diag.SortedKeys(v) {
				if key != "annotations" && walk(at+"/"+escape(key), v[key]) {
					return true
				}
			}
		case []any:
			for i, item := range v {
				if walk(fmt.Sprintf("%s/%d", at, i), item) {
					return true
				}
			}
		}
		return is
	}
	return pointer, walk("", root)
}

// TemplateText is the first stretch of a text that some program is to replace.
func TemplateText(text string) (stretch string, is bool) {
	for _, marks := range placeholders {
		if start, end := placeholder([]byte(text), marks); start >= 0 {
			return text[start:end], true
		}
	}
	return "", false
}

// Find is where a stretch of text stands first in a file.
func Find(file string, data []byte, stretch string) (diag.Span, bool) {
	for doc := range newSource(file, data).documents() {
		if i := bytes.Index(doc.text, []byte(stretch)); i >= 0 {
			return doc.within(i, i+len(stretch)), true
		}
	}
	return diag.Span{}, false
}
