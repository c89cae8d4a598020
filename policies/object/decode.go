package object

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"portcullis.dev/policies/diag"
)

// Decode reads the manifests of one file: any number of YAML documents, or a v1
// List. Objects without a namespace that need one are put into "default", as
// kubectl does. Documents without content are skipped.
//
// Everything that is wrong is reported, and what could be read is returned beside.
func Decode(file string, data []byte) ([]Object, diag.List) {
	var objects []Object
	var found diag.List
	for first, doc := range documents(data) {
		if blank(doc) {
			continue
		}
		d := decoder{file: file, data: data, doc: doc, first: first}
		raw, err := yaml.YAMLToJSONStrict(doc)
		if err != nil {
			found = append(found, d.syntax(err)...)
			continue
		}
		objects = append(objects, d.value(raw)...)
		found = append(found, d.found...)
	}
	return objects, found
}

// DecodeJSON reads one manifest that is already JSON, as kustomize renders it.
func DecodeJSON(raw []byte) ([]Object, diag.List) {
	d := decoder{}
	objects := d.value(raw)
	return objects, d.found
}

// documents yields each YAML document of the data with the line it starts on,
// counted from 0. Within a document, a line that starts with three dashes can only
// be the next document's marker (YAML 1.2, 9.1.2), so no parse is needed.
func documents(data []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		start, first, line := 0, 0, 0
		for at := 0; at < len(data); line++ {
			next := len(data)
			if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
				next = at + i + 1
			}
			if marker(data[at:next]) {
				if at > start && !yield(first, data[start:at]) {
					return
				}
				start, first = at, line
			}
			at = next
		}
		if start < len(data) {
			yield(first, data[start:])
		}
	}
}

func marker(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("---"))
	return ok && (len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n"), rest[0]) >= 0)
}

func blank(doc []byte) bool {
	for line := range bytes.Lines(doc) {
		text := bytes.TrimSpace(line)
		if len(text) > 0 && text[0] != '#' && !bytes.Equal(text, []byte("---")) && !bytes.Equal(text, []byte("...")) {
			return false
		}
	}
	return true
}

// decoder reads one document.
type decoder struct {
	file  string
	data  []byte // the whole file
	doc   []byte
	first int // the document's first line, from 0
	found diag.List
}

type head struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Items      []json.RawMessage `json:"items"`
	Metadata   struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
}

func (d *decoder) value(raw []byte) []Object {
	if string(bytes.TrimSpace(raw)) == "null" {
		return nil
	}
	var h head
	if err := json.Unmarshal(raw, &h); err != nil {
		d.add(nameless.At(d.start(), "this is not a Kubernetes object: %s", plain(err)).
			Suggest("a manifest is a mapping with apiVersion, kind and metadata"))
		return nil
	}
	if h.Kind == "List" || strings.HasSuffix(h.Kind, "List") && h.Items != nil {
		var all []Object
		for _, item := range h.Items {
			all = append(all, d.value(item)...)
		}
		return all
	}
	if h.Kind == "" || h.APIVersion == "" || h.Metadata.Name == "" {
		d.add(nameless.At(d.start(), "a manifest without %s", missing(h)).
			Suggest("every Kubernetes object needs apiVersion, kind and metadata.name"))
		return nil
	}
	k, instead := classify(h.APIVersion, h.Kind)
	group, _, hasGroup := strings.Cut(h.APIVersion, "/")
	if !hasGroup {
		group = ""
	}
	id := ID{Group: group, Kind: h.Kind, Namespace: h.Metadata.Namespace, Name: h.Metadata.Name}
	switch {
	case k.cluster:
		id.Namespace = ""
	case k.typed != nil && id.Namespace == "":
		id.Namespace = "default"
	}
	o := Object{ID: id, APIVersion: h.APIVersion, Role: k.role, File: d.file, JSON: raw}
	switch k.role {
	case Unmodelled:
		d.add(unmodelledKind.On(diag.Subject{Object: id, Pointer: "/kind"}, "%s of %s cannot be judged", h.Kind, h.APIVersion).
			Because("it decides traffic in a way that is not modelled, so every verdict beside it would be a guess").
			Suggest("%s", instead))
	case Policy:
		o.Typed = d.strict(raw, id, k.typed())
	case World:
		typed := k.typed()
		if err := json.Unmarshal(raw, typed); err != nil {
			d.add(badField.On(diag.Subject{Object: id}, "%s cannot be read: %s", id, plain(err)))
			return nil
		}
		o.Typed = typed
	}
	return []Object{o}
}

// strict decodes a policy and reports each field that its type does not have.
func (d *decoder) strict(raw []byte, id ID, typed any) any {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	err := dec.Decode(typed)
	if err == nil {
		return typed
	}
	subject := diag.Subject{Object: id}
	if m := unknownField.FindStringSubmatch(err.Error()); m != nil {
		subject.Pointer = pointerTo(raw, m[1])
		d.add(badField.On(subject, "%s has no field %q", id.Kind, m[1]).
			Because("an API server drops an unknown field or refuses the object: the policy that runs is not the one that is written").
			Suggest("check the spelling and the indentation against the API reference of %s", id.Kind))
		return nil
	}
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		subject.Pointer = "/" + strings.ReplaceAll(mismatch.Field, ".", "/")
	}
	d.add(badField.On(subject, "%s cannot be read: %s", id, plain(err)))
	return nil
}

var unknownField = regexp.MustCompile(`unknown field "([^"]+)"`)

// pointerTo finds the first key of that name in the document, depth first.
func pointerTo(raw []byte, key string) string {
	var value any
	if json.Unmarshal(raw, &value) != nil {
		return ""
	}
	var walk func(at string, v any) string
	walk = func(at string, v any) string {
		switch v := v.(type) {
		case map[string]any:
			if _, ok := v[key]; ok {
				return at + "/" + escape(key)
			}
			for _, k := range diag.SortedKeys(v) {
				if p := walk(at+"/"+escape(k), v[k]); p != "" {
					return p
				}
			}
		case []any:
			for i, item := range v {
				if p := walk(at+"/"+strconv.Itoa(i), item); p != "" {
					return p
				}
			}
		}
		return ""
	}
	return walk("", value)
}

func missing(h head) string {
	var names []string
	for _, f := range []struct{ name, value string }{
		{"apiVersion", h.APIVersion}, {"kind", h.Kind}, {"metadata.name", h.Metadata.Name},
	} {
		if f.value == "" {
			names = append(names, f.name)
		}
	}
	return strings.Join(names, ", ")
}

func (d *decoder) add(f diag.Diagnostic) { d.found = append(d.found, f) }

// start is the document's first line with content.
func (d *decoder) start() diag.Span {
	line := d.first
	for text := range bytes.Lines(d.doc) {
		if !blank(text) {
			break
		}
		line++
	}
	return d.lineSpan(line + 1)
}

var (
	atLine   = regexp.MustCompile(`line (\d+): (.*)`)
	keyTwice = regexp.MustCompile(`key "?(.+?)"? already set in map`)
)

// syntax turns the parser's error into findings. It names lines, from 1 in the
// document, and sometimes one past the end.
func (d *decoder) syntax(err error) diag.List {
	matches := atLine.FindAllStringSubmatch(err.Error(), -1)
	if matches == nil {
		return diag.List{NotYAML.At(d.start(), "%s", plain(err))}
	}
	var found diag.List
	for _, m := range matches {
		n, _ := strconv.Atoi(m[1])
		span := d.lineSpan(d.first + max(n, 1))
		if twice := keyTwice.FindStringSubmatch(m[2]); twice != nil {
			found = append(found, DuplicateKey.At(span, "the key %q is written twice in one mapping", twice[1]).
				Suggest("keep one of the lines"))
			continue
		}
		found = append(found, NotYAML.At(span, "%s", m[2]))
	}
	return found
}

// lineSpan is the text of one line, counted from 1 in the file, without its
// indentation; a line past the end is the last one.
func (d *decoder) lineSpan(n int) diag.Span {
	lines := bytes.Split(d.data, []byte("\n"))
	if len(lines) > 1 && len(lines[len(lines)-1]) == 0 {
		lines = lines[:len(lines)-1]
	}
	n = min(max(n, 1), max(len(lines), 1))
	if len(lines) == 0 {
		return diag.Span{File: d.file}
	}
	return lineSpan(d.file, n, string(lines[n-1]))
}

func plain(err error) string {
	text := err.Error()
	for _, prefix := range []string{"error converting YAML to JSON: ", "yaml: ", "json: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return fmt.Sprintf("%.300s", text)
}
