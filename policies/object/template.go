package object

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"

	"portcullis.dev/policies/diag"
	kjson "sigs.k8s.io/json"
)

// template makes the finding about text, between these offsets, that some other program replaces
// before the cluster reads it.
func (d textDocument) template(start, end int) diag.Diagnostic {
	f := unsubstituted.At(d.within(start, end), "the text of a template, which nothing has replaced yet")
	if d.text[start] == '$' {
		return f.Because(whoReplaces).
			Suggest("judge what comes out: flux build kustomization NAME --path DIR | portcullis check -, or envsubst < FILE | portcullis check -")
	}
	return f.Because("a program replaces it before the cluster reads it, and until then it is not YAML").
		Suggest("judge what comes out: helm template CHART | portcullis check -")
}

const whoReplaces = "a program replaces it before the cluster reads it, and what it puts there decides"

// placeholders are the marks between which stands what templates of Helm and Jinja, and
// Flux and envsubst, replace.
var placeholders = [...][2]string{{"{{", "}}"}, {"${", "}"}}

// placeholder finds the first placeholder of a template: the stretch between two marks that
// stands in one line and in no comment, or the rest of the line where it is not closed; -1 for
// none.
func placeholder(text []byte, marks [2]string) (start, end int) {
	for at := 0; at < len(text); {
		line := text[at : at+lineLength(text[at:])]
		said := trimComment(line)
		if i := bytes.Index(said, []byte(marks[0])); i >= 0 {
			if j := bytes.Index(said[i:], []byte(marks[1])); j >= 0 {
				return at + i, at + i + j + len(marks[1])
			}
			return at + i, at + len(said)
		}
		at += len(line)
	}
	return -1, -1
}

// templated reports whether a text looks like a template of Helm or Jinja.
func templated(data []byte) bool { return bytes.Contains(data, []byte("{{")) }

// substituted finds, in what decides of somebody else's object, the text of a template that
// another program is to replace: what it puts there is not known.
func (d *decoder) substituted(raw []byte, id ID) bool {
	if !d.others() || !mayBeSubstituted(raw) {
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
		if !is || err != nil || !mayBeSubstituted(said) {
			return false
		}
		f := unsubstituted.On(diag.Subject{Object: id, Pointer: pointer}, "the text of a template, which nothing has replaced yet").
			Because(whoReplaces).
			Suggest("judge what comes out: kustomize build %s | envsubst | portcullis check -, or flux build kustomization NAME --path %[1]s | portcullis check -", path.Dir(d.file))
		if k.role == World {
			f.Severity = diag.Warning
		}
		f.Span = d.start()
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

// versionOf reads the apiVersion of an object that may be a template.
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
