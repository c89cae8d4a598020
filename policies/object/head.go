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

// keys goes through the keys in the first column of the document, each with the text behind it
// on its line and up to the next key, as long as it is told to. It reports whether these are the
// document's own keys for sure, and all of them: it is a mapping in block style, all keys plain
// words. Whatever else looks like them stands deeper, or in a text that runs over lines, and then
// it is more than one key.
func (d textDocument) keys(each func(key string, line, whole []byte) bool) (sure bool) {
	key, line, from := "", []byte(nil), -1
	for at := content(d.text); at < len(d.text); {
		text := d.text[at : at+lineLength(d.text[at:])]
		start := at
		at += len(text)
		switch c := text[0]; {
		case c == ' ' || c == '\t' || c == '#' || c == '\n' || c == '\r':
			if from < 0 && c != '#' {
				return false
			}
			continue
		case c == '-' && from >= 0 && (len(text) == 1 || text[1] == ' ' || text[1] == '\n' || text[1] == '\r'):
			continue // an item below the last key
		}
		if from >= 0 && !each(key, line, d.text[from:start]) {
			return false
		}
		plain := false
		if key, line, plain = keyOf(text); !plain {
			return false
		}
		from = start + len(key) + len(":")
	}
	return from < 0 || each(key, line, d.text[from:])
}

// head reads apiVersion and kind without parsing the document, and reports whether these are
// its own for sure: its keys are, and each of the two stands there once at most.
func (d textDocument) head() (h head, sure bool) {
	sure = d.keys(func(key string, line, _ []byte) bool {
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
			return true
		}
		once := *into == "" && plainWord(line)
		*into = string(line)
		return once
	})
	if !sure {
		return head{}, false
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
