package object

import (
	"bytes"

	"portcullis.dev/policies/diag"
)

// Scanned is what a file of somebody else's holds for whoever judges policies.
type Scanned struct {
	Objects []Object // those that decide traffic, modelled or not, and those that tell of the cluster
	Passed  []Passed // what was passed over, in the order of the text
	Parsed  int      // bytes of the documents that were read beyond their heads
}

// Passed is a document, or an item of a list, that was passed over: it decides nothing.
type Passed struct {
	APIVersion, Kind string // both empty where it is no manifest
	Name, Namespace  string // as far as they were read
}

// Scan reads what concerns policies in a file that may hold anything: manifests as
// kubectl takes them, with the status that a cluster printed, in lists of whatever kind, in
// YAML or JSON; and, beside them, what is no manifest at all. Of documents that decide
// nothing no more than the head is read.
//
// What may decide something and cannot be read is found; what tells of the cluster and cannot
// be read is a warning. The rest of the file is somebody else's business.
func Scan(file string, data []byte) (Scanned, diag.List) {
	var s Scanned
	if !mayHoldManifest(data) && !wide(data) {
		return Scanned{Passed: []Passed{{}}}, nil
	}
	if bytes.HasPrefix(data, []byte("\x00GITCRYPT\x00")) {
		d := NotYAML.At(diag.Span{File: file}, "encrypted by git-crypt").
			Because("what it holds is not judged").Suggest("decrypt it before it is judged (git-crypt unlock), or leave it out by --exclude %s", file)
		d.Severity = diag.Warning // most hold secrets
		return s, diag.List{d}
	}
	if span, c, bad := NotUTF8(file, data); bad {
		return s, diag.List{NotYAML.At(span, "the byte 0x%02x is not UTF-8", c).
			Because("this may be a manifest, and not all who deploy it read it alike: kubectl apply -f takes UTF-16 with a byte order mark, kustomize, Argo CD and Flux take UTF-8 alone").
			Suggest("save the file as UTF-8; a binary file does not belong here")}
	}
	src := newSource(file, data)
	var found diag.List
	if stray := src.stray(); stray != nil && !templated(data) {
		return s, stray
	}
	plain := newPlainReader()
	for doc := range src.manifests() {
		if !mayHoldManifest(doc.text) {
			s.Passed = append(s.Passed, Passed{})
			continue
		}
		h, sure := doc.head()
		if !sure {
			h, sure = doc.jsonHead()
		}
		if sure && !concerns(h) {
			s.Passed = append(s.Passed, Passed{APIVersion: h.APIVersion, Kind: h.Kind})
			continue
		}
		s.Parsed += len(doc.text)
		d := decoder{file: file, doc: &doc, passed: &s.Passed}
		s.Objects = append(s.Objects, d.document(plain)...)
		wrong := d.found
		if !mayDecide(doc.text) || sure && tells(h) {
			for i := range wrong {
				wrong[i].Severity = min(wrong[i].Severity, diag.Warning) // pods of it are not known; the others are
			}
		}
		found = append(found, wrong...)
	}
	return s, found
}

// ScanRendered reads what concerns policies, as Scan does, of a manifest in JSON that a
// kustomization rendered.
func ScanRendered(raw []byte, kustomization string) (Scanned, diag.List) {
	var s Scanned
	d := decoder{file: kustomization, passed: &s.Passed}
	s.Objects = d.value(raw, 0)
	for i := range s.Objects {
		s.Objects[i].Kustomization = kustomization
	}
	return s, d.found
}

// mayHoldManifest reports whether a text is worth scanning: it may have the key apiVersion, which
// every manifest has, or a kind that decides something without it, as it is or with escapes.
func mayHoldManifest(text []byte) bool {
	return bytes.Contains(text, []byte("apiVersion")) || bytes.IndexByte(text, '\\') >= 0 || bytes.Contains(text, []byte("NetworkPolicy"))
}

// wide reports whether a text that is scanned is of characters of two bytes, or binary.
func wide(data []byte) bool {
	return bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) || bytes.IndexByte(data, 0) >= 0
}
