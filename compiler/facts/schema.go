package facts

import (
	"encoding/json"
	"reflect"
	"strings"
)

// Schema makes the JSON Schema (draft-07) of a Document, derived from the Go types: every field is
// required, and no other is allowed. Rules are checked against it, so that a misspelt field is an
// error and not a rule that never fires.
func Schema() []byte {
	s := schema{definitions: map[string]any{}}
	root := s.object(reflect.TypeFor[Document]())
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = "Portcullis document " + Version
	root["definitions"] = s.definitions
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // maps, strings and bools always encode
	}
	return append(text, '\n')
}

// schema collects the types that occur, each once under its name.
type schema struct{ definitions map[string]any }

// of returns the JSON Schema of a Go type of a document; a struct's is a reference to its
// definition.
func (s *schema) of(t reflect.Type) map[string]any {
	if t == reflect.TypeFor[json.RawMessage]() {
		return map[string]any{} // anything: a manifest
	}
	switch t.Kind() {
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": s.of(t.Elem())}
	case reflect.Pointer: // to what several fields share
		return s.of(t.Elem())
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Struct:
		if _, known := s.definitions[t.Name()]; !known {
			s.definitions[t.Name()] = nil // being defined: types may refer to each other
			s.definitions[t.Name()] = s.object(t)
		}
		return map[string]any{"$ref": "#/definitions/" + t.Name()}
	}
	panic("facts: a document holds a " + t.String())
}

// object returns the JSON Schema of a struct. A field that may be left out of the JSON is not
// required.
func (s *schema) object(t reflect.Type) map[string]any {
	properties := map[string]any{}
	required := []string{}
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		properties[name] = s.of(t.Field(i).Type)
		if !strings.Contains(options, "omit") {
			required = append(required, name)
		}
	}
	return map[string]any{"type": "object", "additionalProperties": false, "properties": properties, "required": required}
}
