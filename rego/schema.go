package rego

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"portcullis.dev/policies/diag"
)

const schemaFile = "checks/input.schema.json"

// shape is what the schema says of one place in a document.
type shape struct {
	kind     string            // the JSON type; empty for anything at all
	fields   map[string]*shape // of an object with known fields
	required []*ast.Term
	values   *shape // of an object used as a map
	items    *shape // of an array
}

// schemaNode is the part of JSON Schema that the documents' schema uses.
type schemaNode struct {
	Ref        string                `json:"$ref"`
	Type       string                `json:"type"`
	Properties map[string]schemaNode `json:"properties"`
	Required   []string              `json:"required"`
	Additional json.RawMessage       `json:"additionalProperties"`
	Items      *schemaNode           `json:"items"`
	// Definitions are those of the root.
	Definitions map[string]schemaNode `json:"definitions"`
}

// documentSchema reads the embedded schema of documents.
func documentSchema() (*shape, error) {
	source, err := embedded.ReadFile(schemaFile)
	if err != nil {
		return nil, err
	}
	var root schemaNode
	if err := json.Unmarshal(source, &root); err != nil {
		return nil, fmt.Errorf("%s: %w", schemaFile, err)
	}
	r := schemaReader{root: root, named: map[string]*shape{}}
	return r.read(root)
}

// schemaSet reads the embedded schema of documents for OPA's type checker.
func schemaSet() (*ast.SchemaSet, error) {
	source, err := embedded.ReadFile(schemaFile)
	if err != nil {
		return nil, err
	}
	var schema any
	if err := json.Unmarshal(source, &schema); err != nil {
		return nil, fmt.Errorf("%s: %w", schemaFile, err)
	}
	set := ast.NewSchemaSet()
	set.Put(ast.SchemaRootRef, schema)
	return set, nil
}

type schemaReader struct {
	root  schemaNode
	named map[string]*shape // by reference, so that one definition is one shape
}

// read reads one node of the schema into a shape.
func (r schemaReader) read(n schemaNode) (*shape, error) {
	if n.Ref != "" {
		return r.resolve(n.Ref)
	}
	s := &shape{}
	return s, r.fill(s, n)
}

// resolve reads the definition in the schema that a reference names, once.
func (r schemaReader) resolve(ref string) (*shape, error) {
	if s, ok := r.named[ref]; ok {
		return s, nil
	}
	n, ok := r.root.Definitions[strings.TrimPrefix(ref, "#/definitions/")]
	if !ok {
		return nil, fmt.Errorf("%s: %s is not defined", schemaFile, ref)
	}
	s := &shape{}
	r.named[ref] = s
	return s, r.fill(s, n)
}

// fill fills a shape with what a node of the schema says: fields, values and items.
func (r schemaReader) fill(s *shape, n schemaNode) (err error) {
	s.kind = n.Type
	for _, name := range n.Required {
		s.required = append(s.required, ast.InternedTerm(name))
	}
	if len(n.Properties) > 0 {
		s.fields = make(map[string]*shape, len(n.Properties))
		for _, name := range diag.SortedKeys(n.Properties) {
			if s.fields[name], err = r.read(n.Properties[name]); err != nil {
				return err
			}
		}
	}
	if len(n.Additional) > 0 && n.Additional[0] == '{' {
		var values schemaNode
		if err := json.Unmarshal(n.Additional, &values); err != nil {
			return fmt.Errorf("%s: %w", schemaFile, err)
		}
		if s.values, err = r.read(values); err != nil {
			return err
		}
	}
	if n.Items != nil {
		s.items, err = r.read(*n.Items)
	}
	return err
}

// accepts reports how a document differs from the schema: a field that is null or
// missing would be undefined to every rule, which is to say that none objects.
func (s *shape) accepts(v ast.Value) error {
	if err := (acceptance{}).differs(s, v); err != nil {
		return fmt.Errorf("the document is not as the rules expect it: %w", err)
	}
	return nil
}

// acceptance holds which terms were found to be as which place expects: a document may say
// the same in many places.
type acceptance map[*ast.Term]*shape

// differs finds how a value differs from the shape that the schema gives it.
func (a acceptance) differs(s *shape, v ast.Value) error {
	if s.kind == "" {
		return nil
	}
	if kind := kindOf(v); kind != s.kind && !(kind == "number" && s.kind == "integer") {
		return fmt.Errorf("found %s, expected %s", kind, s.kind)
	}
	switch v := v.(type) {
	case *ast.Array:
		if s.items == nil || s.items.kind == "" {
			return nil
		}
		for i := range v.Len() {
			if err := a.term(s.items, v.Elem(i)); err != nil {
				return fmt.Errorf("%d: %w", i, err)
			}
		}
	case ast.Object:
		return a.object(s, v)
	}
	return nil
}

// term looks at one value, and once at an object that stands in several places.
func (a acceptance) term(s *shape, term *ast.Term) error {
	if _, isObject := term.Value.(ast.Object); !isObject {
		return a.differs(s, term.Value)
	}
	if a[term] == s {
		return nil
	}
	err := a.differs(s, term.Value)
	if err == nil {
		a[term] = s
	}
	return err
}

// object finds how an object differs from the schema: what is missing, what is unknown, and in
// its fields.
func (a acceptance) object(s *shape, o ast.Object) error {
	for _, name := range s.required {
		if o.Get(name) == nil {
			return fmt.Errorf("%s is missing", string(name.Value.(ast.String)))
		}
	}
	return o.Iter(func(key, value *ast.Term) error {
		name, _ := key.Value.(ast.String)
		field := s.values
		if s.fields != nil {
			if field = s.fields[string(name)]; field == nil {
				return fmt.Errorf("%s is unknown", name)
			}
		}
		if field == nil {
			return nil
		}
		if err := a.term(field, value); err != nil {
			return fmt.Errorf("%s: %w", string(name), err)
		}
		return nil
	})
}

// kindOf names the type of a value as JSON Schema does.
func kindOf(v ast.Value) string {
	switch v.(type) {
	case ast.Null:
		return "null"
	case ast.Boolean:
		return "boolean"
	case ast.Number:
		return "number"
	case ast.String:
		return "string"
	case *ast.Array:
		return "array"
	default:
		return "object"
	}
}
