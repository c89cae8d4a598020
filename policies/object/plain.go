package object

import (
	"bytes"

	"sigs.k8s.io/yaml"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/yamltext"
)

// plainReader reads the documents of one file that are in plain block style, as most manifests
// are that a program printed. What they have in common they share.
type plainReader struct {
	text *yamltext.Reader
	Reader
}

// newPlainReader makes a reader that has read nothing.
func newPlainReader() plainReader { return plainReader{yamltext.NewReader(), NewReader()} }

// document decodes the objects of a document. A policy in plain style is read without a parser;
// of plain style the conversion to JSON loses nothing, for every key is text, and stands there once.
func (d *decoder) document(r plainReader) []Object {
	if m, plain := r.text.Read(d.doc.text); plain {
		raw := m.JSON()
		if o, whole := r.policy(m, raw); whole && !(d.others() && mayBeSubstituted(raw)) {
			o.File = d.file
			return []Object{o}
		}
		return d.value(raw, 0)
	}
	raw, err := yaml.YAMLToJSONStrict(d.doc.text)
	if err != nil {
		d.found = d.unparsed(err)
		return nil
	}
	if d.found = d.doc.lost(raw); d.found != nil {
		return nil
	}
	return d.value(raw, 0)
}

// unparsed tells why a document cannot be decoded: somebody else's may be a template.
func (d *decoder) unparsed(err error) diag.List {
	if d.others() {
		for _, marks := range placeholders {
			if start, end := placeholder(d.doc.text, marks); start >= 0 {
				return diag.List{d.doc.template(start, end)}
			}
		}
	}
	return d.doc.syntax(err)
}

// mayBeSubstituted reports whether the text of a template may stand in JSON.
func mayBeSubstituted(raw []byte) bool {
	return bytes.Contains(raw, []byte("${")) || bytes.Contains(raw, []byte("{{"))
}
