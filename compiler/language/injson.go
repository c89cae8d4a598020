package language

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
)

// InJSON reports whether a text in JSON holds a document of the intent language, as [Ours]
// does for YAML: it would be left out. It looks at one word after the other, for files of
// JSON are large and few of them are ours. Of what does not parse, the words decide.
func InJSON(data []byte) bool {
	data = bytes.TrimPrefix(bytes.ReplaceAll(data, []byte{0}, nil), bom) // UTF-16 too holds the words
	lower := bytes.ToLower(data)
	if !slices.ContainsFunc(wordsInJSON, func(w []byte) bool { return bytes.Contains(lower, w) }) {
		return false
	}
	for words := json.NewDecoder(bytes.NewReader(data)); ; {
		switch ours, err := oursInJSON(words, 0); {
		case ours:
			return true
		case errors.Is(err, io.EOF):
			return false
		case err != nil:
			return speltInJSON.Match(data)
		}
	}
}

// wordsInJSON are the words without which nothing is ours, and what JSON can hide them in.
var wordsInJSON = func() [][]byte {
	words := [][]byte{[]byte("portcullis"), []byte(`\u`)}
	for _, k := range tellingKinds() {
		words = append(words, []byte(`"`+strings.ToLower(k)+`"`))
	}
	return words
}()

// speltInJSON is a document's head in a text that does not parse, such as one with comments.
var speltInJSON = regexp.MustCompile(`(?i)\bapi[-_ ]?version["']?\s*:\s*["'][a-z0-9.-]*portcullis|\bkind["']?\s*:\s*["']NetworkIntent\b`)

// oursInJSON looks for a document of ours in one JSON value; list is how many lists it stands in.
func oursInJSON(words *json.Decoder, list int) (ours bool, err error) {
	first, err := words.Token()
	if err != nil {
		return false, err
	}
	switch first {
	case json.Delim('['):
		for list < maxDepth && words.More() && !ours && err == nil {
			ours, err = oursInJSON(words, list+1)
		}
		if !ours && err == nil {
			err = leave(words)
		}
		return ours, err
	case json.Delim('{'):
		for words.More() {
			key, err := words.Token()
			if err != nil {
				return false, err
			}
			name, _ := key.(string)
			if ours, err := oursUnder(headKey(name), words, list); ours || err != nil {
				return ours, err
			}
		}
		_, err = words.Token()
	}
	return false, err
}

// oursUnder looks at the JSON value of a key: apiVersion and kind say whether the document is
// ours, and lists hold others.
func oursUnder(key string, words *json.Decoder, list int) (ours bool, err error) {
	if key == "items" && list < maxDepth {
		return oursInJSON(words, list+1)
	}
	value, err := words.Token()
	if err != nil {
		return false, err
	}
	switch value := value.(type) {
	case json.Delim:
		return false, leave(words)
	case string:
		return key == "apiVersion" && groupIsOurs(value) || key == "kind" && slices.Contains(tellingKinds(), value), nil
	}
	return false, nil
}

// leave skips to the end of the JSON list or object that was entered.
func leave(words *json.Decoder) error {
	for depth := 1; depth > 0; {
		word, err := words.Token()
		if err != nil {
			return err
		}
		switch word {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
	}
	return nil
}
