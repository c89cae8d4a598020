package object

import (
	"bytes"
	"encoding/json"
	"strings"

	"portcullis.dev/policies/yamltext"
)

type head struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Items      json.RawMessage `json:"items"`
	Metadata   struct {
		Name         string `json:"name"`
		GenerateName string `json:"generateName"`
		Namespace    string `json:"namespace"`
	} `json:"metadata"`
}

// listDepth is how deep Lists may stand in Lists.
const listDepth = 8

// missing names the fields that a manifest's head lacks: apiVersion, kind, metadata.name.
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

// concerns reports whether a manifest with this head may decide traffic, or tell of the cluster.
// One that lacks a half of its head does where the other half speaks of policies.
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

// tells reports whether a manifest with this head, whatever else it says, tells of the cluster
// alone.
func tells(h head) bool {
	k, _ := classify(h.APIVersion, h.Kind)
	return k.role == World || k.role == Addresses
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

// jsonHead reads the head, apiVersion and kind, of a document that is JSON.
func (d textDocument) jsonHead() (h head, sure bool) {
	text := bytes.TrimSpace(d.text)
	if bytes.HasPrefix(text, []byte("[")) {
		return h, json.Valid(text) // which kubectl does not take for manifests
	}
	return h, bytes.HasPrefix(text, []byte("{")) && json.Unmarshal(text, &h) == nil
}

// keyOf splits a line of a head at the colon behind a plain word that it begins with.
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

// plainWord reports whether a value in a head is a word that no parser takes for anything but
// text.
func plainWord(value []byte) bool {
	for _, c := range value {
		if !letter(c) && (c < '0' || c > '9') && c != '.' && c != '/' && c != '-' {
			return false
		}
	}
	return len(value) > 0 && letter(value[0]) && !yamltext.Ambiguous(string(value))
}

// letter reports whether a byte is a letter of the alphabet, as names in heads are made of.
func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
