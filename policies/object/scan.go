package object

import (
	"bytes"
	"encoding/json"
	"strings"

	"sigs.k8s.io/yaml"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/yamltext"
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
		objects, wrong := doc.scan(&s)
		s.Objects = append(s.Objects, objects...)
		if !mayDecide(doc.text) || sure && tells(h) {
			for i := range wrong {
				wrong[i].Severity = min(wrong[i].Severity, diag.Warning) // pods of it are not known; the others are
			}
		}
		found = append(found, wrong...)
	}
	return s, found
}

// tells reports whether a manifest with this head, whatever else it says, tells of the cluster
// alone.
func tells(h head) bool {
	k, _ := classify(h.APIVersion, h.Kind)
	return k.role == World || k.role == Addresses
}

// ScanRendered does the same for a manifest in JSON that a kustomization rendered.
func ScanRendered(raw []byte, kustomization string) (Scanned, diag.List) {
	var s Scanned
	d := decoder{file: kustomization, start: diag.Span{File: kustomization}, passed: &s.Passed}
	s.Objects = d.value(raw, 0)
	for i := range s.Objects {
		s.Objects[i].Kustomization = kustomization
	}
	return s, d.found
}

// scan reads a document that may concern policies.
func (d textDocument) scan(s *Scanned) ([]Object, diag.List) {
	raw, err := yaml.YAMLToJSONStrict(d.text)
	if err != nil {
		for _, marks := range placeholders {
			if start, end := placeholder(d.text, marks); start >= 0 {
				return nil, diag.List{d.template(start, end)}
			}
		}
		return nil, d.syntax(err)
	}
	if wrong := d.lost(raw); wrong != nil {
		return nil, wrong
	}
	reader := decoder{file: d.file, start: d.start(), doc: &d, passed: &s.Passed}
	return reader.value(raw, 0), reader.found
}

// template is the finding about text, between these offsets, that some other program replaces
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

// placeholder finds the first stretch between two marks that stands in one line and in no
// comment, or the rest of the line where it is not closed; -1 for none.
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

func templated(data []byte) bool { return bytes.Contains(data, []byte("{{")) }

// mayHoldManifest reports whether a text may have the key apiVersion, which every manifest
// has, or a kind that decides something without it: as it is, or with escapes.
func mayHoldManifest(text []byte) bool {
	return bytes.Contains(text, []byte("apiVersion")) || bytes.IndexByte(text, '\\') >= 0 || bytes.Contains(text, []byte("NetworkPolicy"))
}

// wide reports whether a text is of characters of two bytes, or binary.
func wide(data []byte) bool {
	return bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) || bytes.IndexByte(data, 0) >= 0
}

// concerns reports whether a manifest with this head may decide traffic, or tell of the
// cluster. One that lacks a half of its head does where the other half speaks of policies.
func concerns(h head) bool {
	switch {
	case h.Kind == "" && h.APIVersion == "":
		return false
	case h.Kind == "":
		return kinds[h.APIVersion] != nil && h.APIVersion != "v1"
	case h.APIVersion == "":
		return IsPolicyKind("", h.Kind)
	}
	k, _ := classify(h.APIVersion, h.Kind)
	return k.role != Foreign || h.Items != nil || strings.HasSuffix(h.Kind, "List")
}

// head reads apiVersion and kind without parsing the document, and reports whether these are
// its own for sure: it is a mapping in block style whose keys stand in the first column, all
// of them plain words, and each of the two stands there once at most. Whatever else looks
// like them stands deeper, or in a text that runs over lines, and then there is more than one.
func (d textDocument) head() (h head, sure bool) {
	seen := map[string]bool{}
	first := true
	for at := content(d.text); at < len(d.text); {
		line := d.text[at : at+lineLength(d.text[at:])]
		at += len(line)
		switch c := line[0]; {
		case c == ' ' || c == '\t' || c == '#' || c == '\n' || c == '\r':
			if first && c != '#' {
				return head{}, false
			}
			continue
		case c == '-' && !first && (len(line) == 1 || line[1] == ' ' || line[1] == '\n' || line[1] == '\r'):
			continue // an item below the last key
		}
		key, value, plain := keyOf(line)
		if !plain {
			return head{}, false
		}
		first = false
		var into *string
		switch key {
		case "apiVersion":
			into = &h.APIVersion
		case "kind":
			into = &h.Kind
		case "items":
			h.Items = json.RawMessage("[]") // kubectl takes whatever has them for a list
		}
		if into == nil {
			continue
		}
		if seen[key] || !plainWord(value) {
			return head{}, false
		}
		seen[key], *into = true, string(value)
	}
	return h, true
}

// jsonHead reads the head of a document that is JSON.
func (d textDocument) jsonHead() (h head, sure bool) {
	text := bytes.TrimSpace(d.text)
	if bytes.HasPrefix(text, []byte("[")) {
		return h, json.Valid(text) // which kubectl does not take for manifests
	}
	return h, bytes.HasPrefix(text, []byte("{")) && json.Unmarshal(text, &h) == nil
}

// keyOf splits a line at the colon behind a plain word that it begins with.
func keyOf(line []byte) (key string, value []byte, plain bool) {
	n := 0
	for n < len(line) && (letter(line[n]) || n > 0 && (line[n] >= '0' && line[n] <= '9' || line[n] == '-' || line[n] == '_' || line[n] == '.')) {
		n++
	}
	if n == 0 || n == len(line) || line[n] != ':' {
		return "", nil, false
	}
	if rest := line[n+1:]; len(rest) > 0 && rest[0] != ' ' && rest[0] != '\t' && rest[0] != '\n' && rest[0] != '\r' {
		return "", nil, false
	}
	value = bytes.TrimSpace(trimComment(line[n+1:]))
	return string(line[:n]), value, true
}

// plainWord reports whether a value is a word that no parser takes for anything but text.
func plainWord(value []byte) bool {
	for _, c := range value {
		if !letter(c) && (c < '0' || c > '9') && c != '.' && c != '/' && c != '-' {
			return false
		}
	}
	return len(value) > 0 && letter(value[0]) && !yamltext.Ambiguous(string(value))
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
